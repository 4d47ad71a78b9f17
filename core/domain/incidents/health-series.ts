import { timestamp } from '../../../schemas/time/time.ts';
import type { Curve } from '../correlation/evidence.ts';
import { intervalOf, type Point, pointsOf } from '../correlation/samples.ts';

/** Samples of a health query, and requests per second at the same time; oldest first. */
export type HealthSeries = { curve: Curve; traffic: Curve };

export const NO_SAMPLES: HealthSeries = { curve: [], traffic: [] };

/** Adds the samples of one series of the same query to another, where that one has none. */
export const filledWith = (series: HealthSeries, other: HealthSeries): HealthSeries => ({
  curve: filled(series.curve, other.curve),
  traffic: filled(series.traffic, other.traffic),
});

function filled(curve: Curve, other: Curve): Curve {
  if (curve.length === 0 || other.length === 0) return curve.length === 0 ? other : curve;
  const points = all(curve);
  const interval = intervalOf(points);
  let next = 0;
  const lacking = all(other).filter(({ at }) => {
    while ((points[next]?.at ?? Infinity) < at) next += 1;
    return [points[next - 1], points[next]].every((near) => near === undefined || Math.abs(near.at - at) >= interval);
  });
  if (lacking.length === 0) return curve;
  return [...points, ...lacking].toSorted((a, b) => a.at - b.at).map(({ at, value }) => [timestamp(at), value]);
}

const all = (curve: Curve): Point[] => pointsOf(curve, timestamp(8.64e15));
