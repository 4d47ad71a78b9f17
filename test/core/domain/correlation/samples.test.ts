import { describe, expect, test } from 'vitest';
import { pointsBetween, median, pointsOf, quantile, smooth } from '../../../../core/domain/correlation/samples.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

const at = (seconds: number) => plusSeconds(NOON, seconds);
const points = (...values: number[]) => values.map((value, index) => ({ at: index, value }));

describe('the points of a curve', () => {
  test('are sorted by time', () => {
    expect(
      pointsOf(
        [
          [at(30), 3],
          [at(0), 1],
          [at(15), 2],
        ],
        at(60),
      ).map(({ value }) => value),
    ).toEqual([1, 2, 3]);
  });

  test('keep the worst value for each time, in any input order', () => {
    expect(
      pointsOf(
        [
          [at(0), 7],
          [at(0), 2],
        ],
        at(60),
      ),
    ).toEqual([{ at: millisOf(NOON), value: 7 }]);
    expect(
      pointsOf(
        [
          [at(0), 2],
          [at(0), 7],
        ],
        at(60),
      ),
    ).toEqual([{ at: millisOf(NOON), value: 7 }]);
  });

  test('are finite numbers up to the time of evaluation', () => {
    const curve = [
      [at(0), NaN],
      [at(1), Infinity],
      [at(2), -Infinity],
      [at(60), 5],
      [at(61), 6],
    ] as const;
    expect(pointsOf(curve, at(60)).map(({ value }) => value)).toEqual([5]);
  });

  test('can be limited to a range, inclusive start and exclusive end', () => {
    expect(pointsBetween(points(1, 2, 3, 4), 1, 3).map(({ value }) => value)).toEqual([2, 3]);
  });
});

test('a quantile is an observed value, and NaN for no points', () => {
  expect(quantile(points(4, 1, 3, 2), 0.75)).toBe(4);
  expect(quantile(points(4, 1, 3, 2), 0)).toBe(1);
  expect(quantile(points(4), 1)).toBe(4);
  expect(median(points(9, 1, 5))).toBe(5);
  expect(median([])).toBeNaN();
});

test('smoothing removes an outlier and keeps a step', () => {
  expect(smooth(points(1, 1, 9, 1, 1)).map(({ value }) => value)).toEqual([1, 1, 1, 1, 1]);
  expect(smooth(points(1, 1, 9, 9, 9)).map(({ value }) => value)).toEqual([1, 1, 9, 9, 9]);
});
