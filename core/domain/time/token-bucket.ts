import { BoundedMap } from '../bounded-map.ts';

/** State of a token bucket. `left`: available tokens, not rounded. `at`: last update, in milliseconds since the epoch. */
export type Bucket = { left: number; at: number };

/** Limit of a token bucket. `perSecond`: tokens added per second. `burst`: capacity of the bucket. */
export type Allowance = { perSecond: number; burst: number };

export type TakeResult = { ok: true; bucket: Bucket } | { ok: false; bucket: Bucket; afterSeconds: number };

/**
 * Takes tokens if they are available. `afterSeconds`: time until they are.
 *
 * @param now milliseconds since the epoch
 * @param tokens more than the capacity needs a full bucket
 */
export function takeToken(
  before: Bucket | undefined,
  { perSecond, burst }: Allowance,
  now: number,
  tokens = 1,
): TakeResult {
  const elapsedSeconds = before === undefined ? 0 : Math.max(0, now - before.at) / 1000;
  const left = before === undefined ? burst : Math.min(burst, before.left + elapsedSeconds * perSecond);
  const needed = Math.min(tokens, burst);
  if (left >= needed) return { ok: true, bucket: { left: left - tokens, at: now } };
  return { ok: false, bucket: { left, at: now }, afterSeconds: (needed - left) / perSecond };
}

/** Token buckets by key, such as a caller. When they are too many, the one that was used the longest ago is full again. */
export class TokenBuckets {
  readonly #allowance: Allowance;
  readonly #buckets: BoundedMap<Bucket>;

  constructor(allowance: Allowance, max: number) {
    this.#allowance = allowance;
    this.#buckets = new BoundedMap(max);
  }

  /**
   * Takes tokens if they are available.
   *
   * @param now milliseconds since the epoch
   * @returns null, or whole seconds until they are available, at least 1
   */
  take(key: string, now: number, tokens = 1): number | null {
    const taken = takeToken(this.#buckets.get(key), this.#allowance, now, tokens);
    this.#buckets.set(key, taken.bucket);
    return taken.ok ? null : Math.max(1, Math.ceil(taken.afterSeconds));
  }

  /** Gives tokens back, or takes more of them, if less than 0. @param least what is left at least */
  give(key: string, tokens: number, least = -Infinity): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.left = Math.min(this.#allowance.burst, Math.max(least, bucket.left + tokens));
  }
}
