import * as z from 'zod';
import { one } from '../../../domain/incidents/metrics.ts';
import { type GroupReason, type Opening, stillFails } from '../../../domain/incidents/incident-group.ts';
import type { IncidentGroups, ChildIncident } from '../../../domain/ports/incidents.ts';
import type { Clock, Counters } from '../../../domain/ports/system.ts';
import { type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { mintIncidentId } from '../../ids.ts';
import { uncounted } from '../core/counters.ts';
import { type IncidentLog, unlogged } from './incident-log.ts';
import { keys } from '../core/keys.ts';
import { mailWrites, timelineWrite } from './inbox.ts';
import { blankIncident, newIncidentWrites } from './new-incident.ts';
import { openingOf } from './openings.ts';
import { recordOf } from '../core/record.ts';
import { absent, collect, type Table, type Write } from '../core/table.ts';

/** Enough to decide whether many incidents opened together. */
const OPENINGS_LOOKED_AT = 60;

const TRIES = 20;

const Joined = z.object({ child: IncidentId, at: Timestamp });

/** Service name of a parent incident. */
export const SEVERAL = ServiceName.parse('several-services');

export const scopeOfGroup = (environment: string): string => `${SEVERAL}#${encodeURIComponent(environment)}`;

/** Stores recently opened incidents and incident groups: a parent and its children. */
export class IncidentGroupTable implements IncidentGroups {
  readonly #table: Table;
  readonly #clock: Clock;

  readonly #counters: Pick<Counters, 'add'>;
  readonly #events: Pick<IncidentLog, 'tell'>;

  constructor(
    table: Table,
    clock: Clock,
    counters: Pick<Counters, 'add'> = uncounted,
    events: Pick<IncidentLog, 'tell'> = unlogged,
  ) {
    this.#table = table;
    this.#clock = clock;
    this.#counters = counters;
    this.#events = events;
  }

  async openedSince(since: Timestamp): Promise<Opening[]> {
    return collect(this.#table.each(keys.openings().pk, '', { from: since }), openingOf);
  }

  async stillFailing(openings: readonly Opening[]): Promise<Opening[]> {
    const newest = openings.slice(-OPENINGS_LOOKED_AT);
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

  async openParent(environment: string, crowd: GroupReason, title: string, trace: string): Promise<IncidentId> {
    const scope = scopeOfGroup(environment);
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const open = await this.parentIn(environment);
      if (open) return open.incident.id;
      const at = this.#clock.now();
      const incident: IncidentRecord = {
        ...blankIncident,
        id: mintIncidentId(at),
        service: SEVERAL,
        environment: EnvironmentName.parse(environment),
        title,
        severity: 'critical',
        opened_at: at,
        trace,
        crowd,
      };
      const { ok } = await this.#table.transact(newIncidentWrites(this.#table, { at, scope }, incident, []));
      if (ok) {
        await this.#counters.add([one('firebreak_incidents_opened_total', 'several')]);
        await this.#events.tell(incident.id, 'incident.opened', { actor: 'firebreak', severity: incident.severity });
        return incident.id;
      }
    }
    throw new Error(
      `a parent incident in ${environment} opened or closed during all ${TRIES} attempts; the step is retried`,
    );
  }

  async join(parent: IncidentId, child: IncidentId): Promise<'joined' | 'closed'> {
    const at = this.#clock.now();
    const item = await this.#table.get(keys.incident(child));
    if (item === undefined) return 'closed';
    const { service, environment, unmatched, title, status, parent_id } = StoredIncident.parse(item);
    if (parent_id !== undefined) return 'joined';
    if (status === 'resolved') return 'closed';
    const name = `${unmatched || service} ${environment}`;
    const result = await this.#table.transact([
      this.#table.put({ ...keys.child(parent, child), child, at }, absent),
      this.#table.update(keys.incident(child), {
        UpdateExpression: 'SET parent_id = :parent',
        ConditionExpression: 'attribute_not_exists(parent_id) AND #status <> :resolved',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':parent': parent, ':resolved': 'resolved' },
      }),
      this.#table.update(keys.incident(parent), {
        UpdateExpression: 'SET joined_at = :at ADD firing :one, signal_count :one',
        ConditionExpression: '#status <> :resolved',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':at': at, ':one': 1, ':resolved': 'resolved' },
      }),
      timelineWrite(this.#table, parent, `joined-${child}`, {
        at,
        actor: 'firebreak',
        kind: 'alerts.joined',
        text: `Joined: ${name}: ${title}`,
        detail: { incident: child },
      }),
      timelineWrite(this.#table, child, `parent-${parent}`, {
        at,
        actor: 'firebreak',
        kind: 'incident.joined',
        text: `Several services fail at the same time: this incident is now part of incident ${parent}, which pages and has the channel. Automation asks for approval before it acts`,
        detail: { parent },
      }),
    ]);
    if (result.ok || result.failed.includes(0)) return 'joined';
    return 'closed';
  }

  parts(parent: IncidentId): Promise<ChildIncident[]> {
    return partsOf(this.#table, parent);
  }

  async letGo(
    parent: IncidentId,
    child: IncidentId,
    { page, text }: Parameters<IncidentGroups['letGo']>[2],
  ): Promise<boolean> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(child));
      if (item?.['parent_id'] !== parent || item['status'] === 'resolved') return false;
      const joined = await this.#table.get(keys.child(parent, child));
      const at = this.#clock.now();
      const timeline = { actor: 'firebreak', kind: 'incident.left', text, detail: { parent } };
      const { ok } = await this.#table.transact([
        ...mailWrites(this.#table, recordOf(item), { kind: 'left', parent, page }, at, { parent: null, timeline }),
        ...(joined === undefined || joined['ended_at'] !== undefined ? [] : this.#endWrites(parent, child, at)),
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
      this.#table.update(keys.incident(parent), {
        UpdateExpression: 'ADD firing :less',
        ExpressionAttributeValues: { ':less': -1 },
      }),
    ];
  }

  async childEnded(parent: IncidentId, child: IncidentId): Promise<IncidentRecord | undefined> {
    await this.#table.transact(this.#endWrites(parent, child, this.#clock.now()));
    const item = await this.#table.get(keys.incident(parent));
    return item && StoredIncident.parse(item);
  }
}

/** In the order in which they opened. */
export const childrenOf = (table: Table, parent: IncidentId): Promise<IncidentId[]> =>
  collect(table.each(keys.incident(parent).pk, 'CHILD#'), (item) => IncidentId.parse(item['child']));

/** Without children that have left the group. */
export async function partsOf(table: Table, parent: IncidentId): Promise<ChildIncident[]> {
  const rows = await collect(table.each(keys.incident(parent).pk, 'CHILD#'), (row) => Joined.parse(row));
  const items = await table.getAll(rows.map(({ child }) => keys.incident(child)));
  return rows.flatMap(({ at: joinedAt }, n) => {
    const item = items[n];
    return item?.['parent_id'] === parent ? [{ incident: recordOf(item), joinedAt }] : [];
  });
}
