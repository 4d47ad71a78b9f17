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
