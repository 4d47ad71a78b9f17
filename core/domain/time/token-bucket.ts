/** State of a token bucket. `left`: available tokens, not rounded. `at`: last update, in milliseconds since the epoch. */
export type Bucket = { left: number; at: number };

/** Limit of a token bucket. `perSecond`: tokens added per second. `burst`: capacity of the bucket. */
export type Allowance = { perSecond: number; burst: number };

export type TakeResult = { ok: true; bucket: Bucket } | { ok: false; bucket: Bucket; afterSeconds: number };

/**
 * Takes one token if available. `afterSeconds`: time until one is available.
 *
 * @param now milliseconds since the epoch
 */
export function takeToken(before: Bucket | undefined, { perSecond, burst }: Allowance, now: number): TakeResult {
  const elapsedSeconds = before === undefined ? 0 : Math.max(0, now - before.at) / 1000;
  const left = before === undefined ? burst : Math.min(burst, before.left + elapsedSeconds * perSecond);
  if (left >= 1) return { ok: true, bucket: { left: left - 1, at: now } };
  return { ok: false, bucket: { left, at: now }, afterSeconds: (1 - left) / perSecond };
}
