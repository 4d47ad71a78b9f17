import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { between, median, pointsOf, smooth } from './samples.ts';
import { WEIGHTS } from './weights.ts';
import { amount } from './words.ts';

/** Baseline: from one hour to ten minutes before the onset. */
const BASELINE_FROM_MS = 3600_000;
const BASELINE_TO_MS = 600_000;
const MIN_BASELINE = 5;

/** Time around the onset in which a rise counts. */
const AROUND_MS = 300_000;

/** A rise is 1.5 times the baseline; it starts when the traffic passes 1.25 times the baseline. */
const RISE = 1.5;
const BEGUN = 1.25;

/**
 * Clients retry failing requests, so traffic also rises as a consequence of errors. A rise that starts earlier than
 * this after the onset is not such a consequence.
 */
const CONSEQUENCE_AFTER_MS = 60_000;

/** Weighs a rise of traffic that started before the errors, which explains them without any change. */
export function trafficFactor({ traffic, at }: Evidence, onset: Timestamp): Factor<'traffic_rise'> | null {
  if (traffic === null) return null;
  const points = pointsOf(traffic, at);
  const zero = millisOf(onset);
  const usual = between(points, zero - BASELINE_FROM_MS, zero - BASELINE_TO_MS);
  const base = median(usual);
  if (usual.length < MIN_BASELINE || !(base > 0)) return null;
  const smoothed = between(smooth(points), zero - BASELINE_TO_MS, zero + AROUND_MS);
  const around = smoothed.filter(({ at: time }) => time >= zero - AROUND_MS);
  const peak = Math.max(...around.map(({ value }) => value));
  if (around.length === 0 || peak < RISE * base) return null;
  const top = around.find(({ value }) => value === peak)?.at ?? zero;
  const calm = smoothed.findLast((point) => point.at < top && point.value < BEGUN * base);
  const begun = smoothed.find((point) => point.at > (calm?.at ?? -Infinity));
  const words = `traffic went from ${amount(base)} to ${amount(peak)} requests per second (${amount(peak / base)} times)`;
  return begun !== undefined && begun.at > zero + CONSEQUENCE_AFTER_MS
    ? factor('traffic_rise', 0, `${words} after the errors began, as is typical of retries`)
    : factor('traffic_rise', WEIGHTS.traffic_rise, `${words} as the problem began`);
}
