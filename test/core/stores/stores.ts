import { BacklogTable } from '../../../core/stores/changes/backlog.ts';
import { CounterTable } from '../../../core/stores/counters.ts';
import { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { AlertNoticeTable } from '../../../core/stores/messages/alert-notices.ts';
import { IdempotencyTable } from '../../../core/stores/idempotency.ts';
import { ProjectionTable } from '../../../core/stores/incidents/projections.ts';
import { unobserved } from '../../../core/stores/incidents/observers.ts';
import { QuarantineTable } from '../../../core/stores/alerts/quarantine.ts';
import { Table } from '../../../core/stores/table.ts';
import { TokenTable } from '../../../core/stores/access/tokens.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import type { Item, Key, Range, Rows, Store, Write, Written } from '../../../platforms/store.ts';
import { SetClock, silent, sealSecrets } from '../../support/fake-deps.ts';
import { featuresOn } from '../../support/feature-deps.ts';
import { blobsInMemory, nounStores } from '../../support/noun-stores.ts';

/** The stores that workflows use. */
export type Stores = ReturnType<typeof nounStores> & { clock: SetClock };

/** All stores on a table in memory, with blobs in memory. */
export type TableStores = Stores &
  Pick<
    Product,
    | 'audit'
    | 'counters'
    | 'backlog'
    | 'quarantine'
    | 'tokens'
    | 'idempotency'
    | 'blobs'
    | 'alertNotices'
    | 'projections'
    | 'features'
  > & {
    table: Table;
    secrets: Record<string, string>;
    store: CountedStore;
    /** Deletes what has expired. */
    deleteExpired(): void;
    /** Reads since the last call: number of read calls, and of returned items. */
    reads(): { calls: number; items: number };
    /** Projectors that were woken, as `slack in 1 s`. */
    woken: string[];
    close(): Promise<void>;
  };

/** Counts the reads of a store, and lets something happen between two of its calls. */
export class CountedStore implements Store {
  readonly #store: Store;
  readonly #reads = { calls: 0, items: 0 };
  #interruption: { callsUntil: number; interrupt: () => Promise<unknown> } | undefined;
  /** Throws for writes that fail. */
  refuse: (write: unknown) => void = () => {};

  constructor(store: Store) {
    this.#store = store;
  }

  reads(): { calls: number; items: number } {
    const before = { ...this.#reads };
    Object.assign(this.#reads, { calls: 0, items: 0 });
    return before;
  }

  /** Lets `interrupt` run before a call; the next one is the first. */
  before(call: number, interrupt: () => Promise<unknown>): void {
    this.#interruption = { callsUntil: call, interrupt };
  }

  async #called(): Promise<void> {
    if (this.#interruption === undefined) return;
    this.#interruption.callsUntil -= 1;
    if (this.#interruption.callsUntil > 0) return;
    const { interrupt } = this.#interruption;
    this.#interruption = undefined;
    await interrupt();
  }

  #count<Result>(result: Result, items: readonly (Item | undefined)[]): Result {
    this.#reads.calls += 1;
    this.#reads.items += items.filter((item) => item !== undefined).length;
    return result;
  }

  async get(key: Key): Promise<Item | undefined> {
    await this.#called();
    const item = await this.#store.get(key);
    return this.#count(item, [item]);
  }

  async getMany(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    await this.#called();
    const items = await this.#store.getMany(keys);
    return this.#count(items, items);
  }

  async range(pk: string, range?: Range): Promise<Rows> {
    await this.#called();
    const rows = await this.#store.range(pk, range);
    return this.#count(rows, rows.items);
  }

  async list(list: string, range?: Range): Promise<Rows> {
    await this.#called();
    const rows = await this.#store.list(list, range);
    return this.#count(rows, rows.items);
  }

  async write(writes: readonly Write[]): Promise<Written> {
    await this.#called();
    this.refuse(writes);
    return this.#store.write(writes);
  }

  async update(...args: Parameters<Store['update']>): Promise<Item | undefined> {
    await this.#called();
    this.refuse(args);
    return this.#store.update(...args);
  }
}

/** Opens the stores on a new, empty table. */
export async function openTable(): Promise<TableStores> {
  const database = Database.inMemory();
  const sqlite = new SqliteStore(database);
  const store = new CountedStore(sqlite);
  const table = new Table(store);
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const blobs = blobsInMemory();
  const woken: string[] = [];
  const secrets: Record<string, string> = { FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length' };
  const wake = async (target: string, afterSeconds: number) => void woken.push(`${target} in ${afterSeconds} s`);
  const counters = new CounterTable(table, silent, clock);
  const observers = { ...unobserved, counters };
  return {
    table,
    store,
    deleteExpired: () => void sqlite.deleteExpired(Math.floor(clock.millis / 1000)),
    clock,
    blobs,
    woken,
    reads: () => store.reads(),
    ...nounStores(table, clock, blobs, { observers }),
    alertNotices: new AlertNoticeTable(table),
    projections: new ProjectionTable(table, clock, wake, silent),
    audit: new AuditLogTable(table, blobs, clock, silent, sealSecrets),
    counters,
    backlog: new BacklogTable(table, clock),
    quarantine: new QuarantineTable(table, blobs, clock),
    tokens: new TokenTable(table, clock, { get: async (name) => secrets[name] }),
    secrets,
    idempotency: new IdempotencyTable(table, clock),
    features: featuresOn(table, { clock, counters, log: silent }),
    close: () => database.close(),
  };
}
