import * as z from 'zod';
import type { Blobs, Clock } from '../../../core/domain/ports/system.ts';
import type { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { dayOf, KEPT_SECONDS, REMOVAL_KIND, removedAt } from '../../../core/stores/audit/decision-record.ts';
import { keys as recordKeys } from '../../../core/stores/keys.ts';
import { FREEZE_DECISIONS_MAX_GB } from '../../../core/stores/retention.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import {
  absent,
  allOf,
  below,
  type Item,
  missing,
  put,
  remove,
  revisionIs,
  update,
  type Write,
} from '../../../platforms/store.ts';
import { plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import type { DecisionRetention } from '../types.ts';

const DAY_SECONDS = 24 * 3600;

/** A day is counted this long after its end: a decision can be written a little after its time. */
const COUNTED_AFTER_SECONDS = 3600;

/**
 * Limits of the work of one run, and of one transaction, so that neither the table nor its thread is busy for long; DynamoDB
 * accepts 100 writes.
 */
const COUNTED_PER_RUN = 20_000;
const COUNTED_AT_ONCE = 250;
const TRANSACTIONS_PER_RUN = 50;
const REMOVED_AT_ONCE = 30;
const REMOVED_BYTES_AT_ONCE = 300_000;
const BLOBS_PER_RUN = 50;

/** A backup that began before the removal still copies the blob. */
const BLOB_KEPT_SECONDS = DAY_SECONDS;

/** A recorded decision. `day`: of its entry in the audit log. */
const Listed = z.object({ id: z.string(), day: z.string(), bytes: z.number() });
type Listed = z.infer<typeof Listed>;

/**
 * How far retention is. All days before `counting` are counted: the records that are listed there have `bytes`. `after`:
 * the last one that is counted on the day `counting`. No records are listed before `oldest`.
 */
const Progress = z.object({
  rev: z.number(),
  bytes: z.number(),
  counting: z.string(),
  after: z.string().nullable(),
  oldest: z.string(),
});
type Progress = z.infer<typeof Progress>;

const dayAfter = (day: string): string => dayOf(timestamp(Date.parse(day) + DAY_SECONDS * 1000));

/** Lists a record. One partition for a day is enough, because the audit log has one for each minute. */
export const listedWrite = (on: string, listed: Listed): Write =>
  put({ ...keys.listedDecision(on, listed.id), ...listed });

/**
 * Removes the oldest records of freeze decisions while all together are too large. Every step is one transaction on the
 * condition of `Progress`, so that a run can end at any point, and two runs at the same time don't do anything twice.
 */
export class DecisionRetentionTable implements DecisionRetention {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #audit: Pick<AuditLogTable, 'transact'>;
  readonly #clock: Clock;
  readonly #maxBytes: number;

  constructor(
    table: Table,
    blobs: Blobs,
    audit: Pick<AuditLogTable, 'transact'>,
    clock: Clock,
    { maxBytes = FREEZE_DECISIONS_MAX_GB * 1e9 } = {},
  ) {
    this.#table = table;
    this.#blobs = blobs;
    this.#audit = audit;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  async run(): Promise<void> {
    const now = this.#clock.now();
    let progress = await this.#count(await this.#progress(now), now);
    for (let n = 0; progress !== undefined && progress.bytes > this.#maxBytes && n < TRANSACTIONS_PER_RUN; n += 1)
      progress = await this.#removeOldest(progress, now);
    await this.#emptyBlobs(plusSeconds(now, -BLOB_KEPT_SECONDS));
  }

  /** Begins anew if the clock was set back: the days until then would be neither counted nor removed. */
  async #progress(now: Timestamp): Promise<Progress> {
    const item = await this.#table.get(keys.decisionRetention());
    const stored = item && Progress.parse(item);
    if (stored !== undefined && stored.counting <= dayOf(now)) return stored;
    const days = [stored?.oldest ?? '9999', dayOf(plusSeconds(now, -KEPT_SECONDS))];
    const [oldest = ''] = days.toSorted();
    return { rev: stored?.rev ?? 0, bytes: 0, counting: oldest, after: null, oldest };
  }

  /** Counts records of the first day that is not counted yet and has ended. */
  async #count(progress: Progress, now: Timestamp): Promise<Progress | undefined> {
    const { counting, after } = progress;
    if (counting >= dayOf(plusSeconds(now, -COUNTED_AFTER_SECONDS))) return progress;
    let [bytes, count, last] = [0, 0, after];
    const rest = { limit: COUNTED_PER_RUN, ...(after !== null && { after }) };
    for await (const row of this.#table.each(keys.listedDecisions(counting).pk, rest, COUNTED_AT_ONCE)) {
      bytes += Listed.parse(row).bytes;
      count += 1;
      last = String(row['sk']);
    }
    const next = count < COUNTED_PER_RUN ? { counting: dayAfter(counting), after: null } : { after: last };
    return this.#advance(progress, { ...next, bytes: progress.bytes + bytes });
  }

  /** Removes some of the oldest records. Undefined: there are none that may be removed, or another run is at work. */
  async #removeOldest(progress: Progress, now: Timestamp): Promise<Progress | undefined> {
    const { oldest, bytes, rev } = progress;
    const keptFrom = plusSeconds(now, -KEPT_SECONDS);
    if (oldest >= dayOf(keptFrom)) return undefined;
    const rows = this.#table.each(keys.listedDecisions(oldest).pk, { limit: REMOVED_AT_ONCE });
    const listed = fitting(await collect(rows, (row) => Listed.parse(row)));
    if (listed.length === 0) return this.#advance(progress, { oldest: dayAfter(oldest) });

    const items = await this.#table.getAll(listed.map(({ id }) => recordKeys.freezeDecision(id)));
    const fates = items.map((item) => fateOf(item, keptFrom));
    const writes = listed.flatMap((one, n) => [
      remove(keys.listedDecision(oldest, one.id)),
      ...(fates[n] === 'later' ? [listedWrite(dayOf(now), one)] : []),
      ...(fates[n] === 'remove' ? removalWrites(one.id, items[n], { now, keptFrom }) : []),
    ]);
    const removed = listed.filter((_, n) => fates[n] === 'remove');
    const left = { bytes: bytes - sizeOf(listed) };
    return this.#advance(progress, left, writes, removed.length === 0 ? [] : [entryFor(removed, now, rev)]);
  }

  /** Undefined: another run was faster, or a decision was requested or cited meanwhile. The next run tries again. */
  async #advance(
    progress: Progress,
    change: Partial<Progress>,
    writes: readonly Write[] = [],
    entries: Parameters<AuditLogTable['transact']>[1] = [],
  ): Promise<Progress | undefined> {
    const next = { ...progress, ...change, rev: progress.rev + 1 };
    const isUnchanged = progress.rev === 0 ? absent : revisionIs(progress.rev);
    const all = [put({ ...keys.decisionRetention(), ...next }, isUnchanged), ...writes];
    const { ok } = await (entries.length === 0 ? this.#table.transact(all) : this.#audit.transact(all, entries));
    return ok ? next : undefined;
  }

  async #emptyBlobs(until: Timestamp): Promise<void> {
    const unused = this.#table.each(keys.unusedBlobs().pk, { until, limit: BLOBS_PER_RUN });
    for (const { pk, sk, blob } of await collect(unused, (item) => item)) {
      await this.#blobs.put(String(blob), '', 'application/json');
      await this.#table.transact([remove({ pk: String(pk), sk: String(sk) })]);
    }
  }
}

const sizeOf = (listed: readonly Listed[]): number => listed.reduce((sum, { bytes }) => sum + bytes, 0);

/** Returns the first ones that fit into a transaction, at least one. */
const fitting = (listed: readonly Listed[]): Listed[] =>
  listed.filter((_, n) => n === 0 || sizeOf(listed.slice(0, n + 1)) <= REMOVED_BYTES_AT_ONCE);

/** `keep`: an incident cites it, or nothing is left to remove. `later`: it was requested recently, and is listed anew. */
function fateOf(item: Item | undefined, keptFrom: Timestamp): 'keep' | 'later' | 'remove' {
  if (item === undefined || item['cited'] !== undefined || removedAt(item) !== undefined) return 'keep';
  return String(item['last_at']) >= keptFrom ? 'later' : 'remove';
}

/** Keeps the item with its count. */
const removalWrites = (
  id: string,
  item: Item | undefined,
  { now, keptFrom }: { now: Timestamp; keptFrom: Timestamp },
): Write[] => [
  update(
    recordKeys.freezeDecision(id),
    { set: { removed_at: now }, remove: ['record', 'record_blob'] },
    allOf(below('last_at', keptFrom), missing('cited')),
  ),
  ...(item?.['record_blob'] === undefined ? [] : [put({ ...keys.unusedBlob(now, id), blob: item['record_blob'] })]),
];

/** Returns the entry of the audit log, which the check of the log compares with the records that it finds removed. */
const entryFor = (removed: readonly Listed[], at: Timestamp, rev: number) => ({
  id: `${REMOVAL_KIND}:${rev}`,
  at,
  actor: 'firebreak',
  kind: REMOVAL_KIND,
  subject: 'freeze decisions',
  text: `Removed the inputs of ${removed.length} freeze decisions, because all recorded ones exceed ${FREEZE_DECISIONS_MAX_GB} GB`,
  detail: {
    removed: Object.fromEntries([...Map.groupBy(removed, ({ day }) => day)].map(([day, some]) => [day, some.length])),
    bytes: sizeOf(removed),
  },
});
