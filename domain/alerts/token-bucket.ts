/** State of a token bucket. `at`: last update in milliseconds. */
export type Bucket = { left: number; at: number };

/** `burst`: capacity of the bucket. */
export type Allowance = { perSecond: number; burst: number };

export type Taken = { ok: true; bucket: Bucket } | { ok: false; bucket: Bucket; afterSeconds: number };

/** Takes one token if available. `afterSeconds`: time until one is available. */
export function take(before: Bucket | undefined, { perSecond, burst }: Allowance, now: number): Taken {
  const passed = before === undefined ? 0 : Math.max(0, now - before.at) / 1000;
  const left = before === undefined ? burst : Math.min(burst, before.left + passed * perSecond);
  if (left >= 1) return { ok: true, bucket: { left: left - 1, at: now } };
  return { ok: false, bucket: { left, at: now }, afterSeconds: (1 - left) / perSecond };
}
