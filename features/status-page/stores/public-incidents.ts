import type { Clock } from '../../../core/domain/ports/system.ts';
import type { PublicIncidents } from '../types.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { PublicIncident } from '../schemas/public-incident.ts';
import { keys } from '../keys.ts';
import { publicIncidentIds } from './ids.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, type Item, put, remove } from '../../../platforms/store.ts';
import { projectionMarkWrite } from '../../../core/stores/incidents/projections.ts';

/** Enough for the history of a month. */
const MONTH_READ = 500;

/** Most writes of a transaction of DynamoDB. */
const WATCHED_AT_ONCE = 100;

/** Stores incidents as the public sees them, by the month of their start, and since when components are watched. */
export class PublicIncidentTable implements PublicIncidents {
  readonly idOf = publicIncidentIds.idOf;
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(id: string): Promise<PublicIncident | undefined> {
    const item = await this.#table.get(keys.publicIncident(id));
    return item && recordOf(item);
  }

  /** The record, its copies in the lists, and the mark for subscribers change together. */
  async write(incident: PublicIncident, announce: boolean): Promise<void> {
    const { id, started_at, resolved_at } = incident;
    const open = keys.publicOpen(id);
    await this.#table.transact([
      put({ ...keys.publicIncident(id), ...incident }),
      put({ ...keys.publicMonth(started_at, id), ...incident }),
      resolved_at === null ? put({ ...open, ...incident }) : remove(open),
      ...(announce ? [projectionMarkWrite(`public-incident:${id}`, this.#clock.now())] : []),
    ]);
  }

  async open(): Promise<PublicIncident[]> {
    const all = await collect(this.#table.each(keys.publicOpens().pk), recordOf);
    return all.toSorted((a, b) => (a.started_at > b.started_at ? -1 : 1));
  }

  startedIn(month: string): Promise<PublicIncident[]> {
    const { pk } = keys.publicMonths(month);
    return collect(this.#table.each(pk, { newestFirst: true, limit: MONTH_READ }), recordOf);
  }

  async watchedSince(): Promise<ReadonlyMap<string, Timestamp>> {
    const { pk } = keys.publicComponents();
    return new Map(
      await collect(this.#table.each(pk), ({ sk, since }) => [String(sk), Timestamp.parse(since)] as const),
    );
  }

  async watch(components: readonly string[], since: Timestamp): Promise<void> {
    for (let from = 0; from < components.length; from += WATCHED_AT_ONCE) {
      const some = components.slice(from, from + WATCHED_AT_ONCE);
      await this.#table.transact(some.map((name) => put({ ...keys.publicComponent(name), since }, absent)));
    }
  }
}

const recordOf = (item: Item): PublicIncident => PublicIncident.parse(item);
