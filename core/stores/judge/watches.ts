import type { Watches } from '../../domain/ports/judge.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Counters } from '../../domain/ports/system.ts';
import { type Watch, WatchId, type WatchOutcome, type WatchRecord } from '../../../schemas/judge/watch.ts';
import { StoredWatch, StoredWatchRecord } from '../../../schemas/incidents/stored-records.ts';
import { keys, lists } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, type Item, put, remove, revisionIs } from '../../../platforms/store.ts';

/** Stores watches of deploys. */
export class WatchTable implements Watches {
  readonly #table: Table;
  readonly #counters: Counters;

  constructor(table: Table, counters: Counters) {
    this.#table = table;
    this.#counters = counters;
  }

  async begin(watch: WatchRecord): Promise<boolean> {
    const { ok } = await this.#table.transact([
      put(itemOf(watch), absent),
      put({ ...keys.watching(watch.id), watch_id: watch.id }),
    ]);
    return ok;
  }

  async get(id: WatchId): Promise<WatchRecord | undefined> {
    const item = await this.#table.get(keys.watch(id));
    return item && recordIn(item);
  }

  async view(id: WatchId): Promise<Watch | undefined> {
    const item = await this.#table.get(keys.watch(id));
    return item && StoredWatch.parse(item);
  }

  async list({
    service,
    environment,
    outcome,
    ...page
  }: Partial<ServiceEnvironment> & { outcome?: WatchOutcome | 'running'; limit: number; cursor?: string }): Promise<
    Page<Watch>
  > {
    const { items, next_cursor } = await this.#table.page(
      { list: lists.watches },
      page,
      (item) =>
        (service === undefined || item['service'] === service) &&
        (environment === undefined || item['environment'] === environment) &&
        (outcome === undefined || item['outcome'] === (outcome === 'running' ? null : outcome)),
    );
    return { items: items.map((item) => StoredWatch.parse(item)), next_cursor };
  }

  async unfinished(): Promise<WatchRecord[]> {
    const ids = await collect(this.#table.each(keys.watchings().pk), (item) => WatchId.parse(item['watch_id']));
    const items = await this.#table.getAll(ids.map(keys.watch));
    return items.flatMap((item) => (item === undefined ? [] : [recordIn(item)]));
  }

  async put(watch: WatchRecord): Promise<boolean> {
    const { id, rev, ended_at: endedAt, findings, outcome } = watch;
    const before = await this.#table.get(keys.watch(id));
    const { ok } = await this.#table.transact([
      put(itemOf({ ...watch, rev: rev + 1 }), revisionIs(rev)),
      ...(endedAt !== null && findings.length === 0 ? [remove(keys.watching(id))] : []),
    ]);
    if (ok && outcome !== null && before?.['outcome'] === null)
      await this.#counters.add([{ name: 'firebreak_watches_total', labels: [outcome], by: 1 }]);
    return ok;
  }
}

/** Returns the record without its keys. */
function recordIn({ pk: _pk, sk: _sk, list: _list, list_key: _key, ...record }: Item): WatchRecord {
  return StoredWatchRecord.parse(record);
}

/** Listed by its start. Several watches can start in the same millisecond, so the ID follows. */
const itemOf = (watch: WatchRecord): Item => ({
  ...keys.watch(watch.id),
  ...watch,
  list: lists.watches,
  list_key: `${watch.started_at}#${watch.id}`,
});
