import { expect, test } from 'vitest';
import { ErrorRatio } from '../error-ratio.ts';

const STEADY = Array.from({ length: 200 }, (_, nth) => ({ failed: nth % 10 < 3 }));

test('a constant failure rate gives a steady ratio, also with few requests', () => {
  const errorRatio = new ErrorRatio(3);
  const ratios = STEADY.map((one) => {
    errorRatio.served(one);
    return errorRatio.errorRatio;
  });
  expect(ratios.slice(0, 19)).toEqual(Array.from({ length: 19 }, () => null));
  expect(ratios.slice(19).every((ratio) => ratio !== null && ratio >= 0.25 && ratio <= 0.35)).toBe(true);
});

test('after the failures end, the ratio only decreases', () => {
  const errorRatio = new ErrorRatio(40);
  for (const one of STEADY) errorRatio.served(one);
  const ratios = Array.from({ length: 40 }, () => {
    errorRatio.served({ failed: false });
    return errorRatio.errorRatio ?? Number.NaN;
  });
  expect(ratios).toEqual(ratios.toSorted((a, b) => b - a));
  expect(ratios.at(-1)).toBe(0);
});
