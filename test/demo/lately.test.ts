import { expect, test } from 'vitest';
import { Lately } from '../../demo/lately.ts';

const STEADY = Array.from({ length: 200 }, (_, nth) => ({ failed: nth % 10 < 3 }));

test('a constant failure rate gives a steady ratio, also with few requests', () => {
  const lately = new Lately(3);
  const ratios = STEADY.map((one) => {
    lately.served(one);
    return lately.errorRatio;
  });
  expect(ratios.slice(0, 19)).toEqual(Array.from({ length: 19 }, () => null));
  expect(ratios.slice(19).every((ratio) => ratio !== null && ratio >= 0.25 && ratio <= 0.35)).toBe(true);
});

test('after the failures end, the ratio only decreases', () => {
  const lately = new Lately(40);
  for (const one of STEADY) lately.served(one);
  const ratios = Array.from({ length: 40 }, () => {
    lately.served({ failed: false });
    return lately.errorRatio ?? Number.NaN;
  });
  expect(ratios).toEqual(ratios.toSorted((a, b) => b - a));
  expect(ratios.at(-1)).toBe(0);
});
