import { scopeOf } from '../../domain/alerts/admission.ts';
import type { DrillRefusal } from '../../domain/automation/drill.ts';
import type { Drills } from '../../domain/ports/automation.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { type Drill, DrillId, type DrillRecord, ProvedTarget } from '../../../schemas/automation/drill.ts';
import { StoredDrill, StoredDrillRecord } from '../../../schemas/incidents/stored-records.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { keys, lists } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  anyOf,
  below,
  check,
  equals,
  type Item,
  put,
  remove,
  revisionIs,
  type Write,
} from '../../../platforms/store.ts';

/** Renewed at each call of the target: longer than the longest time that a drill can spend between two calls. */
const LOCK_SECONDS = 3 * 3600;

/** Stores drills. Each holds the lock of its target, the same one that incidents take, from beginning to end. */
export class DrillTable implements Drills {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async begin(drill: DrillRecord): Promise<{ ok: true } | { ok: false; reason: DrillRefusal }> {
    const result = await this.#table.transact([
      put(itemOf(drill), absent),
      put({ ...keys.drilling(drill.id), drill_id: drill.id }),
      this.#lock(drill),
      this.#noIncidentOpen(drill),
    ]);
    if (result.ok) return { ok: true };
    if (result.failed.includes(3)) return { ok: false, reason: INCIDENT_OPEN };
    if (!result.failed.includes(2)) throw new Error(`drill ${drill.id} already exists`);
    const lock = await this.#table.get(keys.lock(drill.resource));
    return { ok: false, reason: lock?.['drill_id'] === undefined ? LOCKED : RUNNING };
  }

  async get(id: DrillId): Promise<DrillRecord | undefined> {
    const item = await this.#table.get(keys.drill(id));
    return item && recordIn(item);
  }

  async list({
    service,
    environment,
    ...page
  }: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Drill>> {
    const { items, next_cursor } = await this.#table.page(
      { list: lists.drills },
      page,
      (item) =>
        (service === undefined || item['service'] === service) &&
        (environment === undefined || item['environment'] === environment),
    );
    return { items: items.map((item) => StoredDrill.parse(item)), next_cursor };
  }

  async running(): Promise<DrillRecord[]> {
    const ids = await collect(this.#table.each(keys.drillings().pk), (item) => DrillId.parse(item['drill_id']));
    const items = await this.#table.getAll(ids.map(keys.drill));
    return items.flatMap((item) => (item === undefined ? [] : [recordIn(item)]));
  }

  async put(drill: DrillRecord): Promise<boolean> {
    const { ok } = await this.#table.transact([
      this.#next(drill),
      ...(drill.phase === 'ended' ? await this.#endWrites(drill) : []),
    ]);
    return ok;
  }

  async claim(drill: DrillRecord): Promise<DrillRecord | 'lost' | 'changed'> {
    const begun: DrillRecord = { ...drill, begun: true };
    const result = await this.#table.transact([this.#next(begun), this.#lock(begun)]);
    if (result.ok) return { ...begun, rev: drill.rev + 1 };
    return result.failed.includes(0) ? 'changed' : 'lost';
  }

  async proved(): Promise<ProvedTarget[]> {
    return collect(this.#table.each(keys.proveds().pk), (item) => ProvedTarget.parse(item));
  }

  #next(drill: DrillRecord): Write {
    return put(itemOf({ ...drill, rev: drill.rev + 1 }), revisionIs(drill.rev));
  }

  /** Takes the target's lock, or extends it. */
  #lock({ id, resource }: DrillRecord): Write {
    const now = this.#clock.now();
    return put(
      { ...keys.lock(resource), key: lockKey(id), drill_id: id, until: plusSeconds(now, LOCK_SECONDS) },
      anyOf(absent, equals('key', lockKey(id)), below('until', now)),
    );
  }

  #noIncidentOpen({ service, environment }: DrillRecord): Write {
    return check(keys.open(scopeOf({ service, environment, unmatched: null })), absent);
  }

  async #endWrites(drill: DrillRecord): Promise<Write[]> {
    const { id, resource, outcome, service, environment, ended_at: at } = drill;
    const lock = await this.#table.get(keys.lock(resource));
    return [
      remove(keys.drilling(id)),
      ...(lock?.['key'] === lockKey(id) ? [this.#unlock(drill)] : []),
      ...(outcome === 'proved' && at !== null ? [this.#proof({ service, environment }, id, at)] : []),
    ];
  }

  #unlock({ id, resource }: DrillRecord): Write {
    return remove(keys.lock(resource), equals('key', lockKey(id)));
  }

  #proof(serviceEnvironment: ServiceEnvironment, id: DrillId, at: Timestamp): Write {
    return put({ ...keys.proved(serviceEnvironment), ...serviceEnvironment, drill_id: id, at });
  }
}

/** Returns the record without its keys. */
function recordIn({ pk: _pk, sk: _sk, list: _list, list_key: _key, ...record }: Item): DrillRecord {
  return StoredDrillRecord.parse(record);
}

const itemOf = (drill: DrillRecord): Item => ({
  ...keys.drill(drill.id),
  ...drill,
  list: lists.drills,
  list_key: drill.id,
});

const lockKey = (id: DrillId): string => `drill.${id}`;

const INCIDENT_OPEN: DrillRefusal = {
  code: 'incident-open',
  text: 'an incident of this service and environment is open. Run the drill after it is resolved',
};
const LOCKED: DrillRefusal = { code: 'target-locked', text: 'an incident is changing this target now' };
const RUNNING: DrillRefusal = { code: 'drill-running', text: 'a drill of this target is already running' };
