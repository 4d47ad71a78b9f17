import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, takeToken } from '../../../../core/domain/time/token-bucket.ts';

const ALLOWANCE = { perSecond: 10, burst: 5 };

function countTaken(times: readonly number[]): number {
  let bucket: Bucket | undefined;
  let count = 0;
  for (const now of times) {
    const answer = takeToken(bucket, ALLOWANCE, now);
    bucket = answer.bucket;
    if (answer.ok) count += 1;
  }
  return count;
}

test('permits a burst immediately, then the configured rate', () => {
  expect(countTaken(Array.from({ length: 50 }, () => 0))).toBe(5);
  expect(countTaken(Array.from({ length: 1000 }, (_, n) => n))).toBe(5 + 9); // 1,000 attempts within 999 ms
});

test('returns when the next token is available, and it is available then', () => {
  const empty = takeToken({ left: 0, at: 0 }, ALLOWANCE, 0);
  if (empty.ok) throw new Error('it was empty');
  expect(takeToken(empty.bucket, ALLOWANCE, empty.afterSeconds * 1000).ok).toBe(true);
});

test('never exceeds burst and rate at any times, and a clock set back adds no tokens', () => {
  const anyTimes = fc
    .array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 200 })
    .map((all) => all.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(anyTimes, (times) => {
      const span = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
      expect(countTaken(times)).toBeLessThanOrEqual(ALLOWANCE.burst + ALLOWANCE.perSecond * span + 1e-6);
    }),
  );
  expect(takeToken({ left: 0, at: 1000 }, ALLOWANCE, 0).ok).toBe(false);
});
