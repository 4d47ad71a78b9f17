import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { limitBeyondChance, singleFailure } from './chance.ts';
import type { Evidence, Health } from './evidence.ts';
import { gapOf, isFresh, type Point, pointsBetween, pointsOf, USUAL_INTERVAL_MS } from './samples.ts';
import { hasLimit, mapCurves, type Measurements } from './series.ts';
import { healthWithZeros } from './zeros.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Minimum samples of a time that counts. */
const MIN_SAMPLES = 3;

/** Minimum good samples between two failures that are not one. */
const MIN_SAMPLES_BETWEEN = 2;

/** Health, and the traffic from before that, which shows what chance explains. */
type Measured = Pick<Evidence, 'health' | 'traffic' | 'at'>;

/**
 * Course of health since a mitigation. `recoveredAt`: start of the first time within its limit that lasted. Null: none did.
 * `failingSince`: start of the bad samples that the newest one belongs to, after such a time; `lasts`: they do as well.
 * `againSince`: start of the bad samples that the newest one belongs to, which last, after good ones that lasted or not.
 */
export type HealthSince = {
  recoveredAt: Timestamp | null;
  failingSince: { at: Timestamp; lasts: boolean } | null;
  againSince: Timestamp | null;
};

/**
 * Describes the samples since a mitigation. What chance explains, such as a single failed request of few, is within the limit.
 *
 * @param seconds for how long health must be within its limit, and then above it, until that counts
 */
export function healthSince(measured: Measured, mitigatedAt: Timestamp, seconds: number): HealthSince {
  const runs = runsSince(measured, mitigatedAt, seconds);
  const good = runs.find(({ isBad, lasts }) => !isBad && lasts);
  const [newest, before] = runs.slice(-2).toReversed();
  const all = runs.flatMap(({ points }) => points);
  const isFailing = newest?.isBad === true && isFresh(all, measured.at);
  const since = isFailing ? { at: newest.from, lasts: newest.lasts } : null;
  const isBetween = before?.isBad === false && before.points.length >= MIN_SAMPLES_BETWEEN;
  return {
    recoveredAt: good?.from ?? null,
    failingSince: good === undefined ? null : since,
    againSince: since?.lasts === true && isBetween ? since.at : null,
  };
}

/**
 * Returns the end of a problem that is over now: the start of the first time within its limit that lasted, after the newest one above it
 * that did. Without such a time, the first sample after the newest one above it. Null: there are no samples.
 *
 * @param seconds as of `healthSince`
 * @returns `wasAbove`: health was above its limit before that
 */
export function overSince(
  measured: Measured,
  since: Timestamp,
  seconds: number,
): { at: Timestamp; wasAbove: boolean } | null {
  const runs = runsSince(measured, since, seconds);
  if (runs.length === 0) return null;
  const bad = runs.findLastIndex(({ isBad, lasts }) => isBad && lasts);
  const good = runs.findIndex(({ isBad, lasts }, index) => index > bad && !isBad && lasts);
  const over = good < 0 ? runs.findLastIndex(({ isBad }) => isBad) + 1 : good;
  return { at: runs[over]?.from ?? measured.at, wasAbove: runs.slice(0, over).some(({ isBad }) => isBad) };
}

/** Part of its height to which an error curve has fallen if it recovers. */
const RECOVERED = 0.6;

/**
 * Returns whether errors above the limit have ended or clearly fallen in two samples. They may have begun shortly before the problem. What
 * had ended when it began belongs to another one.
 */
export function isRecovering({ curve, max }: Pick<Health, 'curve' | 'max'>, onset: Timestamp, at: Timestamp): boolean {
  const points = pointsOf(curve, at);
  const since = pointsBetween(points, millisOf(onset) - TOGETHER_SECONDS * 1000, Infinity);
  const peak = Math.max(...since.map(({ value }) => value));
  const newest = since.slice(-2);
  return (
    isFresh(points, at) &&
    since.some((point) => point.value > max && point.at >= millisOf(onset)) &&
    newest.length === 2 &&
    newest.every(({ value }) => value <= Math.max(max, RECOVERED * peak))
  );
}

/** Seconds before the onset of a problem from which errors of other services belong to it. */
const TOGETHER_SECONDS = 300;

/** Samples that are all bad or all good, without a gap. `lasts`: for as long as counts. */
type Run = { points: readonly Point[]; from: Timestamp; isBad: boolean; lasts: boolean };

/** Splits the samples into runs. Those that chance explains are good. */
function runsSince({ at, ...measured }: Measured, since: Timestamp, seconds: number): Run[] {
  const health = healthWithZeros(measured);
  if (!hasLimit(health)) return [];
  const points = pointsBetween(pointsOf(health.curve, at), millisOf(since), Infinity);
  const gap = gapOf(points);
  const limit = limitBeyondChance(health.max, 0, singleFailure({ ...measured, health, at }));
  const isBad = ({ value }: Point): boolean => value > limit;
  const runs: [Point, ...Point[]][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (before !== undefined && isBad(before) === isBad(point) && point.at - before.at <= gap) run?.push(point);
    else runs.push([point]);
  }
  return runs.map((run) => {
    const [first, last = first] = [run[0], run.at(-1)];
    const lasts = run.length >= MIN_SAMPLES && last.at - first.at >= seconds * 1000;
    return { points: run, from: timestamp(first.at), isBad: isBad(first), lasts };
  });
}

/** Returns the time until which samples can still show errors from before a mitigation, although it has ended them. */
export const shownUntil = (mitigatedAt: Timestamp, window: number | null | undefined): Timestamp =>
  plusSeconds(mitigatedAt, (window ?? UNKNOWN_WINDOW_SECONDS.usual) + USUAL_INTERVAL_MS / 1000);

/**
 * Removes the samples of a time whose problem is over. They are neither the baseline of a new problem nor errors before it.
 */
export const withoutSamples = <M extends Measurements>(
  measured: M,
  { from, until }: NonNullable<Evidence['earlier_problem']>,
): M => mapCurves(measured, (curve) => curve.filter(([at]) => at < from || at >= until));
