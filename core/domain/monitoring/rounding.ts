/**
 * Returns the share of events that may fail, rounded to the decimal value: `1 - 0.999` is 0.0010000000000000009 in
 * floating point, which would make a budget that is spent to the last error count as not quite spent.
 */
export const allowedShare = (target: number): number => Number((1 - target).toPrecision(12));

/**
 * Drops the last digits, in which sums of thousands of buckets differ by rounding alone, so that 1 is exactly 1 and
 * 14.4 exactly 14.4.
 */
export const tidy = (value: number): number => Math.round(value * 1e9) / 1e9;
