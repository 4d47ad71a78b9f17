import { withoutCleared } from '../../../domain/changes/cleared-suspects.ts';
import { type GroupReason, type Opening, scopeOfGroup, stillFails } from '../../../domain/incidents/incident-group.ts';
import { withoutChild, planJoin, planLeave } from '../../../domain/incidents/lifecycle.ts';
import { parentIncident } from '../../../domain/incidents/new-incident.ts';
import type { ChildIncident, IncidentGroups } from '../../../domain/ports/incidents.ts';
import type { EnvironmentName, IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { copy, type FakeStore } from './store.ts';

export class FakeIncidentGroups implements IncidentGroups {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async openedSince(since: Timestamp): Promise<Opening[]> {
    return copy(this.#store.openings.filter(({ at }) => at >= since));
  }

  async stillFailing(openings: readonly Opening[]): Promise<Opening[]> {
    const now = this.#store.clock.now();
    const fails = ({ id, at }: Opening): boolean => {
      const record = this.#store.dossiers.get(id)?.record;
      return record !== undefined && stillFails(record, secondsBetween(at, now));
    };
    return copy(openings.filter(fails));
  }

  async parentIn(environment: string): ReturnType<IncidentGroups['parentIn']> {
    const dossier = this.#store.openIncident(scopeOfGroup(environment));
    if (dossier === undefined) return undefined;
    return copy({ incident: dossier.record, lastJoinedAt: dossier.joinedAt ?? dossier.record.opened_at });
  }

  async openParent(environment: string, groupReason: GroupReason, title: string, trace: string): Promise<IncidentId> {
    const { nextId: id, clock, open } = this.#store;
    const known = open.get(scopeOfGroup(environment));
    const born = { id, at: clock.now(), trace };
    return known ?? this.#store.begin(parentIncident(born, environment as EnvironmentName, groupReason, title));
  }

  async join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'> {
    const { dossiers, clock } = this.#store;
    const [into, part] = [dossiers.get(parent), dossiers.get(child)];
    const plan = planJoin(parent, part?.record, clock.now());
    if (typeof plan === 'string') return plan;
    if (into === undefined || part === undefined || into.record.status === 'resolved') return 'closed';
    this.#store.patch(child, plan.child.patch);
    this.#store.patch(parent, plan.parent.patch);
    part.timeline.push(plan.child.entry);
    into.timeline.push(plan.parent.entry);
    into.joinedAt = plan.joinedAt;
    into.children.set(child, { joinedAt: plan.joinedAt, endedAt: null });
    return 'joined';
  }

  async children(parent: IncidentId): Promise<ChildIncident[]> {
    return partsOf(this.#store, parent);
  }

  async detach(parent: IncidentId, child: IncidentId, why: Parameters<IncidentGroups['detach']>[2]): Promise<boolean> {
    const { dossiers, clock } = this.#store;
    const post = planLeave(parent, dossiers.get(child)?.record, why, clock.now());
    if (post === null) return false;
    this.#store.post(post);
    await this.childEnded(parent, child);
    return true;
  }

  async childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined> {
    const into = this.#store.dossiers.get(parent);
    const part = into?.children.get(child);
    if (part?.endedAt === null) {
      part.endedAt = this.#store.clock.now();
      this.#store.patch(parent, withoutChild);
    }
    return copy(into?.record);
  }
}

/** Returns the children that did not leave the group. */
export const partsOf = ({ dossiers }: FakeStore, parent: IncidentId): ChildIncident[] =>
  [...(dossiers.get(parent)?.children ?? [])].flatMap(([id, { joinedAt }]) => {
    const record = dossiers.get(id)?.record;
    return record?.parent_id === parent ? [{ incident: withoutCleared(copy(record)), joinedAt }] : [];
  });
