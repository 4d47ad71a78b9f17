import type { FreezeDecision, FreezeDecisions } from '../types.ts';
import type { Blobs, Log } from '../../../core/domain/ports/system.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import type { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { DECISION_KIND, recordIn, recordOf, storeRecord } from '../../../core/stores/audit/decision-record.ts';
import { keys } from '../../../core/stores/keys.ts';
import { type Table } from '../../../core/stores/table.ts';
import { absent, put } from '../../../platforms/store.ts';

/** Number of decisions that this process remembers as stored; about 100 bytes each. */
const KNOWN_MAX = 10_000;

/** Number of counts that can wait; above this they are written at once. */
const COUNTED_MAX = 5_000;
const FLUSH_EVERY_MS = 60_000;
const WRITES_AT_ONCE = 10;

type Count = { times: number; lastAt: Timestamp };

/**
 * Stores freeze decisions, each once. The first one is written with its entry in the audit log, and the caller waits
 * for it. A repeat is counted in memory and costs no write. Counts are written a minute later, so they lag a little,
 * and a process that dies, or a Lambda that is not invoked again, loses its last ones.
 */
export class FreezeDecisionTable implements FreezeDecisions {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #audit: AuditLogTable;
  readonly #log: Log;
  readonly #flushEveryMs: number;
  /** Least recently requested first. */
  readonly #known = new Set<string>();
  readonly #writing = new Map<string, Promise<boolean>>();
  #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;

  constructor(table: Table, blobs: Blobs, audit: AuditLogTable, log: Log, flushEveryMs = FLUSH_EVERY_MS) {
    this.#table = table;
    this.#blobs = blobs;
    this.#audit = audit;
    this.#log = log;
    this.#flushEveryMs = flushEveryMs;
  }

  async keep(decision: FreezeDecision): Promise<'first' | 'again'> {
    const { id, at } = decision;
    const first = !this.#known.has(id) && (await this.#writeOnce(decision));
    this.#remember(id);
    if (first) return 'first';
    this.#count(id, { times: 1, lastAt: at });
    return 'again';
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
    const { id, at, by, request, verdict } = decision;
    const record = recordOf(decision);
    const stored = await storeRecord(this.#blobs, id, record);
    const write = put({ ...keys.freezeDecision(id), ...stored, count: 1, last_at: at }, absent);
    const { service, environment, version, change } = request;
    const result = await this.#audit.transact(
      [write],
      [
        {
          id: `${DECISION_KIND}:${id}`,
          at,
          actor: by,
          kind: DECISION_KIND,
          subject: `${service}/${environment}`,
          text: `${verdict.allowed ? 'Allowed' : 'Denied'}: ${change} of ${version ?? 'an unspecified version'}`,
          detail: { decision: id, sha256: sha256(record), allowed: verdict.allowed, verdict: verdict.verdict },
        },
      ],
    );
    return result.ok;
  }

  #remember(id: string): void {
    this.#known.delete(id);
    this.#known.add(id);
    for (const oldest of this.#known) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(oldest);
    }
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
}
