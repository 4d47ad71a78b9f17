import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUCKETS_PER_DAY, DAY_BYTES, dayOf, decodeDay, encodeDay } from '../../decisions/day.ts';
import { type Bucket, bucketAt, emptyHistory, endOf, forgetBefore, hadGood } from '../../decisions/history.ts';
import { indexOf, setBucket, sumBetween } from '../../decisions/history.ts';
import { bucketsOf, NOON } from './pasts.ts';
import { runs } from '../../../../test/support/runs.ts';

const LAST = indexOf(NOON);
const HOUR_SECONDS = 3600;

const someBucket: fc.Arbitrary<Bucket> = fc
  .tuple(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([events, share]) => ({ events, errors: events * share }));
const maybeBucket = fc.option(someBucket, { nil: null });

/** Twelve buckets that end with the bucket of noon. */
const anHour = fc.array(maybeBucket, { minLength: 12, maxLength: 12 }).map((buckets) => {
  const history = emptyHistory(HOUR_SECONDS - 300, NOON);
  for (const [n, bucket] of buckets.entries()) setBucket(history, history.oldest + n, bucket);
  return { history, buckets, begins: history.oldest * 300_000 };
});

describe('a history', () => {
  test('has the requested length plus the current bucket, all unknown', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    expect([history.oldest, endOf(history)]).toEqual([LAST - 12, LAST + 1]);
    expect(bucketsOf(history)).toEqual(Array.from({ length: 13 }, () => null));
  });

  test('drops the oldest buckets for newer ones; skipped buckets are unknown', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    for (let index = LAST - 12; index <= LAST; index++) setBucket(history, index, { events: index, errors: 1 });
    setBucket(history, LAST + 3, { events: 7, errors: 0 });
    expect([history.oldest, endOf(history)]).toEqual([LAST - 9, LAST + 4]);
    expect(bucketAt(history, LAST - 10)).toBeNull();
    expect(bucketAt(history, LAST - 9)).toEqual({ events: LAST - 9, errors: 1 });
    expect([bucketAt(history, LAST + 1), bucketAt(history, LAST + 2)]).toEqual([null, null]);
    expect(bucketAt(history, LAST + 3)).toEqual({ events: 7, errors: 0 });
    expect(bucketAt(history, LAST + 4)).toBeNull();
  });

  test('ignores buckets older than the ring', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    setBucket(history, LAST - 13, { events: 1, errors: 0 });
    expect(bucketsOf(history).every((bucket) => bucket === null)).toBe(true);
  });

  test('is empty after a jump beyond its length', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    setBucket(history, LAST, { events: 1, errors: 0 });
    forgetBefore(history, LAST + 1000);
    expect(history.oldest).toBe(LAST + 1000);
    expect(bucketsOf(history).every((bucket) => bucket === null)).toBe(true);
  });

  test('is corrected if a bucket is counted again or becomes unknown', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    setBucket(history, LAST, { events: 1, errors: 0 });
    setBucket(history, LAST, { events: 2, errors: 2 });
    expect(bucketAt(history, LAST)).toEqual({ events: 2, errors: 2 });
    setBucket(history, LAST, null);
    expect(bucketAt(history, LAST)).toBeNull();
  });

  test.each([
    { events: 1, errors: 2 },
    { events: -1, errors: -1 },
    { events: Infinity, errors: 0 },
    { events: NaN, errors: 0 },
    { events: 1, errors: NaN },
  ])('rejects $errors errors of $events events', (bucket) => {
    expect(() => setBucket(emptyHistory(HOUR_SECONDS, NOON), LAST, bucket)).toThrow(`bucket ${LAST}`);
  });

  test('remembers a good event if one event was good', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    expect(hadGood(history)).toBe(false);
    setBucket(history, LAST, { events: 3, errors: 3 });
    expect(hadGood(history)).toBe(false);
    setBucket(history, LAST - 1, { events: 3, errors: 2 });
    expect(hadGood(history)).toBe(true);
  });
});

describe('a sum', () => {
  test('counts a bucket across a boundary in proportion', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    for (let index = LAST - 12; index <= LAST; index++) setBucket(history, index, { events: 300, errors: 30 });
    // 11:01:00 to 11:13:30: 4 minutes, 5 minutes, 3.5 minutes.
    const sum = sumBetween(history, NOON - 59 * 60_000, NOON - 46.5 * 60_000);
    expect(sum).toEqual({ events: 750, errors: 75, ms: 750_000, knownMs: 750_000 });
  });

  test('includes the known time', () => {
    const history = emptyHistory(HOUR_SECONDS, NOON);
    setBucket(history, LAST - 2, { events: 10, errors: 1 });
    const sum = sumBetween(history, NOON - 600_000 - 60_000, NOON - 300_000 - 60_000);
    expect(sum).toEqual({ events: 8, errors: 0.8, ms: 300_000, knownMs: 240_000 });
  });

  test('of no time is zero', () => {
    expect(sumBetween(emptyHistory(HOUR_SECONDS, NOON), NOON, NOON)).toMatchObject({ events: 0, ms: 0, knownMs: 0 });
  });

  test('equals the sum over its seconds, each with a share of its bucket', () => {
    const seconds = fc.tuple(fc.nat(3600), fc.nat(3600)).map((ends) => ends.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(anHour, seconds, ({ history, buckets, begins }, [from = 0, to = 0]) => {
        const expected = { events: 0, errors: 0, ms: (to - from) * 1000, knownMs: 0 };
        for (let second = from; second < to; second++) {
          const bucket = buckets[Math.floor(second / 300)] ?? null;
          if (bucket === null) continue;
          expected.events += bucket.events / 300;
          expected.errors += bucket.errors / 300;
          expected.knownMs += 1000;
        }
        const sum = sumBetween(history, begins + from * 1000, begins + to * 1000);
        expect([sum.ms, sum.knownMs]).toEqual([expected.ms, expected.knownMs]);
        expect(sum.events).toBeCloseTo(expected.events, 6);
        expect(sum.errors).toBeCloseTo(expected.errors, 6);
      }),
    );
  });

  test('of two consecutive stretches equals the sum of both', () => {
    const three = fc.tuple(fc.nat(3_600_000), fc.nat(3_600_000), fc.nat(3_600_000));
    fc.assert(
      fc.property(anHour, three, ({ history, begins }, times) => {
        const [a = 0, b = 0, c = 0] = times.toSorted((x, y) => x - y).map((ms) => begins + ms);
        const [first, second, both] = [sumBetween(history, a, b), sumBetween(history, b, c), sumBetween(history, a, c)];
        expect(first.events + second.events).toBeCloseTo(both.events, 6);
        expect(first.errors + second.errors).toBeCloseTo(both.errors, 6);
        expect(first.knownMs + second.knownMs).toBe(both.knownMs);
      }),
    );
  });
});

describe('a stored day', () => {
  const day = dayOf(LAST);
  const first = day * BUCKETS_PER_DAY;
  const wholeDay = () => emptyHistory(86_100, Date.parse('2026-11-20T23:55:00Z'));

  test('is a UTC day', () => {
    expect(new Date(day * 86_400_000).toISOString()).toBe('2026-11-20T00:00:00.000Z');
    expect([dayOf(first), dayOf(first - 1), dayOf(first + 287), dayOf(first + 288)]).toEqual([
      day,
      day - 1,
      day,
      day + 1,
    ]);
  });

  test('is decoded exactly as encoded', () => {
    const aDay = fc.array(maybeBucket, { minLength: BUCKETS_PER_DAY, maxLength: BUCKETS_PER_DAY });
    fc.assert(
      fc.property(aDay, (buckets) => {
        const history = wholeDay();
        for (const [n, bucket] of buckets.entries()) setBucket(history, first + n, bucket);
        const bytes = encodeDay(history, day);
        expect(bytes.byteLength).toBe(DAY_BYTES);
        const again = wholeDay();
        decodeDay(again, day, bytes);
        expect(bucketsOf(again)).toEqual(buckets);
        expect(encodeDay(again, day)).toEqual(bytes);
      }),
      { numRuns: runs(20) },
    );
  });

  test('has one layout: version, events, errors, as little-endian doubles', () => {
    const history = wholeDay();
    setBucket(history, first, { events: 1, errors: 0.5 });
    const bytes = encodeDay(history, day);
    expect(bytes.slice(0, 9)).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f));
    expect(bytes.slice(1 + 288 * 8, 9 + 288 * 8)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xe0, 0x3f));
    expect(Buffer.from(bytes).readDoubleLE(9)).toBeNaN();
  });

  test('adds to known buckets without overwriting them', () => {
    const [stored, counted] = [wholeDay(), wholeDay()];
    setBucket(stored, first + 1, { events: 5, errors: 1 });
    setBucket(counted, first + 2, { events: 6, errors: 0 });
    decodeDay(counted, day, encodeDay(stored, day));
    expect(bucketsOf(counted).slice(0, 4)).toEqual([null, { events: 5, errors: 1 }, { events: 6, errors: 0 }, null]);
  });

  test('can be part of a larger buffer', () => {
    const history = wholeDay();
    setBucket(history, first, { events: 5, errors: 1 });
    const bytes = Buffer.concat([Buffer.from([9, 9, 9]), encodeDay(history, day)]).subarray(3);
    const again = wholeDay();
    decodeDay(again, day, bytes);
    expect(bucketAt(again, first)).toEqual({ events: 5, errors: 1 });
  });

  test.each([
    ['of another version', (bytes: Uint8Array) => bytes.with(0, 2)],
    ['that was cut', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['that is empty', () => new Uint8Array()],
  ])('%s is rejected', (_, spoil) => {
    const bytes = spoil(encodeDay(wholeDay(), day));
    expect(() => decodeDay(wholeDay(), day, bytes)).toThrow(`day ${day} of a budget cannot be read`);
  });
});
