import * as z from 'zod';
import { increment } from '../../domain/incidents/metrics.ts';
import {
  type GroupReason,
  type Opening,
  OPENINGS_CHECKED,
  type ParentUrgency,
  scopeOfGroup,
} from '../../domain/incidents/incident-group.ts';
import { stillFails } from '../../domain/incidents/group-now.ts';
import { parentIncident } from '../../domain/incidents/new-incident.ts';
import { withoutChild, planJoin, planLeave } from '../../domain/incidents/lifecycle.ts';
import type { IncidentGroups, ChildIncident } from '../../domain/ports/incidents.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { mintIncidentId } from '../../stores/ids.ts';
import { type Observers, unobserved } from './observers.ts';
import { keys } from '../../stores/keys.ts';
import { patchWrite, postWrites, timelineWrite } from './inbox.ts';
import { IncidentNumbers } from './incident-numbers.ts';
import { newIncidentWrites } from './new-incident.ts';
import { incidentRecordOf } from '../../stores/record.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, allOf, type Item, missing, present, put, update, type Write } from '../../../platforms/store.ts';

/** Openings, and their incidents, that are read together. In most cases, these are enough. */
const OPENINGS_READ_AT_ONCE = 20;

const TRIES = 20;

/** What shows whether an incident fails. */
const StoredFailure = StoredIncident.pick({
  status: true,
  verification: true,
  firing: true,
  verifying: true,
  new_onset: true,
  recovered_at: true,
  returned_at: true,
});

const Membership = z.object({ child: IncidentId, at: Timestamp });

/** Stores recently opened incidents and incident groups: a parent and its children. */
export class IncidentGroupTable implements IncidentGroups {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #mint: typeof mintIncidentId;
  readonly #numbers: IncidentNumbers;

  constructor(table: Table, clock: Clock, observers: Observers = unobserved, mint = mintIncidentId) {
    this.#table = table;
    this.#clock = clock;
    this.#observers = observers;
    this.#mint = mint;
    this.#numbers = new IncidentNumbers(table);
  }

  async opening({ id, opened_at: at }: Pick<IncidentRecord, 'id' | 'opened_at'>): Promise<Opening | undefined> {
    const item = await this.#table.get(keys.opening(at, id));
    return item && openingOf(item);
  }

  async openingsOf(service: string, since: Timestamp): Promise<Pick<Opening, 'at' | 'scope'>[]> {
    const found: Pick<Opening, 'at' | 'scope'>[] = [];
    const { pk } = keys.incidentsOf(service);
    for await (const { at, scope } of this.#table.each(pk, { newestFirst: true }, OPENINGS_READ_AT_ONCE)) {
      if (at === undefined) continue; // never grouped
      const opening = { at: Timestamp.parse(at), scope: String(scope) };
      if (opening.at < since) break;
      found.push(opening);
    }
    return found;
  }

  async newestOpenings(
    { since, until }: { since: Timestamp; until: Timestamp },
    isEnough?: (opening: Opening) => boolean,
  ): Promise<Opening[]> {
    const found: Opening[] = [];
    const range = { from: since, until: `${until}$`, newestFirst: true }; // `$` sorts after the `#` that follows the time
    const readAtOnce = isEnough === undefined ? Infinity : OPENINGS_READ_AT_ONCE;
    for await (const item of this.#table.each(keys.openings().pk, range, readAtOnce)) {
      const opening = openingOf(item);
      found.push(opening);
      if (isEnough?.(opening)) break;
    }
    return found.toReversed();
  }

  async stillFailing(openings: readonly Opening[], max = Infinity): Promise<Opening[]> {
    const left = openings.slice(-OPENINGS_CHECKED);
    let failing: Opening[] = [];
    while (left.length > 0 && failing.length < max) {
      const newest = left.splice(-(max === Infinity ? OPENINGS_CHECKED : OPENINGS_READ_AT_ONCE));
      const items = await this.#table.getAll(newest.map(({ id }) => keys.incident(id)));
      const now = this.#clock.now();
      const failingOf = (opening: Opening, item: Item | undefined): Opening[] => {
        if (item === undefined) return [];
        const failure = StoredFailure.parse(item);
        const { new_onset: onset, returned_at: returned } = failure;
        if (!stillFails(failure, secondsBetween(opening.at, now))) return [];
        const problemAt =
          onset?.after === undefined || (returned !== undefined && returned > onset.at) ? returned : onset.at;
        return [problemAt === undefined ? opening : { ...opening, problemAt }];
      };
      failing = [...newest.flatMap((opening, n) => failingOf(opening, items[n])), ...failing];
    }
    return failing.slice(-max);
  }

  parentIn(environment: string): ReturnType<IncidentGroups['parentIn']> {
    return this.#openIn(scopeOfGroup(environment));
  }

  async #openIn(scope: string): ReturnType<IncidentGroups['parentIn']> {
    const pointer = await this.#table.get(keys.open(scope));
    if (pointer === undefined) return undefined;
    const item = await this.#table.get(keys.incident(IncidentId.parse(pointer['incident_id'])));
    if (item === undefined || item['status'] === 'resolved') return undefined;
    const incident = StoredIncident.parse(item);
    const joined = typeof item['joined_at'] === 'string' ? Timestamp.parse(item['joined_at']) : incident.opened_at;
    return { incident, lastJoinedAt: joined };
  }

  async openParent(
    environment: string,
    groupReason: GroupReason,
    title: string,
    trace: string,
    urgency?: ParentUrgency,
  ): Promise<IncidentId> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [open, newest] = await Promise.all([
        this.#openIn(scopeOfGroup(environment, groupReason)),
        this.#numbers.newest(),
      ]);
      if (open) return open.incident.id;
      const at = this.#clock.now();
      const identity = { id: this.#mint(at), at, trace };
      const parent = parentIncident(identity, EnvironmentName.parse(environment), groupReason, title, urgency);
      const opens = this.#numbers.numbered(parent, newest, attempt);
      const { id, severity } = opens.incident;
      const { ok } = await this.#table.transact(newIncidentWrites(opens));
      if (ok) {
        await this.#observers.counters.add([increment('firebreak_incidents_opened_total', 'several')]);
        await this.#observers.events.publish(id, 'incident.opened', { actor: 'firebreak', severity });
        return id;
      }
    }
    throw new Error(
      `a parent incident in ${environment} opened or closed during all ${TRIES} attempts; the step is retried`,
    );
  }

  async join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'> {
    const [item, into] = await this.#table.getAll([keys.incident(child), keys.incident(parent)]);
    const group = into === undefined ? { id: parent } : StoredIncident.parse(into);
    const plan = planJoin(group, item && StoredIncident.parse(item), this.#clock.now());
    if (typeof plan === 'string') {
      await this.#observers.shown.incident(parent, child);
      return plan;
    }
    const at = plan.joinedAt;
    const result = await this.#table.transact([
      put({ ...keys.child(parent, child), child, at }, absent),
      patchWrite(child, plan.child.patch),
      patchWrite(parent, plan.parent.patch, { joined_at: at }),
      timelineWrite(parent, `joined-${child}`, plan.parent.entry),
      timelineWrite(child, `parent-${parent}`, plan.child.entry),
    ]);
    if (!result.ok && !result.failed.includes(0)) return 'closed';
    await this.#observers.shown.incident(parent, child);
    return 'joined';
  }

  children(parent: IncidentId): Promise<ChildIncident[]> {
    return childIncidentsOf(this.#table, parent);
  }

  async detach(parent: IncidentId, child: IncidentId, why: Parameters<IncidentGroups['detach']>[2]): Promise<boolean> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [item, joined] = await this.#table.getAll([keys.incident(child), keys.child(parent, child)]);
      const at = this.#clock.now();
      const post = planLeave(parent, item && incidentRecordOf(item), why, at);
      if (post === null) return false;
      const isMember = joined !== undefined && joined['ended_at'] === undefined;
      const { ok } = await this.#table.transact([
        ...postWrites(post),
        ...(isMember ? this.#endWrites(parent, child, at, undefined) : []),
      ]);
      if (!ok) continue;
      await this.#observers.shown.incident(parent, child);
      return true;
    }
    throw new Error(
      `cannot remove incident ${child} from ${parent}: it changed during all ${TRIES} attempts; try again`,
    );
  }

  /** Ends the child's membership, once. */
  #endWrites(parent: IncidentId, child: IncidentId, at: Timestamp, ended: IncidentRecord | undefined): Write[] {
    return [
      update(keys.child(parent, child), { set: { ended_at: at } }, allOf(present, missing('ended_at'))),
      patchWrite(parent, withoutChild(ended)),
    ];
  }

  async childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined> {
    const ended = await this.#table.get(keys.incident(child));
    await this.#table.transact(this.#endWrites(parent, child, this.#clock.now(), ended && incidentRecordOf(ended)));
    await this.#observers.shown.incident(parent, child);
    const item = await this.#table.get(keys.incident(parent));
    return item && StoredIncident.parse(item);
  }
}

const openingOf = (item: Item): Opening => ({
  id: IncidentId.parse(item['id']),
  at: Timestamp.parse(item['at']),
  ...(item['began'] !== undefined && { began: Timestamp.parse(item['began']) }),
  scope: String(item['scope']),
  service: ServiceName.parse(item['service']),
  environment: String(item['environment']),
  unmatched: typeof item['unmatched'] === 'string' ? item['unmatched'] : null,
});

/** In the order in which they opened. */
export const childrenOf = (table: Table, parent: IncidentId): Promise<IncidentId[]> =>
  collect(table.each(keys.incident(parent).pk, { prefix: 'CHILD#' }), (item) => IncidentId.parse(item['child']));

/** Without children that have left the group. */
export async function childIncidentsOf(table: Table, parent: IncidentId): Promise<ChildIncident[]> {
  const rows = await collect(table.each(keys.incident(parent).pk, { prefix: 'CHILD#' }), (row) =>
    Membership.parse(row),
  );
  const items = await table.getAll(rows.map(({ child }) => keys.incident(child)));
  return rows.flatMap(({ at: joinedAt }, n) => {
    const item = items[n];
    return item?.['parent_id'] === parent ? [{ incident: incidentRecordOf(item), joinedAt }] : [];
  });
}
