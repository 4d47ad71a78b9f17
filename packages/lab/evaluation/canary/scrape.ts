/** Seconds between two scrapes. */
export const SCRAPE = 15;

/**
 * Returns the increase of a counter in the `range` seconds up to `at`, as `increase` of Prometheus calculates it from
 * scrapes. Null: fewer than two samples. NaN never.
 *
 * @param phase second of the first scrape
 * @see https://github.com/prometheus/prometheus/blob/main/promql/functions.go, extrapolatedRate
 */
export function increase(
  counter: Float64Array,
  { from, until, phase }: { from: number; until: number; phase: number },
  at: number,
  range: number,
): number | null {
  const times: number[] = [];
  const first = Math.max(at - range + 1, from);
  for (let time = first + ((((phase - first) % SCRAPE) + SCRAPE) % SCRAPE); time <= at && time < until; time += SCRAPE)
    times.push(time);
  const [begin, end] = [times[0], times.at(-1)];
  if (begin === undefined || end === undefined || times.length < 2) return null;
  const [low, high] = [counter[begin] ?? 0, counter[end] ?? 0];
  const seen = end - begin;
  const limit = SCRAPE * 1.1;
  let toStart = begin - (at - range);
  let toEnd = at - end;
  if (toStart >= limit) toStart = SCRAPE / 2;
  if (high > low && low >= 0) toStart = Math.min(toStart, (seen * low) / (high - low));
  if (toEnd >= limit) toEnd = SCRAPE / 2;
  return ((high - low) * (seen + toStart + toEnd)) / seen;
}
