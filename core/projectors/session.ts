import type { VendorResponse } from '../domain/ports/vendor-response.ts';
import { failed, takeAllowances, succeeded, type TakenAllowances } from '../domain/rollback/pace.ts';
import type { Clock, Log } from '../domain/ports/system.ts';
import type { Allowance } from '../domain/time/token-bucket.ts';
import type { RateLimitState } from '../../schemas/incidents/projection.ts';
import { millisOf, plusSeconds, secondsBetween, timestamp, type Timestamp } from '../../schemas/time/time.ts';

/**
 * Seconds between retries after a refusal, which lasts until a person changes a permission, token, or name. Ended
 * subjects are retried less often.
 */
const RETRY_REFUSAL_SECONDS = 60;
const RETRY_REFUSAL_AFTER_END_SECONDS = 600;

/** Seconds for which refusals are still retried after the end of a subject. */
const RETRIED_AFTER_END_SECONDS = 24 * 3600;

/** Maximum seconds between the record of an attempt and the attempt. After a longer delay, it does not start. */
const RECORD_VALID_SECONDS = 5;

/** Maximum milliseconds that a session waits for its turn. An allowance can be free sooner than what waits for it needs. */
const TURN_MAX_MS = 60_000;

/** A method to call, with its rate limits: one for the method, one for the channel, and so on. */
export type Method = { name: string; allowances: Readonly<Record<string, Allowance>> };

/** Resources that the sessions of one sync share. */
export type SyncContext = {
  clock: Clock;
  log: Log;
  pace: RateLimitState;
  /**
   * Factor by which Firebreak's own pauses are shortened: 1, except for local trials. Vendors' delays are not scaled.
   */
  timeScale: number;
  /** The attempt in progress and those that wait for it, by method. */
  inProgress: Map<string, Promise<unknown>>;
  /** By allowance, when the sessions come back for it that were refused: by subject, and the latest. Milliseconds. */
  turns: Map<string, { last: number; of: Map<string, number> }>;
  /** Time after which no attempt starts. Null: no limit within a session. */
  until: Timestamp | null;
  /** Checks the lease around each attempt. @throws if another projector has taken over */
  renewLease(): Promise<void>;
};

/** Synchronization of one subject: calls to the vendor within its rate limits, and the time of the next session. */
export class SyncSession {
  readonly #context: SyncContext;
  readonly #subject: string;
  #nextAt: number | null = null;

  /** @param subject what is synchronized: in each sync, it has one turn for an allowance at a time */
  constructor(context: SyncContext, subject: string) {
    this.#context = context;
    this.#subject = subject;
  }

  /** Time of the next session. Null: nothing is left to do. */
  get nextAt(): Timestamp | null {
    return this.#nextAt === null ? null : timestamp(this.#nextAt);
  }

  now(): Timestamp {
    return this.#context.clock.now();
  }

  get log(): Log {
    return this.#context.log;
  }

  /** Checks the lease before state is stored. @throws if another projector has taken over */
  checkLease(): Promise<void> {
    return this.#context.renewLease();
  }

  /** Schedules another session, unless an earlier one is scheduled. */
  scheduleNext(at: Timestamp): void {
    const millis = millisOf(at);
    this.#nextAt = this.#nextAt === null ? millis : Math.min(this.#nextAt, millis);
  }

  /** Schedules a retry after a refusal. @param endedAt end of the subject, a day after which retries stop; null: no end yet */
  scheduleRetryAfterRefusal(endedAt: Timestamp | null): void {
    if (!this.isRefusalRetried(endedAt)) return;
    const pause = endedAt === null ? RETRY_REFUSAL_SECONDS : RETRY_REFUSAL_AFTER_END_SECONDS;
    this.scheduleNext(plusSeconds(this.now(), Math.max(pause / this.#context.timeScale, 1)));
  }

  /** Returns whether refusals are still retried. */
  isRefusalRetried(endedAt: Timestamp | null): boolean {
    return endedAt === null || secondsBetween(endedAt, this.now()) < RETRIED_AFTER_END_SECONDS;
  }

  /**
   * Makes one call; calls of a method run one at a time. Undefined: not now; another session is scheduled. A failed or
   * unclear call reduces the vendor's pace and is retried, so the caller only handles `done`, `refused`, and `off`.
   *
   * @param record stores that the call may be in progress from this time on, for calls that must not be repeated or may
   *   arrive late. False: it is in progress elsewhere. The caller removes the record, unless the outcome is unclear
   * @throws if another projector has taken over, even after the call; then that projector determines the outcome
   */
  async attempt<T>(
    method: Method,
    call: () => Promise<VendorResponse<T>>,
    record?: (at: Timestamp) => Promise<boolean>,
  ): Promise<VendorResponse<T> | undefined> {
    const { inProgress } = this.#context;
    const before = inProgress.get(method.name);
    const attempt = this.#afterPrevious(before, () => this.#callWithinLimits(method, call, record));
    const settled = attempt.catch(() => undefined);
    inProgress.set(method.name, settled);
    try {
      return await attempt;
    } finally {
      if (inProgress.get(method.name) === settled) inProgress.delete(method.name);
    }
  }

  /** Waits for the previous attempt, and starts only if the time limit has not passed by then. */
  async #afterPrevious<T>(before: Promise<unknown> | undefined, begin: () => Promise<T>): Promise<T | undefined> {
    if (before === undefined) return begin();
    await before;
    const { until } = this.#context;
    if (until === null || this.now() <= until) return begin();
    this.scheduleNext(this.now());
    return undefined;
  }

  async #callWithinLimits<T>(
    { name, allowances }: Method,
    call: () => Promise<VendorResponse<T>>,
    record?: (at: Timestamp) => Promise<boolean>,
  ): Promise<VendorResponse<T> | undefined> {
    const context = this.#context;
    const allowed = takeAllowances(context.pace, name, allowances, this.#millis());
    if (!allowed.ok) {
      this.#scheduleTurn(allowed);
      return undefined;
    }
    await context.renewLease();
    const at = this.now();
    if (record !== undefined && !(await record(at))) {
      this.scheduleNext(plusSeconds(at, 1));
      return undefined;
    }
    // From here on, `later` instead of undefined: it makes the caller remove the record of an attempt that does not start.
    await context.renewLease();
    if (secondsBetween(at, this.now()) > RECORD_VALID_SECONDS) {
      this.scheduleNext(this.now());
      return { kind: 'later', detail: 'storing the record of the attempt took too long', afterSeconds: null };
    }
    // Check again, because other attempts may have used the allowance in the meantime.
    const allowedNow = takeAllowances(context.pace, name, allowances, this.#millis());
    if (!allowedNow.ok) {
      this.#scheduleTurn(allowedNow);
      return { kind: 'later', detail: 'other attempts have used up the rate limit', afterSeconds: null };
    }
    const before = context.pace;
    context.pace = allowedNow.pace;
    const response = await call();
    // Without a call, nothing is used up: a target that is off settles all that is due at once.
    if (response.kind === 'off') context.pace = before;
    this.#adjustPace(name, response);
    await context.renewLease();
    return response;
  }

  /**
   * Schedules another session for when a call is permitted: if others wait for the same allowance, after them. All at once would each
   * read their subject to find that one of them was permitted.
   */
  #scheduleTurn({ at, usedUp }: Extract<TakenAllowances, { ok: false }>): void {
    if (usedUp === undefined) return this.scheduleNext(timestamp(at));
    const { turns } = this.#context;
    const waiting = turns.get(usedUp.name) ?? { last: -Infinity, of: new Map<string, number>() };
    turns.set(usedUp.name, waiting);
    const own = waiting.of.get(this.#subject) ?? -Infinity;
    const next = Math.max(at, waiting.last + usedUp.everyMs);
    const turn = own >= at ? own : Math.ceil(Math.min(next, Math.max(at, this.#millis() + TURN_MAX_MS)));
    waiting.of.set(this.#subject, turn);
    waiting.last = Math.max(waiting.last, turn);
    this.scheduleNext(timestamp(turn));
  }

  #adjustPace(name: string, response: VendorResponse<unknown>): void {
    const context = this.#context;
    switch (response.kind) {
      case 'done':
      case 'refused':
        context.pace = succeeded(context.pace, name);
        break;
      case 'later':
      case 'unclear': {
        const afterSeconds = response.kind === 'later' ? response.afterSeconds : null;
        context.pace = failed(
          context.pace,
          name,
          afterSeconds,
          response.kind === 'unclear',
          this.#millis(),
          context.timeScale,
        );
        context.log.warn('a call to a vendor failed; retrying', { method: name, detail: response.detail });
        this.scheduleNext(timestamp(this.#millis() + 1000));
        break;
      }
      case 'off':
        break;
    }
  }

  #millis(): number {
    return millisOf(this.now());
  }
}
