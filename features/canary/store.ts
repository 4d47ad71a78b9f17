import { keys, LIST } from './keys.ts';
import type { Canaries } from './types.ts';
import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Clock, Counters } from '../../core/domain/ports/system.ts';
import {
  Canary,
  CanaryCheck,
  type CanaryCommand,
  CanaryEvent,
  CanaryId,
  CanaryRecord,
  CanaryStatus,
  HoldCode,
} from './canary.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { auditWrite } from '../../core/stores/audit/audit-writes.ts';
import { keys as coreKeys } from '../../core/stores/keys.ts';
import { collect, type Table } from '../../core/stores/table.ts';
import { absent, anyOf, below, equals, type Item, put, remove, revisionIs, type Write } from '../../platforms/store.ts';
import { Severity } from '../../schemas/config/names.ts';
import { readAs } from '../../schemas/parsing/read-as.ts';
import { Verdict } from '../../schemas/judge/judgement.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. Each is read as the known
 * value that does the least harm: the canary is held, and its version is not healthy.
 */

const verdict = readAs(Verdict, 'inconclusive');
const stored = {
  status: readAs(CanaryStatus, 'held'),
  hold: Canary.shape.hold
    .unwrap()
    .extend({ code: readAs(HoldCode, 'person') })
    .nullable(),
  verdict: verdict.nullable(),
};

const StoredCanary = Canary.extend(stored);

/** Keeps unknown fields, because it is written back as a whole. */
const StoredCanaryRecord = CanaryRecord.extend({ ...stored, severity: readAs(Severity, 'critical') }).loose();

const StoredCanaryEvent = CanaryEvent.extend({ kind: readAs(CanaryEvent.shape.kind, 'requested') });

const StoredCanaryCheck = CanaryCheck.extend({ verdict });

/** Longer than one attempt at the router, and released as soon as its result is stored. */
const LOCK_SECONDS = 120;

/**
 * Stores canaries, at most one at a time for each service and environment. During a call of the router, a canary holds the
 * lock that rollbacks of the same target take.
 */
export class CanaryTable implements Canaries {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #counters: Counters;

  constructor(table: Table, clock: Clock, counters: Counters) {
    this.#table = table;
    this.#clock = clock;
    this.#counters = counters;
  }

  async begin(canary: CanaryRecord, event: CanaryEvent): Promise<{ ok: true } | { ok: false; running: CanaryId }> {
    const first = { ...canary, events: 1 };
    const result = await this.#table.transact([
      put(itemOf(first), absent),
      put({ ...keys.canaryAt(canary), canary_id: canary.id }, absent),
      put({ ...keys.canaryRunning(canary.id), canary_id: canary.id }),
      ...this.#eventWrites(canary, [event]),
    ]);
    if (result.ok) return { ok: true };
    const at = await this.#table.get(keys.canaryAt(canary));
    const running = CanaryId.safeParse(at?.['canary_id']);
    if (!running.success) throw new Error(`canary ${canary.id} could not be stored; try again`);
    return { ok: false, running: running.data };
  }

  async get(id: CanaryId): Promise<CanaryRecord | undefined> {
    const item = await this.#table.get(keys.canary(id));
    return item && recordIn(item);
  }

  async list({
    service,
    environment,
    ...page
  }: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Canary>> {
    const { items, next_cursor } = await this.#table.page(
      { list: LIST },
      page,
      (item) =>
        (service === undefined || item['service'] === service) &&
        (environment === undefined || item['environment'] === environment),
    );
    return { items: items.map((item) => StoredCanary.parse(item)), next_cursor };
  }

  async runningAt(serviceEnvironment: ServiceEnvironment): Promise<CanaryRecord | undefined> {
    const id = CanaryId.safeParse((await this.#table.get(keys.canaryAt(serviceEnvironment)))?.['canary_id']);
    return id.success ? this.get(id.data) : undefined;
  }

  async running(): Promise<CanaryRecord[]> {
    const ids = await collect(this.#table.each(keys.canariesRunning().pk), (item) => CanaryId.parse(item['canary_id']));
    const items = await this.#table.getAll(ids.map(keys.canary));
    return items.flatMap((item) => (item === undefined ? [] : [recordIn(item)]));
  }

  async put(
    canary: CanaryRecord,
    more: { events?: readonly CanaryEvent[]; check?: CanaryCheck | null; release?: boolean } = {},
  ): Promise<boolean> {
    const { events = [], check = null, release = false } = more;
    const { id } = canary;
    const next = { ...canary, events: canary.events + events.length };
    const { ok } = await this.#table.transact([
      this.#next(next),
      ...this.#eventWrites(canary, events),
      ...(check === null ? [] : [put({ ...keys.canaryCheck(id, canary.checks), ...check })]),
      ...(await this.#unlock(canary)),
      ...(release ? [remove(keys.canaryAt(canary)), remove(keys.canaryRunning(id))] : []),
    ]);
    if (ok && release) await this.#counters.add([{ name: 'firebreak_canaries_total', labels: [canary.status], by: 1 }]);
    return ok;
  }

  async claim(canary: CanaryRecord): Promise<CanaryRecord | 'locked' | 'changed'> {
    if (canary.order === null) throw new Error(`canary ${canary.id} has no order`);
    const begun: CanaryRecord = { ...canary, order: { ...canary.order, begun: true } };
    const result = await this.#table.transact([this.#next(begun), this.#lock(begun)]);
    if (result.ok) return { ...begun, rev: canary.rev + 1 };
    return result.failed.includes(0) ? 'changed' : 'locked';
  }

  async request(canary: CanaryRecord, command: CanaryCommand): Promise<boolean> {
    const { ok } = await this.#table.transact([this.#next({ ...canary, command })]);
    return ok;
  }

  events(id: CanaryId, limit: number): Promise<CanaryEvent[]> {
    return collect(this.#table.each(keys.canary(id).pk, { prefix: 'EVENT#', newestFirst: true, limit }), (item) =>
      StoredCanaryEvent.parse(item),
    );
  }

  checks(id: CanaryId, limit: number): Promise<CanaryCheck[]> {
    return collect(this.#table.each(keys.canary(id).pk, { prefix: 'CHECK#', newestFirst: true, limit }), (item) =>
      StoredCanaryCheck.parse(item),
    );
  }

  /** Each event is an item, and an entry of the audit log. */
  #eventWrites(
    { id, service, environment, version, events: known }: CanaryRecord,
    events: readonly CanaryEvent[],
  ): Write[] {
    return events.flatMap((event, n) => {
      const number = known + n + 1;
      const { at, by, kind, text, weight } = event;
      return [
        put({ ...keys.canaryEvent(id, number), ...event }),
        auditWrite({
          id: `canary:${id}:${number}`,
          at,
          actor: by ?? 'firebreak',
          kind: `canary.${kind}`,
          subject: id,
          text: `${service} in ${environment}, ${version}: ${text}`,
          detail: { service, environment, version, weight },
        }),
      ];
    });
  }

  #next(canary: CanaryRecord): Write {
    return put(itemOf({ ...canary, rev: canary.rev + 1 }), revisionIs(canary.rev));
  }

  #lock({ id, resource }: CanaryRecord): Write {
    const now = this.#clock.now();
    return put(
      { ...coreKeys.lock(resource), key: lockKey(id), canary_id: id, until: plusSeconds(now, LOCK_SECONDS) },
      anyOf(absent, equals('key', lockKey(id)), below('until', now)),
    );
  }

  async #unlock({ id, resource }: CanaryRecord): Promise<Write[]> {
    const lock = await this.#table.get(coreKeys.lock(resource));
    if (lock?.['key'] !== lockKey(id)) return [];
    return [remove(coreKeys.lock(resource), equals('key', lockKey(id)))];
  }
}

/** Returns the record without its keys. */
function recordIn({ pk: _pk, sk: _sk, list: _list, list_key: _key, ...record }: Item): CanaryRecord {
  return StoredCanaryRecord.parse(record);
}

const itemOf = (canary: CanaryRecord): Item => ({
  ...keys.canary(canary.id),
  ...canary,
  list: LIST,
  list_key: canary.id,
});

const lockKey = (id: CanaryId): string => `canary.${id}`;
