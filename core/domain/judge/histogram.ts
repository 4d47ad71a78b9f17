import type { Count } from './counts.ts';
import type { Histogram } from './evidence.ts';

/** Adds histograms. Bounds that are missing in one of them are left out, because their counts are not known. */
export function merged(all: readonly Histogram[]): Histogram {
  const [first, ...rest] = all.filter(({ buckets }) => buckets.length > 0).map(({ buckets }) => new Map(buckets));
  if (first === undefined) return { buckets: [] };
  return {
    buckets: [...first].flatMap(([bound, count]) => {
      const others = rest.map((each) => each.get(bound));
      return others.includes(undefined)
        ? []
        : [[bound, others.reduce<number>((sum, each) => sum + (each ?? 0), count)] as const];
    }),
  };
}

export const totalOf = ({ buckets }: Histogram): number => buckets.at(-1)?.[1] ?? 0;

/** Returns all requests, and those that took longer than a bound. */
export function slowerThan(histogram: Histogram, bound: number): Count {
  const total = totalOf(histogram);
  const within = histogram.buckets.find(([upper]) => upper === bound)?.[1] ?? total;
  return { total, bad: Math.max(0, total - within) };
}

/**
 * Returns a quantile, interpolated as Prometheus does: linearly within a bucket, and the highest finite bound if it is
 * above it. Null without requests.
 */
export function quantileOf(histogram: Histogram, quantile: number): number | null {
  const { buckets } = histogram;
  const total = totalOf(histogram);
  if (total <= 0 || buckets.length < 2) return null;
  const rank = quantile * total;
  const index = buckets.findIndex(([, count]) => count >= rank);
  const [upper, count] = buckets[index] ?? [Infinity, total];
  const [lower, before] = buckets[index - 1] ?? [0, 0];
  if (upper === Infinity) return lower;
  return count > before ? lower + ((upper - lower) * (rank - before)) / (count - before) : upper;
}

/** Returns the lowest bound within which at least this share of the requests was, else the highest finite one. */
export function boundAt(histogram: Histogram, share: number): number | null {
  const finite = histogram.buckets.filter(([bound]) => Number.isFinite(bound));
  const total = totalOf(histogram);
  return (finite.find(([, count]) => count >= share * total) ?? finite.at(-1))?.[0] ?? null;
}

/**
 * Returns a bound that shows whether a quantile has reached `limit`: the highest one up to the limit that few of the
 * requests exceed, so that a healthy version is clearly within it, else the lowest one above. Null: there is none.
 */
export function boundBelow(histogram: Histogram, limit: number, quantile: number): number | null {
  const finite = histogram.buckets.filter(([bound]) => Number.isFinite(bound));
  const total = totalOf(histogram);
  const few = (1 - quantile) / 2;
  const within = finite.findLast(([bound, count]) => bound <= limit && total - count <= few * total);
  return within?.[0] ?? boundFrom(histogram, limit);
}

/** Returns the lowest finite bound that is at least `limit`: all slower requests are above the limit. Null: there is none. */
export const boundFrom = ({ buckets }: Histogram, limit: number): number | null =>
  buckets.find(([bound]) => bound >= limit && Number.isFinite(bound))?.[0] ?? null;
