import { describe, expect, test } from 'vitest';
import { median, percentile } from '../../bench/harness/statistics.ts';

const oneToTwenty = Array.from({ length: 20 }, (_, index) => 20 - index);

describe('percentile', () => {
  test.each([
    ['the 95th of twenty values leaves one above it', oneToTwenty, 95, 19],
    ['the 100th is the largest', oneToTwenty, 100, 20],
    ['a percent below one value takes the smallest', oneToTwenty, 1, 1],
    ['one value is every percentile of itself', [7.5], 95, 7.5],
    ['values are compared as numbers, not as text', [9, 10, 100], 100, 100],
  ])('%s', (_name, values, percent, expected) => {
    expect(percentile(values, percent)).toBe(expected);
  });

  test('the median of an even number of values is a measured value', () => {
    expect(median([4, 1, 3, 2])).toBe(2);
  });

  test('the order of the measurements does not change', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test('no values have no percentile', () => {
    expect(() => median([])).toThrow('no values');
  });

  test.each([0, -1, 101, Number.NaN])('%d is no percent', (percent) => {
    expect(() => percentile([1], percent)).toThrow(RangeError);
  });
});
