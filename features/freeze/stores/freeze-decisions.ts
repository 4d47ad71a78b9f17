import type { FreezeDecision, FreezeDecisions } from '../types.ts';
import type { Blobs, Log } from '../../../core/domain/ports/system.ts';
import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import { type Allowance, TokenBuckets } from '../../../core/domain/time/token-bucket.ts';
import { millisOf, Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import type { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import {
  dayOf,
  DECISION_KIND,
  recordIn,
  RECORD_MAX_BYTES,
  recordOf,
  removedAt,
  storeRecord,
} from '../../../core/stores/audit/decision-record.ts';
import { keys } from '../../../core/stores/keys.ts';
import { type Table } from '../../../core/stores/table.ts';
import { absent, put } from '../../../platforms/store.ts';
import { listedWrite } from './decision-retention.ts';

/** Number of decisions that this process remembers as stored; about 100 bytes each. */
const KNOWN_MAX = 10_000;

/** Number of counts that can wait; above this they are written at once. */
const COUNTED_MAX = 5_000;
const FLUSH_EVERY_MS = 60_000;
const WRITES_AT_ONCE = 10;

/**
 * New decisions of a caller in an instance that get a record of their own: every deployment of a busy CI system, and
 * thousands of gates after a change of state. A caller that asks for an invented version each time stays below 30 MB a
 * day.
 */
const NEW_ALLOWANCE: Allowance = { perSecond: 0.1, burst: 2000 };

/** Number of callers whose allowance this process remembers. */
const CALLERS_MAX = 10_000;

export type FreezeDecisionOptions = { flushEveryMs?: number; allowance?: Allowance };

type Count = { times: number; lastAt: Timestamp };

/**
 * Stores freeze decisions, each once. The first one is written with its entry in the audit log, and the caller waits
 * for it. A repeat is counted in memory and costs no write. Counts are written a minute later, so they lag a little,
 * and a process that dies, or a Lambda that is not invoked again, loses its last ones. Above the allowance of its
 * caller, a new decision is a repeat of its aggregate.
 */
export class FreezeDecisionTable implements FreezeDecisions {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #audit: AuditLogTable;
  readonly #log: Log;
  readonly #flushEveryMs: number;
  /** The ID of the record of each decision; least recently requested first. */
  readonly #known = new BoundedMap<string>(KNOWN_MAX);
  readonly #callers: TokenBuckets;
  readonly #writing = new Map<string, Promise<boolean>>();
  #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;

  constructor(table: Table, blobs: Blobs, audit: AuditLogTable, log: Log, options: FreezeDecisionOptions = {}) {
    this.#table = table;
    this.#blobs = blobs;
    this.#audit = audit;
    this.#log = log;
    this.#flushEveryMs = options.flushEveryMs ?? FLUSH_EVERY_MS;
    this.#callers = new TokenBuckets(options.allowance ?? NEW_ALLOWANCE, CALLERS_MAX);
  }

  async keep(decision: FreezeDecision, aggregate: () => string): ReturnType<FreezeDecisions['keep']> {
    const { id, at } = decision;
    const known = this.#known.get(id);
    const kept = known === undefined ? await this.#keepNew(decision, aggregate) : { id: known, first: false };
    this.#known.set(id, kept.id);
    if (!kept.first) this.#count(kept.id, { times: 1, lastAt: at });
    return kept;
  }

  async #keepNew(decision: FreezeDecision, aggregate: () => string): ReturnType<FreezeDecisions['keep']> {
    const { id, by, at } = decision;
    if (this.#callers.take(by, millisOf(at)) === null) return { id, first: await this.#writeWithinAllowance(decision) };
    if ((await this.#table.get(keys.freezeDecision(id))) !== undefined) return { id, first: false };
    const counted = aggregate();
    if (this.#known.get(counted) !== undefined) return { id: counted, first: false };
    const first = await this.#writeOnce({ ...decision, id: counted, aggregated: true });
    this.#known.set(counted, counted);
    return { id: counted, first };
  }

  /** Gives the allowance back unless a new record was written. */
  async #writeWithinAllowance(decision: FreezeDecision): Promise<boolean> {
    let first = false;
    try {
      first = await this.#writeOnce(decision);
    } finally {
      if (!first) this.#callers.give(decision.by, 1);
    }
    return first;
  }

  /** Of several concurrent calls in this process, one writes. */
  async #writeOnce(decision: FreezeDecision): Promise<boolean> {
    const others = this.#writing.get(decision.id);
    if (others !== undefined) {
      await others;
      return false;
    }
    const writing = this.#write(decision).finally(() => this.#writing.delete(decision.id));
    this.#writing.set(decision.id, writing);
    return writing;
  }

  /** Returns false if it is already stored. */
  async #write(decision: FreezeDecision): Promise<boolean> {
    const { id, at, by, request, verdict, aggregated = false } = decision;
    const record = recordOf(decision);
    const bytes = Buffer.byteLength(record);
    // A repeat must not leave a blob behind to which nothing refers.
    if (bytes > RECORD_MAX_BYTES && (await this.#table.get(keys.freezeDecision(id))) !== undefined) return false;
    const stored = await storeRecord(this.#blobs, id, record);
    const writes = [
      put({ ...keys.freezeDecision(id), ...stored, count: 1, last_at: at }, absent),
      listedWrite(dayOf(at), { id, day: dayOf(at), bytes }),
    ];
    const { service, environment, version, change } = request;
    const result = await this.#audit.transact(writes, [
      {
        id: `${DECISION_KIND}:${id}`,
        at,
        actor: by,
        kind: DECISION_KIND,
        subject: `${service}/${environment}`,
        text:
          `${verdict.allowed ? 'Allowed' : 'Denied'}: ${change} of ${version ?? 'an unspecified version'}` +
          (aggregated ? '; further ones on this day are only counted' : ''),
        detail: { decision: id, sha256: sha256(record), allowed: verdict.allowed, verdict: verdict.verdict },
      },
    ]);
    return result.ok;
  }

  #count(id: string, { times, lastAt }: Count): void {
    const before = this.#counts.get(id);
    this.#counts.set(id, {
      times: times + (before?.times ?? 0),
      lastAt: before !== undefined && before.lastAt > lastAt ? before.lastAt : lastAt,
    });
    this.#timer ??= setTimeout(() => void this.#flushQuietly(), this.#flushEveryMs).unref();
    if (this.#counts.size > COUNTED_MAX) void this.#flushQuietly();
  }

  async #flushQuietly(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.#log.warn('cannot write counts of freeze decisions; retrying later', {
        error: String(error),
      });
    }
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const left = [...this.#counts];
    this.#counts = new Map();
    try {
      while (left.length > 0) {
        await Promise.all(left.slice(0, WRITES_AT_ONCE).map(([id, count]) => this.#add(id, count)));
        left.splice(0, WRITES_AT_ONCE);
      }
    } catch (error) {
      // Some of the ten may then be counted twice; none is lost.
      for (const [id, count] of left) this.#count(id, count);
      throw error;
    }
  }

  async #add(id: string, { times, lastAt }: Count): Promise<void> {
    await this.#table.update(keys.freezeDecision(id), { set: { last_at: lastAt }, add: { count: times } });
  }

  async get(id: string): ReturnType<FreezeDecisions['get']> {
    const item = await this.#table.get(keys.freezeDecision(id));
    const record = await recordIn(this.#blobs, item);
    if (item === undefined || record === undefined) return undefined;
    return {
      ...(JSON.parse(record) as FreezeDecision),
      count: Number(item['count']),
      last_at: Timestamp.parse(item['last_at']),
    };
  }

  async removedAt(id: string): Promise<Timestamp | undefined> {
    return removedAt(await this.#table.get(keys.freezeDecision(id)));
  }
}
