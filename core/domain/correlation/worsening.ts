import { millisOf } from '../../../schemas/time/time.ts';
import { clearingOf } from '../changes/cleared-suspects.ts';
import { DOUBLED } from './chance.ts';
import type { Curve, Evidence } from './evidence.ts';
import { effectSince } from '../changes/versions.ts';
import { ceilingOf } from './health.ts';
import type { Onset } from './onset.ts';
import { isFresh, median, pointsBetween, pointsOf, quantile } from './samples.ts';
import { hasLimit } from './series.ts';
import { healthWithZeros } from './zeros.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Minimum samples of the incident before a change, and newest samples that must all be above them. */
const MIN_SAMPLES = 5;
const NEWEST = 3;

/** Margin above the incident's usual high values. */
const MARGIN = 1.5;

/** Smallest rise that counts where most requests fail already, as a share of all requests: less can be noise. */
const MIN_RISE = 0.1;

/**
 * Returns the evidence of a second problem within the incident, if errors have at least doubled since a change that began or ended
 * after the alert, or the part of the requests that still succeeds has halved: the incident's own errors before that are its
 * baseline, and their height its limit. Null: they have not, or the incident had not reached its level before, so that its own
 * rise cannot be told from another.
 */
export function risenAgain(evidence: Evidence, { latest }: Onset): Evidence | null {
  const { at, incident_id, cleared, onset, earlier_goes_on: earlier } = evidence;
  const health = healthWithZeros(evidence);
  if (!hasLimit(health)) return null;
  const began = earlier !== undefined && earlier.since < latest ? earlier.since : latest;
  const settled = millisOf(began) + (health.window ?? UNKNOWN_WINDOW_SECONDS.longest) * 1000;
  const points = pointsOf(health.curve, at);
  const newest = points.slice(-NEWEST);
  const [first] = newest;
  if (first === undefined || newest.length < NEWEST || !isFresh(points, at)) return null;
  const whole = ceilingOf(health, points);
  const limits = evidence.changes
    .map(({ change }) => change)
    .filter((change) => change.status !== 'cancelled' && change.made_for !== incident_id)
    .filter((change) => change.rolled_back_by !== incident_id)
    .filter((change) => clearingOf(cleared, change) === undefined)
    .flatMap((change) => {
      const from = effectSince(change, earlier?.since ?? onset.alertStartedAt);
      const before = from === null ? [] : pointsBetween(points, settled, millisOf(from));
      if (from === null || before.length < MIN_SAMPLES || millisOf(from) > first.at) return [];
      const limit = timesWorse(Math.max(health.max, quantile(before, 0.9)), MARGIN, whole);
      const [usual, now] = [Math.max(health.max, median(before)), median(newest)];
      const isDoubled = now >= DOUBLED * usual;
      const isHalved = now >= timesWorse(usual, DOUBLED, whole) && now - usual >= MIN_RISE * whole;
      return (isDoubled || isHalved) && newest.every(({ value }) => value > limit) ? [limit] : [];
    });
  if (limits.length === 0) return null;
  const { aborted_canary: _, degraded_version: _watched, ...rest } = evidence;
  const sinceSettled = (curve: Curve): Curve => curve.filter(([time]) => millisOf(time) >= settled);
  return {
    ...rest,
    onset: { alertStartedAt: at, rule: null },
    health: {
      ...health,
      // The least, so that what came after an earlier rise does not hide it.
      max: Math.min(...limits),
      is_height: true,
      curve: sinceSettled(health.curve),
    },
    // Requests from before would count as a time without errors.
    traffic: evidence.traffic && sinceSettled(evidence.traffic),
    // The alerts began before.
    alert_versions: [],
  };
}

/** Returns the value at which there are this many times the errors, or only this part of the successes, if that is less. */
export const timesWorse = (value: number, factor: number, whole: number): number =>
  Number.isFinite(whole) ? Math.min(factor * value, whole - (whole - value) / factor) : factor * value;
