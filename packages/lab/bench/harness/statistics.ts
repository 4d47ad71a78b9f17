/**
 * Returns a percentile by nearest rank: the smallest value that at least `percent` of the values do not exceed. It is a
 * measured value, never a mean of two.
 *
 * @param percent above 0, at most 100; 50 is the median
 * @throws RangeError without values
 */
export function percentile(values: readonly number[], percent: number): number {
  if (!(percent > 0 && percent <= 100))
    throw new RangeError(`percent is ${percent}; it must be above 0 and at most 100`);
  const rank = Math.ceil((percent / 100) * values.length);
  const value = values.toSorted((a, b) => a - b)[rank - 1];
  if (value === undefined) throw new RangeError('no values: a percentile needs at least one');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 50);
