import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Curve, Evidence } from './evidence.ts';
import { mapCurves } from './series.ts';

/** Minimum number of samples from which one can tell how often values usually repeat. */
const MIN_SAMPLES = 20;

/** Minimum number of equal samples at the end: two minutes at the usual step. */
const MIN_REPEATED = 4;

/** The end must repeat so many times as long as any earlier part of the curve. */
const TIMES_AS_LONG = 1.5;

type Measured = Pick<Evidence, 'health' | 'traffic' | 'by_version'>;

/**
 * Removes samples that are no measurements. Prometheus returns the last sample of a series for five minutes after its
 * source has stopped without a notice, as of a recording rule or a remote write. A healthy value of then says nothing about now.
 */
export function withoutStale<M extends Measured>(measured: M): M {
  const { health, traffic } = measured;
  if (health === null) return measured;
  const lastHealth = repeatedSince(health.curve);
  const lastTraffic = traffic && repeatedSince(traffic);
  const last = lastHealth ?? lastTraffic;
  if (last === null || !isConstantSince(health.curve, last) || (health.curve.at(-1)?.[1] ?? 0) > health.max)
    return measured;
  return mapCurves(measured, (curve) => (isConstantSince(curve, last) ? curve.filter(([at]) => at <= last) : curve));
}

/** Returns the time of the sample that the end of the curve repeats for longer than usual, or null. Zeros often repeat. */
function repeatedSince(curve: Curve): Timestamp | null {
  const newest = curve.at(-1);
  if (newest === undefined || newest[1] === 0 || curve.length < MIN_SAMPLES) return null;
  const runs: { at: Timestamp; length: number; value: number }[] = [];
  for (const [at, value] of curve) {
    const run = runs.at(-1);
    if (run?.value === value) run.length += 1;
    else runs.push({ at, value, length: 1 });
  }
  const end = runs.pop();
  const usual = Math.max(1, ...runs.filter(({ value }) => value !== 0).map(({ length }) => length));
  return end !== undefined && runs.length > 0 && end.length >= Math.max(MIN_REPEATED, usual * TIMES_AS_LONG)
    ? end.at
    : null;
}

function isConstantSince(curve: Curve, since: Timestamp): boolean {
  const values = curve.filter(([at]) => at >= since).map(([, value]) => value);
  return values.every((value) => value === values[0]);
}
