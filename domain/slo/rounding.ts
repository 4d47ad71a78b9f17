/**
 * The share of events that may fail, as a person would write it: `1 - 0.999` is 0.0010000000000000009 to a computer,
 * and with that a budget that is spent to the last error would count as not quite spent.
 */
export const allowedShare = (target: number): number => Number((1 - target).toPrecision(12));

/**
 * Without the last digits, in which sums of thousands of buckets differ by rounding alone: 1 is 1 then, and 14.4 is
 * 14.4.
 */
export const tidy = (value: number): number => Math.round(value * 1e9) / 1e9;
