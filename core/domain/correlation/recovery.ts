import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { greatestByChance, singleFailure } from './chance.ts';
import type { Evidence, Health } from './evidence.ts';
import { gapOf, isFresh } from './health.ts';
import { type Point, pointsBetween, pointsOf } from './samples.ts';
import { hasLimit, mapCurves, type Measurements } from './series.ts';
import { healthWithZeros } from './zeros.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Minimum samples of a time that counts. */
const MIN_SAMPLES = 3;

/** Minimum good samples between two failures that are not one. */
const MIN_SAMPLES_BETWEEN = 2;

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
export function healthSince(
  { at, ...measured }: Pick<Evidence, 'health' | 'traffic' | 'at'>,
  mitigatedAt: Timestamp,
  seconds: number,
): HealthSince {
  const health = healthWithZeros(measured);
  if (!hasLimit(health)) return { recoveredAt: null, failingSince: null, againSince: null };
  const points = pointsBetween(pointsOf(health.curve, at), millisOf(mitigatedAt), Infinity);
  const gap = gapOf(points);
  const single = singleFailure({ ...measured, health, at });
  const limit = single === null ? health.max : Math.max(health.max, greatestByChance(0, single));
  const isBad = ({ value }: Point): boolean => value > limit;
  const lasts = (run: readonly Point[]): boolean =>
    run.length >= MIN_SAMPLES && (run.at(-1)?.at ?? 0) - (run[0]?.at ?? 0) >= seconds * 1000;
  const runs = runsOf(points, isBad, gap);
  const good = runs.findIndex((run) => run.every((point) => !isBad(point)) && lasts(run));
  const newest = runs.at(-1);
  const first = newest?.[0];
  const isFailing = first !== undefined && isBad(first) && isFresh(points, at);
  const since = isFailing ? { at: timestamp(first.at), lasts: lasts(newest ?? []) } : null;
  const before = runs.at(-2)?.filter((point) => !isBad(point)) ?? [];
  return {
    recoveredAt: good < 0 ? null : timestamp(runs[good]?.[0]?.at ?? millisOf(at)),
    failingSince: good < 0 ? null : since,
    againSince: since?.lasts === true && before.length >= MIN_SAMPLES_BETWEEN ? since.at : null,
  };
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

/** Splits the samples into runs that are all bad or all good, without a gap. */
function runsOf(points: readonly Point[], isBad: (point: Point) => boolean, gap: number): Point[][] {
  const runs: Point[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && isBad(before) === isBad(point) && point.at - before.at <= gap)
      run.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** Age in seconds of the newest scrape in a value, at most. */
const SCRAPE_SECONDS = 30;

/** Returns the time until which samples can still show errors from before a mitigation, although it has ended them. */
export const shownUntil = (mitigatedAt: Timestamp, window: number | null | undefined): Timestamp =>
  plusSeconds(mitigatedAt, (window ?? UNKNOWN_WINDOW_SECONDS.usual) + SCRAPE_SECONDS);

/**
 * Removes the samples of a time whose problem is over. They are neither the baseline of a new problem nor errors before it.
 */
export const withoutSamples = <M extends Measurements>(
  measured: M,
  { from, until }: NonNullable<Evidence['earlier_problem']>,
): M => mapCurves(measured, (curve) => curve.filter(([at]) => at < from || at >= until));
