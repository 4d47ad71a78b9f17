import * as z from 'zod';
import { increment } from '../../../domain/incidents/metrics.ts';
import { type GroupReason, type Opening, scopeOfGroup, stillFails } from '../../../domain/incidents/incident-group.ts';
import { parentIncident } from '../../../domain/incidents/new-incident.ts';
import { withoutChild, planJoin, planLeave } from '../../../domain/incidents/lifecycle.ts';
import type { IncidentGroups, ChildIncident } from '../../../domain/ports/incidents.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import { type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { mintIncidentId } from '../../ids.ts';
import { type Observers, unobserved } from './observers.ts';
import { keys } from '../core/keys.ts';
import { patchWrite, postWrites, timelineWrite } from './inbox.ts';
import { newIncidentWrites } from './new-incident.ts';
import { incidentRecordOf } from '../core/record.ts';
import { absent, collect, type Item, type Table, type Write } from '../core/table.ts';

/** Enough to decide whether many incidents opened together. */
const OPENINGS_READ_MAX = 60;

const TRIES = 20;

const Membership = z.object({ child: IncidentId, at: Timestamp });

/** Stores recently opened incidents and incident groups: a parent and its children. */
export class IncidentGroupTable implements IncidentGroups {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #observers: Observers;

  constructor(table: Table, clock: Clock, observers: Observers = unobserved) {
    this.#table = table;
    this.#clock = clock;
    this.#observers = observers;
  }

  async openedSince(since: Timestamp): Promise<Opening[]> {
    return collect(this.#table.each(keys.openings().pk, '', { from: since }), openingOf);
  }

  async stillFailing(openings: readonly Opening[]): Promise<Opening[]> {
    const newest = openings.slice(-OPENINGS_READ_MAX);
    const items = await this.#table.getAll(newest.map(({ id }) => keys.incident(id)));
    const now = this.#clock.now();
    return newest.filter(({ at }, n) => {
      const item = items[n];
      return item !== undefined && stillFails(StoredIncident.parse(item), secondsBetween(at, now));
    });
  }

  async parentIn(environment: string): Promise<{ incident: IncidentRecord; lastJoinedAt: Timestamp } | undefined> {
    const pointer = await this.#table.get(keys.open(scopeOfGroup(environment)));
    if (pointer === undefined) return undefined;
    const item = await this.#table.get(keys.incident(IncidentId.parse(pointer['incident_id'])));
    if (item === undefined || item['status'] === 'resolved') return undefined;
    const incident = StoredIncident.parse(item);
    const joined = typeof item['joined_at'] === 'string' ? Timestamp.parse(item['joined_at']) : incident.opened_at;
    return { incident, lastJoinedAt: joined };
  }

  async openParent(environment: string, groupReason: GroupReason, title: string, trace: string): Promise<IncidentId> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const open = await this.parentIn(environment);
      if (open) return open.incident.id;
      const at = this.#clock.now();
      const identity = { id: mintIncidentId(at), at, trace };
      const opens = parentIncident(identity, EnvironmentName.parse(environment), groupReason, title);
      const { id, severity } = opens.incident;
      const { ok } = await this.#table.transact(newIncidentWrites(this.#table, opens));
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
    const item = await this.#table.get(keys.incident(child));
    const plan = planJoin(parent, item && StoredIncident.parse(item), this.#clock.now());
    if (typeof plan === 'string') return plan;
    const at = plan.joinedAt;
    const result = await this.#table.transact([
      this.#table.put({ ...keys.child(parent, child), child, at }, absent),
      patchWrite(this.#table, child, plan.child.patch),
      patchWrite(this.#table, parent, plan.parent.patch, { joined_at: at }),
      timelineWrite(this.#table, parent, `joined-${child}`, plan.parent.entry),
      timelineWrite(this.#table, child, `parent-${parent}`, plan.child.entry),
    ]);
    if (result.ok || result.failed.includes(0)) return 'joined';
    return 'closed';
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
        ...postWrites(this.#table, post),
        ...(isMember ? this.#endWrites(parent, child, at) : []),
      ]);
      if (ok) return true;
    }
    throw new Error(
      `cannot remove incident ${child} from ${parent}: it changed during all ${TRIES} attempts; try again`,
    );
  }

  /** Ends the child's membership, once. */
  #endWrites(parent: IncidentId, child: IncidentId, at: Timestamp): Write[] {
    return [
      this.#table.update(keys.child(parent, child), {
        UpdateExpression: 'SET ended_at = :at',
        ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(ended_at)',
        ExpressionAttributeValues: { ':at': at },
      }),
      patchWrite(this.#table, parent, withoutChild),
    ];
  }

  async childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined> {
    await this.#table.transact(this.#endWrites(parent, child, this.#clock.now()));
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
  collect(table.each(keys.incident(parent).pk, 'CHILD#'), (item) => IncidentId.parse(item['child']));

/** Without children that have left the group. */
export async function childIncidentsOf(table: Table, parent: IncidentId): Promise<ChildIncident[]> {
  const rows = await collect(table.each(keys.incident(parent).pk, 'CHILD#'), (row) => Membership.parse(row));
  const items = await table.getAll(rows.map(({ child }) => keys.incident(child)));
  return rows.flatMap(({ at: joinedAt }, n) => {
    const item = items[n];
    return item?.['parent_id'] === parent ? [{ incident: incidentRecordOf(item), joinedAt }] : [];
  });
}
