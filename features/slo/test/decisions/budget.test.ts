import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountOf } from '../../decisions/budget/account.ts';
import { budgetOf } from '../../decisions/budget/budget.ts';
import { type Bucket, bucketAt, indexOf, setBucket } from '../../decisions/history.ts';
import type { Budget } from '../../../../schemas/slo/slo-status.ts';
import { accountAt, DAY, HOUR, MINUTE, NOON, outage, pastOf } from './pasts.ts';
import { steady, type Story, THRESHOLD } from './pasts.ts';
import { spentShare } from '../../../freeze/decisions/budget/spending.ts';
import { objective, rolling } from '../../../../test/support/objective.ts';

const budgetAt = (slo: ReturnType<typeof objective>, story: Story, now = NOON): Budget =>
  budgetOf(accountAt(slo, story, now));

/** Every second counts equally: 300 in a bucket. */
const inSeconds = { indicator: THRESHOLD };

describe('errors in the last closed bucket', () => {
  /** 134 seconds at the end or start of a bucket: 44.7 % of it. */
  const BURST = 134_000;

  test.each([
    ['its end', NOON - BURST, NOON],
    ['its beginning', NOON - 5 * MINUTE, NOON - 5 * MINUTE + BURST],
  ])('count once, even at %s', (_, from, until) => {
    const slo = objective();
    const story = outage(from, until);
    const history = pastOf(slo, story);
    const { errors: spent } = budgetAt(slo, story);
    for (let seconds = 0; seconds < 300; seconds += 20) {
      const now = NOON + seconds * 1000;
      const inRecent = Math.max(0, until - Math.max(from, now - 5 * MINUTE));
      // What Prometheus has counted in the last 300 seconds, wherever in its bucket an error occurred.
      const recent = { events: 1000, errors: (1000 * inRecent) / (5 * MINUTE) };
      expect(budgetOf(accountOf(slo, history, recent, now)).errors).toBeCloseTo(spent, 6);
    }
  });
});

describe('a budget that is spent exactly', () => {
  const targets = [0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999].flatMap((target) =>
    [1, 7, 28, 30, 90].map((days) => [target, days] as const),
  );

  test.each(targets)('counts as spent: %d of %i days', (target, days) => {
    // 0.1 % of 28 days is 40.32 minutes; computed in tenths of milliseconds, which are integers.
    const millis = Math.round((1 - target) * 1e4 * days * DAY) / 1e4;
    const begins = NOON - days * DAY;
    for (const more of [{}, inSeconds]) {
      const slo = objective({ target, window: rolling(days), ...more });
      const perBucket = 'indicator' in more ? 300 : 1000;
      const spent = budgetAt(slo, outage(begins, begins + millis, perBucket));
      expect(spent).toMatchObject({ remaining: 0, spent_at_least: 1, coverage: 1 });
      expect(spentShare(spent) >= 1).toBe(true);
      const nearly = budgetAt(slo, outage(begins, begins + millis * 0.999, perBucket));
      expect(spentShare(nearly) < 1).toBe(true);
    }
  });

  test('counts as spent with fractional counts from rates, too', () => {
    const story = outage(NOON - DAY, NOON - DAY + 40.32 * MINUTE, 1000 / 3);
    expect(budgetAt(objective(), story)).toMatchObject({ remaining: 0, significant: true });
  });

  test('is spent by the hundredth error in a hundred thousand events, and not before', () => {
    const spentBy = (errors: number): number =>
      spentShare(
        budgetAt(objective({ window: rolling(1) }), (at) => ({ events: 400, errors: at === NOON - HOUR ? errors : 0 })),
      );
    // 288 buckets of 400 events are 115,200 events; a thousandth is 115.2.
    expect([spentBy(115) < 1, spentBy(115.2) >= 1, spentBy(116) > 1]).toEqual([true, true, true]);
  });
});

describe('an outage of two hours against 99.9 % of 28 days', () => {
  const story = outage(NOON - 2 * HOUR, NOON);

  test('spends 120 / 40.32 of the budget, which is 297 %', () => {
    const budget = budgetAt(objective(), story);
    expect(budget.remaining).toBeCloseTo(1 - 120 / 40.32, 9);
    expect(budget).toMatchObject({ events: 8_064_000, errors: 24_000, coverage: 1, significant: true });
    expect(budgetAt(objective(inSeconds), outage(NOON - 2 * HOUR, NOON, 300)).remaining).toBe(budget.remaining);
  });

  test('counts while it is in the window, fully or partly, to the millisecond', () => {
    const spentAt = (now: number): number => spentShare(budgetAt(objective(), story, now));
    const leaves = NOON - 2 * HOUR + 28 * DAY;
    expect(spentAt(leaves)).toBeCloseTo(120 / 40.32, 9);
    expect(spentAt(leaves + HOUR)).toBeCloseTo(60 / 40.32, 9);
    expect(spentAt(leaves + HOUR + 61_234)).toBeCloseTo((60 - 61.234 / 60) / 40.32, 9);
    expect(spentAt(leaves + 2 * HOUR)).toBe(0);
  });

  test('counts while it happens, between boundaries too', () => {
    for (const ms of [0, 1, 60_000, 299_999, 300_000]) {
      const spent = spentShare(budgetAt(objective(), outage(NOON - HOUR, NOON + DAY), NOON + ms));
      // Time before the last 300 seconds counts proportionally, which is accurate to one bucket.
      expect(Math.abs(spent - (HOUR + ms) / MINUTE / 40.32)).toBeLessThan(5 / 40.32);
    }
    expect(spentShare(budgetAt(objective(), outage(NOON - HOUR, NOON + DAY), NOON + 300_000))).toBeCloseTo(
      65 / 40.32,
      9,
    );
  });
});

describe('unknown buckets', () => {
  /** Makes this number of buckets before noon unknown. */
  const unknownFor =
    (buckets: number, story: Story): Story =>
    (at) =>
      at >= NOON - buckets * 300_000 - HOUR && at < NOON - HOUR ? null : story(at);
  const ofADay = objective({ window: rolling(1), target: 0.99 });

  test('can be up to 5 %; beyond that no budget is stated', () => {
    // 14 of 288 buckets are 4.9 %; 15 are 5.2 %.
    expect(budgetAt(ofADay, unknownFor(14, steady(1000, 5)))).toMatchObject({ remaining: 0.5, coverage: 0.951388889 });
    expect(budgetAt(ofADay, unknownFor(15, steady(1000, 5)))).toMatchObject({ remaining: null, coverage: 0.947916667 });
    const exactly = objective({ window: { kind: 'rolling', seconds: 6000 } });
    expect(budgetAt(exactly, (at) => (at === NOON - HOUR ? null : { events: 10, errors: 0 }))).toMatchObject({
      remaining: 1,
      coverage: 0.95,
    });
  });

  test('do not reduce the certainly spent share', () => {
    // Half of the day is known: 144 of 288 buckets, with 1 % errors. If the other half had none, the share would be 0.5
    // %.
    const budget = budgetAt(ofADay, unknownFor(144, steady(1000, 10)));
    expect(budget).toMatchObject({
      remaining: null,
      spent_at_least: 0.5,
      coverage: 0.5,
      events: 144_000,
      errors: 1440,
    });
    expect(spentShare(budget)).toBe(0.5);
  });

  test('do not reduce it for seconds either', () => {
    const seconds = objective({ window: rolling(1), target: 0.99, ...inSeconds });
    const budget = budgetAt(seconds, unknownFor(144, steady(300, 3)));
    expect(budget).toMatchObject({ remaining: null, spent_at_least: 0.5, events: 43_200, errors: 432 });
  });

  test('are the whole window at first', () => {
    expect(budgetAt(objective(), () => null)).toEqual({
      remaining: null,
      spent_at_least: 0,
      coverage: 0,
      events: 0,
      errors: 0,
      significant: false,
    });
  });

  test('differ from buckets without traffic, which leave the budget untouched', () => {
    expect(budgetAt(objective(), steady(0, 0))).toMatchObject({ remaining: 1, coverage: 1, significant: false });
  });

  test('can be the last 300 seconds; closed buckets then replace them as far as they reach', () => {
    const slo = objective({ window: { kind: 'rolling', seconds: 3000 }, target: 0.9 });
    const now = NOON + 150_000;
    const budget = budgetOf(accountOf(slo, pastOf(slo, steady(100, 5), now), null, now));
    expect(budget).toMatchObject({ remaining: 0.5, coverage: 0.95, events: 950 });
  });
});

test('with little traffic, errors must be significant', () => {
  // 30 requests in a day, one per bucket.
  const night =
    (failed: number): Story =>
    (at) => {
      const n = (NOON - at) / 300_000;
      return { events: n <= 30 ? 1 : 0, errors: n <= failed ? 1 : 0 };
    };
  const ofADay = objective({ window: rolling(1) });
  const [one, three] = [budgetAt(ofADay, night(1)), budgetAt(ofADay, night(3))];
  expect([one.significant, three.significant]).toEqual([false, true]);
  expect(one.remaining).toBeCloseTo(1 - 1 / 0.03, 6);
});

/** A history for a window of two hours. */
const aStory = fc.array(
  fc.option(
    fc
      .tuple(fc.nat(2000), fc.integer({ min: 0, max: 100 }))
      .map(([events, percent]): Bucket => ({ events, errors: (events * percent) / 100 })),
    { nil: null, freq: 12 },
  ),
  { minLength: 25, maxLength: 25 },
);
const shortSlo = objective({ window: { kind: 'rolling', seconds: 7200 }, target: 0.95 });
const anOffset = fc.nat(299_999);

describe('in any history', () => {
  const budgetOfBuckets = (buckets: (Bucket | null)[], offset: number, recent: Bucket | null): Budget => {
    const now = NOON + offset;
    const history = pastOf(shortSlo, (at) => buckets[24 - Math.floor((NOON - 1 - at) / 300_000)] ?? null, now);
    return budgetOf(accountOf(shortSlo, history, recent, now));
  };
  const change = (buckets: (Bucket | null)[], at: number, to: (bucket: Bucket) => Bucket | null): (Bucket | null)[] =>
    buckets.map((bucket, n) => (n === at && bucket !== null ? to(bucket) : bucket));

  test('more errors never spend less', () => {
    fc.assert(
      fc.property(aStory, fc.nat(24), anOffset, (buckets, at, offset) => {
        const recent = buckets[24] ?? null;
        const before = budgetOfBuckets(buckets, offset, recent);
        const worse = change(buckets, at, ({ events, errors }) => ({ events, errors: (events + errors) / 2 }));
        const after = budgetOfBuckets(worse, offset, recent);
        expect(spentShare(after)).toBeGreaterThanOrEqual(spentShare(before));
        expect(after.spent_at_least).toBeGreaterThanOrEqual(before.spent_at_least);
        expect(Number(after.significant)).toBeGreaterThanOrEqual(Number(before.significant));
      }),
    );
  });

  test('a bucket that becomes unknown never counts as good', () => {
    // Except the newest bucket: if it is unknown, the last 300 seconds replace it and can differ.
    fc.assert(
      fc.property(aStory, fc.nat(23), anOffset, (buckets, at, offset) => {
        const good = change(buckets, at, ({ events }) => ({ events, errors: 0 }));
        const known = budgetOfBuckets(good, offset, { events: 100, errors: 3 });
        const unknown = budgetOfBuckets(
          change(good, at, () => null),
          offset,
          { events: 100, errors: 3 },
        );
        expect(unknown.coverage).toBeLessThanOrEqual(known.coverage);
        if (unknown.remaining === null || known.remaining === null) return;
        expect(unknown.remaining).toBeLessThanOrEqual(known.remaining);
      }),
    );
  });

  test('the certainly spent share never exceeds the likely one', () => {
    fc.assert(
      fc.property(aStory, anOffset, (buckets, offset) => {
        const budget = budgetOfBuckets(buckets, offset, null);
        expect(budget.spent_at_least).toBeGreaterThanOrEqual(0);
        if (budget.remaining !== null) expect(budget.spent_at_least).toBeLessThanOrEqual(1 - budget.remaining + 1e-9);
        expect(budget.errors).toBeLessThanOrEqual(budget.events);
      }),
    );
  });

  test('the result equals an event-by-event count, on boundaries', () => {
    fc.assert(
      fc.property(aStory, (buckets) => {
        const budget = budgetOfBuckets(buckets, 0, buckets[24] ?? null);
        const known = buckets.slice(1).filter((bucket) => bucket !== null);
        const events = known.reduce((sum, bucket) => sum + bucket.events, 0);
        const errors = known.reduce((sum, bucket) => sum + bucket.errors, 0);
        expect(budget.events).toBeCloseTo(events, 6);
        expect(budget.errors).toBeCloseTo(errors, 6);
        expect(budget.coverage).toBeCloseTo(known.length / 24, 8);
        if (budget.remaining !== null && events > 0)
          expect(1 - budget.remaining).toBeCloseTo(errors / (0.05 * events), 6);
      }),
    );
  });
});

describe('time slices', () => {
  const sliced = (sliceMinutes: number, sliceTarget = 0.95) =>
    objective({ budgeting: { kind: 'timeslices', sliceSeconds: sliceMinutes * 60, sliceTarget } });

  test('are entirely good or bad, and counted in seconds', () => {
    // Two slices have 94.9 % good events and one has 95 %: two of three are bad.
    const shares = new Map([
      [NOON - HOUR, 51],
      [NOON - 2 * HOUR, 50],
      [NOON - 3 * HOUR, 51],
    ]);
    const budget = budgetAt(sliced(5), (at) => ({ events: 1000, errors: shares.get(at) ?? 0 }));
    expect(budget).toMatchObject({ events: 28 * 86_400, errors: 600, coverage: 1, significant: false });
    expect(budget.remaining).toBeCloseTo(1 - 10 / 40.32, 9);
  });

  test('weigh the same, regardless of the number of events', () => {
    const story: Story = (at) => (at === NOON - HOUR ? { events: 1, errors: 1 } : { events: 1e6, errors: 0 });
    expect(budgetAt(sliced(5), story).errors).toBe(300);
  });

  test('are good without events, and unknown without data', () => {
    const quiet: Story = (at) => (at < NOON - HOUR ? { events: 0, errors: 0 } : { events: 10, errors: 0 });
    expect(budgetAt(sliced(5), quiet)).toMatchObject({ remaining: 1, events: 28 * 86_400 });
    const unknown: Story = (at) => (at < NOON - HOUR ? null : { events: 10, errors: 0 });
    expect(budgetAt(sliced(5), unknown)).toMatchObject({ remaining: null, events: 3600 });
  });

  test('of an hour are judged by all events of the hour', () => {
    // 100 errors of 1,200 events are 8.3 %, in one bucket of twelve.
    const story: Story = (at) => ({ events: 100, errors: at === NOON - 2 * HOUR ? 100 : 0 });
    expect(budgetAt(sliced(60), story).errors).toBe(3600);
    // 5 % are allowed: 60 of 1,200.
    const fewer: Story = (at) => ({ events: 100, errors: at === NOON - 2 * HOUR ? 60 : 0 });
    expect(budgetAt(sliced(60), fewer).errors).toBe(0);
  });

  test('that are still running count as if they ended now', () => {
    const now = NOON + 20 * MINUTE + 90_000;
    const since =
      (ms: number): Story =>
      (at) => ({ events: 100, errors: at >= NOON + ms ? 100 : 0 });
    // 21.5 minutes of this hour have passed, all bad; then only the last 30 seconds, which are 2.3 %.
    expect(budgetAt(sliced(60), since(0), now).errors).toBeCloseTo(21.5 * 60, 6);
    expect(budgetAt(sliced(60), since(20 * MINUTE + 60_000), now).errors).toBe(0);
  });

  test('count their known buckets, by the known part of the slice', () => {
    const story: Story = (at) => (at === NOON - HOUR ? null : { events: 100, errors: at < NOON - HOUR ? 0 : 100 });
    const slo = objective({
      window: rolling(1),
      budgeting: { kind: 'timeslices', sliceSeconds: 3600, sliceTarget: 0.9 },
    });
    expect(budgetAt(slo, story)).toMatchObject({ events: 86_100, errors: 3300 });
  });

  test('can consist of seconds', () => {
    const slo = objective({ ...inSeconds, budgeting: { kind: 'timeslices', sliceSeconds: 300, sliceTarget: 0.8 } });
    const story: Story = (at) => ({ events: 300, errors: at === NOON - HOUR ? 61 : at === NOON - DAY ? 60 : 0 });
    expect(budgetAt(slo, story).errors).toBe(300);
  });

  test('do not modify the original counts', () => {
    const slo = sliced(5);
    const history = pastOf(slo, steady(7, 1));
    accountOf(slo, history, null, NOON);
    expect(bucketAt(history, indexOf(NOON) - 1)).toEqual({ events: 7, errors: 1 });
    setBucket(history, indexOf(NOON), { events: 8, errors: 0 });
    expect(accountOf(slo, history, null, NOON + 300_000).sum.events).toBe(28 * 86_400);
  });
});
