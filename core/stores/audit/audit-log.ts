import type { AuditEntry, AuditLog, ChainCheck } from '../../domain/ports/audit.ts';
import type { Blobs, Clock, Log, Secrets } from '../../domain/ports/system.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { checkChain } from './audit-check.ts';
import { auditWrite } from './audit-writes.ts';
import { endOf, entryIn, entryText, minuteOf, unreadable } from './audit-entries.ts';
import { countedInMinute } from './minute-counters.ts';
import { listEntries, sealedEntries } from './audit-list.ts';
import { Sealer } from './audit-seal.ts';
import { SealKeys } from './seal-keys.ts';
import { keys, logWaitingShards } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  type Item,
  present,
  put,
  remove,
  revisionIs,
  type Write,
  type Written,
} from '../../../platforms/store.ts';

/** A transaction has at most 100 writes; an entry needs two. */
const ENTRIES_PER_WRITE = 40;

/** Entries of each shard that one round moves into the log. */
const WAITING_PER_ROUND = 1000;

/** Limit of an entry including its `detail`. */
const ENTRY_MAX_BYTES = 32 * 1024;

/** Minimum interval between looks for waiting entries, for sweeps that run faster, such as with a time scale. */
const LOOK_SECONDS = 10;

/** Number of later minutes to try when earlier ones are already closed. */
const TRIES = 20;

/**
 * The audit log. An entry is stored in the partition of its minute, and a gate counts it in the same transaction. The
 * sealer closes the gates of a minute first: then no entry can be added, and the counts say how many there are.
 */
export class AuditLogTable implements AuditLog {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sealer: Sealer;
  readonly #sealKeys: SealKeys;
  /** Time when this process last looked for waiting entries. */
  #lookedAt: Timestamp | undefined;
  /** The configuration that this process last recorded, or found recorded. */
  #configuration: { version: string; at: Timestamp } | undefined;
  #marked: { minute: string; done: Promise<unknown> } | undefined;

  constructor(table: Table, blobs: Blobs, clock: Clock, log: Log, secrets: Secrets) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#log = log;
    this.#sealKeys = new SealKeys(secrets);
    this.#sealer = new Sealer(table, blobs, clock, log, this.#sealKeys);
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    const all = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
    for (let from = 0; from < all.length; from += ENTRIES_PER_WRITE) {
      let remaining = all.slice(from, from + ENTRIES_PER_WRITE);
      while (remaining.length > 0) {
        const idMarks = remaining.map(({ id, at }) => put({ ...keys.logEntryById(id), at }, absent));
        const result = await this.transact(idMarks, remaining);
        remaining = result.ok ? [] : remaining.filter((_, n) => !result.failed.includes(n)); // the others are already stored
      }
    }
  }

  /**
   * Writes items and the log entries that describe them, all or nothing.
   *
   * @param writes at least one has a condition that fails the second time, so that entries are written once
   * @returns `failed`: indexes in `writes`
   */
  async transact(writes: readonly Write[], entries: readonly AuditEntry[]): Promise<Written> {
    const texts = entries.map(textOf);
    let minute = minuteOf(this.#clock.now());
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      await this.#mark(minute);
      const result = await this.#table.transact([...writes, ...this.#entryWrites(minute, entries, texts)]);
      if (result.ok) return result;
      const failed = result.failed.filter((n) => n < writes.length);
      if (failed.length > 0) return { ok: false, failed };
      // The minute is closed: it ended long ago, or the clock of the sealer is ahead of this one.
      minute = [minuteOf(this.#clock.now()), minuteOf(endOf(minute))].toSorted().at(-1) ?? minute;
    }
    throw new Error(`the log is closed up to ${minute}; compare the clocks of all processes that write to it`);
  }

  /**
   * Moves waiting entries into the log. Two calls can run at the same time: an entry is removed only if it still
   * exists, so it is moved once.
   */
  async #admitWaiting(): Promise<void> {
    this.#lookedAt = this.#clock.now();
    for (const pk of logWaitingShards) {
      const waiting = await collect(this.#table.each(pk, { limit: WAITING_PER_ROUND }), (item) => item);
      for (let from = 0; from < waiting.length; from += ENTRIES_PER_WRITE) {
        let remaining = waiting.slice(from, from + ENTRIES_PER_WRITE);
        while (remaining.length > 0) {
          const removals = remaining.map(({ sk }) => remove({ pk, sk: String(sk) }, present));
          const entries = remaining.map(waitingEntry);
          const result = await this.transact(removals, entries);
          remaining = result.ok ? [] : remaining.filter((_, n) => !result.failed.includes(n));
        }
      }
    }
  }

  /** If this fails, the log is shown without the newest actions. */
  async #admitForReader(): Promise<void> {
    try {
      await this.#admitWaiting();
    } catch (error) {
      this.#log.warn('cannot move waiting actions into the audit log; it is shown without them', {
        error: String(error),
      });
    }
  }

  #isOld(at: Timestamp | undefined): boolean {
    return at === undefined || secondsBetween(at, this.#clock.now()) >= LOOK_SECONDS;
  }

  async configuration(version: string): Promise<void> {
    if (this.#configuration?.version === version && !this.#isOld(this.#configuration.at)) return;
    await this.#recordConfiguration(version);
    this.#configuration = { version, at: this.#clock.now() };
  }

  async #recordConfiguration(version: string): Promise<void> {
    const known = await this.#table.get(keys.loggedConfig());
    if (known?.['version'] === version) return;
    const at = this.#clock.now();
    const rev = Number(known?.['rev'] ?? 0) + 1;
    const replaced = known === undefined ? null : String(known['version']);
    // Skipped if another sweep has just written it.
    await this.#table.transact([
      put({ ...keys.loggedConfig(), version, rev }, known === undefined ? absent : revisionIs(rev - 1)),
      auditWrite({
        id: `configuration:${rev}`,
        at,
        actor: 'firebreak',
        kind: 'configuration.changed',
        subject: version,
        text: `Configuration ${version} is in force${replaced === null ? '' : `. It replaces ${replaced}`}`,
        detail: { version, replaced },
      }),
    ]);
  }

  #entryWrites(minute: string, entries: readonly AuditEntry[], texts: readonly string[]): Write[] {
    return [
      ...entries.map(({ at, id }, n) => put({ ...keys.logEntry(minute, at, id), entry: texts[n] })),
      countedInMinute(minute, entries.length),
    ];
  }

  /** Marks a minute as having entries to seal, before the entries are written: an unmarked minute is never sealed. */
  async #mark(minute: string): Promise<void> {
    if (this.#marked?.minute !== minute) {
      const done = this.#table.update(keys.logOpen(minute), { set: { marked_at: this.#clock.now() } });
      this.#marked = { minute, done };
    }
    const marked = this.#marked;
    try {
      await marked.done;
    } catch (error) {
      if (this.#marked === marked) this.#marked = undefined;
      throw error;
    }
  }

  async list(query: { limit: number; cursor?: string }): ReturnType<AuditLog['list']> {
    if (query.cursor === undefined) await this.#admitForReader();
    return listEntries(this.#table, query);
  }

  sealedAfter(...query: Parameters<AuditLog['sealedAfter']>): ReturnType<AuditLog['sealedAfter']> {
    return sealedEntries(this.#table, ...query);
  }

  async seal(): Promise<void> {
    await Promise.all([this.#sealer.seal(), this.#isOld(this.#lookedAt) ? this.#admitWaiting() : undefined]);
  }

  check(query: { last?: number } = {}): Promise<ChainCheck> {
    return checkChain(this.#table, this.#blobs, this.#sealKeys, query);
  }
}

/** An altered entry must not keep the others out of the log. */
function waitingEntry({ sk, entry: text }: Item): AuditEntry {
  const entry = entryIn(String(text));
  const isOurs = entry !== undefined && keys.logWaiting(entry.at, entry.id).sk === sk;
  return isOurs && Buffer.byteLength(String(text)) <= ENTRY_MAX_BYTES ? entry : unreadable(String(sk));
}

function textOf(entry: AuditEntry): string {
  const text = entryText(entry);
  const bytes = Buffer.byteLength(text);
  if (bytes > ENTRY_MAX_BYTES)
    throw new Error(`log entry ${entry.id} has ${bytes} bytes; the limit is ${ENTRY_MAX_BYTES}. Shorten its detail`);
  return text;
}
