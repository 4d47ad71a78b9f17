import type { RateLimitState } from '../../../schemas/incidents/projection.ts';
import { wasSetBack } from '../time/set-back.ts';
import { type Allowance, takeToken } from '../time/token-bucket.ts';

/** Back-off in seconds after consecutive failures; the last value repeats. */
const BACK_OFF_SECONDS = [5, 10, 20, 40, 60] as const;

/** Key that blocks all methods of a vendor. */
const ALL = '*';

/** Age in milliseconds after which buckets are full again and can be removed. */
const FORGET_AFTER_MS = 10 * 60_000;

/** `usedUp`: the allowance that has nothing left, and the milliseconds until it has one more. Absent: a failure blocks. */
export type TakenAllowances =
  | { ok: true; pace: RateLimitState }
  | { ok: false; pace: RateLimitState; at: number; usedUp?: { name: string; everyMs: number } };

/**
 * Decides whether a call may be made now. Takes from every allowance, or from none. `at`: when to ask again, in
 * milliseconds.
 *
 * @param key method for which failures block
 * @param allowances allowances by key: one for the method, one for the channel, and so on
 */
export function takeAllowances(
  pace: RateLimitState,
  key: string,
  allowances: Readonly<Record<string, Allowance>>,
  now: number,
): TakenAllowances {
  const blocks = [pace.blocked[key], pace.blocked[ALL]].filter((one) => one !== undefined);
  const until = Math.max(0, ...blocks.filter(({ at = 0 }) => !wasSetBack(at, now)).map((one) => one.until));
  if (until > now) return { ok: false, pace, at: until };
  const buckets = { ...pace.buckets };
  for (const [name, allowance] of Object.entries(allowances)) {
    const taken = takeToken(buckets[name], allowance, now);
    if (!taken.ok) {
      const usedUp = { name, everyMs: 1000 / allowance.perSecond };
      return { ok: false, pace, at: now + Math.ceil(taken.afterSeconds * 1000), usedUp };
    }
    buckets[name] = taken.bucket;
  }
  return { ok: true, pace: { ...pace, buckets } };
}

/** Records a success, which clears the block. */
export function succeeded(pace: RateLimitState, key: string): RateLimitState {
  if (pace.blocked[key] === undefined && pace.blocked[ALL] === undefined) return pace;
  const { [key]: _own, [ALL]: _all, ...blocked } = pace.blocked;
  return { ...pace, blocked };
}

/**
 * Records a failure or an unknown result. The vendor's own delay, if given, is honored in full.
 *
 * @param timeScale factor by which Firebreak's own pauses are shortened
 * @param silent no response at all, which blocks all other methods as well
 */
export function failed(
  pace: RateLimitState,
  key: string,
  afterSeconds: number | null,
  silent: boolean,
  now: number,
  timeScale = 1,
): RateLimitState {
  const name = silent ? ALL : key;
  const failures = (pace.blocked[name]?.failures ?? 0) + 1;
  const backOff = BACK_OFF_SECONDS[Math.min(failures, BACK_OFF_SECONDS.length) - 1] ?? 60;
  const until = now + Math.max(afterSeconds ?? backOff / timeScale, 1) * 1000;
  return { ...pace, blocked: { ...pace.blocked, [name]: { until, failures, at: now } } };
}

/** Removes the entries that no longer matter. */
export const pruned = (pace: RateLimitState, now: number): RateLimitState => ({
  buckets: keep(pace.buckets, ({ at }) => at > now - FORGET_AFTER_MS),
  blocked: keep(pace.blocked, ({ until }) => until > now - FORGET_AFTER_MS),
});

const keep = <T>(record: Record<string, T>, isWanted: (value: T) => boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => isWanted(value)));
