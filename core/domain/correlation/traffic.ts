import { millisOf } from '../../../schemas/time/time.ts';
import { greatestByChance } from './chance.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, weightedFactor, unweightedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { pointsBetween, median, pointsOf, smooth } from './samples.ts';
import { formatAmount } from './words.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Baseline: from one hour to ten minutes before the onset. */
const BASELINE_FROM_MS = 3600_000;
const BASELINE_TO_MS = 600_000;
const MIN_BASELINE_SAMPLES = 5;

/** Time before and after the onset in which the traffic must peak. */
const NEAR_ONSET_MS = 300_000;

/** A rise is 1.5 times the baseline; it starts when the traffic passes 1.25 times the baseline. */
const RISE = 1.5;
const RISE_START = 1.25;

/**
 * Clients retry failing requests, so traffic also rises as a consequence of errors. Only a rise that starts later than
 * this after the onset counts as such a consequence.
 */
const CONSEQUENCE_AFTER_MS = 60_000;

/**
 * Weighs a rise of traffic near the onset, which can explain the errors without any change. A rise that followed the
 * errors has no weight.
 */
export function trafficFactor(evidence: Evidence, onset: Onset): Factor<'traffic_rise'> | null {
  const rise = riseOf(evidence, onset);
  if (rise === null) return null;
  return rise.start !== null && rise.start > millisOf(onset.at) + CONSEQUENCE_AFTER_MS
    ? unweightedFactor('traffic_rise', `${rise.words} after the errors began, as is typical of retries`)
    : weightedFactor('traffic_rise', `${rise.words} as the problem began`);
}

/** Returns whether traffic has risen no earlier than the errors can have begun, as retries of failed requests do. */
export function isRiseOfRetries(evidence: Evidence, onset: Onset): boolean {
  const start = riseOf(evidence, onset)?.start ?? null;
  return start !== null && start >= millisOf(onset.earliest);
}

/** Returns a rise of traffic near the onset, in words. `start`: in milliseconds; null: not known. */
function riseOf(
  { traffic, at, health }: Evidence,
  { at: onset }: Onset,
): { words: string; start: number | null } | null {
  if (traffic === null) return null;
  const points = pointsOf(traffic, at);
  const onsetMs = millisOf(onset);
  const baselineSamples = pointsBetween(points, onsetMs - BASELINE_FROM_MS, onsetMs - BASELINE_TO_MS);
  const baseline = median(baselineSamples);
  if (baselineSamples.length < MIN_BASELINE_SAMPLES || !(baseline > 0)) return null;
  const smoothed = pointsBetween(smooth(points), onsetMs - BASELINE_TO_MS, onsetMs + NEAR_ONSET_MS);
  const nearOnset = smoothed.filter(({ at: time }) => time >= onsetMs - NEAR_ONSET_MS);
  const peak = Math.max(...nearOnset.map(({ value }) => value));
  // A few requests vary by more than half by chance.
  const byChance = greatestByChance(baseline, 1 / (health?.window ?? UNKNOWN_WINDOW_SECONDS.shortest));
  if (nearOnset.length === 0 || peak < Math.max(RISE * baseline, byChance)) return null;
  const peakAt = nearOnset.find(({ value }) => value === peak)?.at ?? onsetMs;
  const lastNormal = smoothed.findLast((point) => point.at < peakAt && point.value < RISE_START * baseline);
  const riseStart = smoothed.find((point) => point.at > (lastNormal?.at ?? -Infinity));
  const words = `traffic went from ${formatAmount(baseline)} to ${formatAmount(peak)} requests per second (${formatAmount(peak / baseline)} times)`;
  return { words, start: riseStart?.at ?? null };
}
