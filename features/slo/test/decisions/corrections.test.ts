import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountOf } from '../../decisions/budget/account.ts';
import { budgetOf } from '../../decisions/budget/budget.ts';
import { burnRatesOf } from '../../decisions/budget/burn.ts';
import { excludedMs, spansOf, withoutSpans } from '../../decisions/corrections.ts';
import { type Bucket, emptyHistory, indexOf, setBucket } from '../../decisions/history.ts';
import { dailyPoints } from '../../decisions/measurement/daily-points.ts';
import { statusOf } from '../../decisions/status.ts';
import { NewCorrection, SloCorrection } from '../../schemas/slo-correction.ts';
import { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { bucketsOf, DAY, HOUR, MINUTE, NOON, outage, pastOf, steady, THRESHOLD } from './pasts.ts';
import { correctionsInWords } from '../../../freeze/decisions/budget/spending.ts';
import { objective, rolling } from '../../../../test/support/objective.ts';

const correction = (from: number, until: number, more: object = {}): SloCorrection =>
  SloCorrection.parse({
    id: 'cor_1',
    slo: 'checkout-availability',
    service: 'checkout',
    environment: 'production',
    category: 'load_test',
    reason: 'Rehearsal',
    starts_at: timestamp(from),
    ends_at: timestamp(until),
    rrule: null,
    time_zone: null,
    created_at: timestamp(NOON),
    created_by: 'ada',
    withdrawn_at: null,
    withdrawn_by: null,
    ...more,
  });

const FOUND = {
  levels: { warn: 0.75, freeze: 1, liftBelow: 0.95 },
  state: 'ok',
  problem: null,
  unread: null,
  source: 'own',
  now: NOON,
} as const;

/** Two hours, and the buckets of it. */
const SHORT = objective({ window: rolling(1 / 12), target: 0.9 });
const BUCKETS = 24;

const known = fc
  .tuple(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([events, share]): Bucket => ({ events, errors: Math.floor(events * share) }));
const periods = fc.array(
  fc.tuple(fc.integer({ min: -10, max: 130 }), fc.integer({ min: 1, max: 60 })).map(([start, minutes]) => ({
    from: NOON - 2 * HOUR + start * MINUTE,
    until: NOON - 2 * HOUR + (start + minutes) * MINUTE,
  })),
  { maxLength: 4 },
);

/** Returns the buckets of the last two hours that no span touches. */
const remaining = (buckets: readonly Bucket[], excluded: readonly { from: number; until: number }[]): Bucket[] =>
  buckets.filter((_, n) => {
    const start = NOON - 2 * HOUR + n * 5 * MINUTE;
    return !excluded.some(({ from, until }) => from < start + 5 * MINUTE && start < until);
  });

const pastWith = (buckets: readonly Bucket[]) => {
  const past = pastOf(SHORT, steady(0, 0));
  for (const [n, bucket] of buckets.entries()) setBucket(past, indexOf(NOON - 2 * HOUR) + n, bucket);
  return past;
};

describe('a budget with corrections', () => {
  test('is the budget of the remaining buckets', () => {
    fc.assert(
      fc.property(fc.array(known, { minLength: BUCKETS, maxLength: BUCKETS }), periods, (buckets, excluded) => {
        const account = accountOf(SHORT, pastWith(buckets), null, NOON, excluded);
        const left = remaining(buckets, excluded);
        const [events, errors] = [
          left.reduce((n, one) => n + one.events, 0),
          left.reduce((n, one) => n + one.errors, 0),
        ];
        const budget = budgetOf(account);
        expect(budget).toMatchObject({ events, errors, coverage: 1 });
        expect(budget.remaining).toBeCloseTo(errors === 0 ? 1 : 1 - errors / (0.1 * events), 6);
        expect(account.sum.ms).toBe(left.length * 5 * MINUTE);
        const rate = burnRatesOf(account)['2h'];
        if (events === 0) expect(rate).toBeNull();
        else expect(rate).toBeCloseTo(errors / (0.1 * events), 6);
      }),
    );
  });

  test('does not depend on what the excluded buckets hold', () => {
    fc.assert(
      fc.property(
        fc.array(known, { minLength: BUCKETS, maxLength: BUCKETS }),
        fc.array(fc.option(known), { minLength: BUCKETS, maxLength: BUCKETS }),
        periods,
        (buckets, others, excluded) => {
          const changed = pastWith(buckets);
          const first = indexOf(NOON - 2 * HOUR);
          for (const [n, other] of others.entries()) {
            const isLeft = remaining(
              buckets.map((_, m) => ({ events: m, errors: 0 })),
              excluded,
            ).some(({ events }) => events === n);
            if (!isLeft) setBucket(changed, first + n, other);
          }
          for (const slo of [SHORT, objective({ ...SHORT, budgeting: SLICES })]) {
            const [one, two] = [pastWith(buckets), changed].map((past) => accountOf(slo, past, null, NOON, excluded));
            if (one === undefined || two === undefined) throw new Error('two accounts');
            expect(budgetOf(two)).toEqual(budgetOf(one));
            expect(burnRatesOf(two)).toEqual(burnRatesOf(one));
          }
        },
      ),
    );
  });

  test('counts only the remaining seconds of a threshold', () => {
    const slo = objective({ window: rolling(1 / 12), target: 0.9, indicator: THRESHOLD });
    const past = pastOf(slo, outage(NOON - HOUR, NOON, 300));
    const all = budgetOf(accountOf(slo, past, null, NOON));
    expect(all).toMatchObject({ events: 7200, errors: 3600 });
    const excluded = [{ from: NOON - HOUR, until: NOON - 30 * MINUTE }];
    const { remaining: left, spent_at_least: atLeast, ...rest } = budgetOf(accountOf(slo, past, null, NOON, excluded));
    expect(rest).toMatchObject({ events: 5400, errors: 1800, coverage: 1 });
    expect(left).toBeCloseTo(1 - 1800 / 540, 9);
    expect(atLeast).toBeCloseTo(1800 / 540, 9);
  });

  const SLICES = { kind: 'timeslices', sliceSeconds: 3600, sliceTarget: 0.9 };

  test('judges a slice by its remaining buckets, and counts only these', () => {
    const slo = objective({ window: rolling(1 / 12), target: 0.5, budgeting: SLICES });
    const past = pastOf(slo, outage(NOON - HOUR, NOON - 30 * MINUTE));
    expect(budgetOf(accountOf(slo, past, null, NOON))).toMatchObject({ events: 7200, errors: 3600 });
    const excluded = [{ from: NOON - HOUR, until: NOON - 30 * MINUTE }];
    expect(budgetOf(accountOf(slo, past, null, NOON, excluded))).toMatchObject({ events: 5400, errors: 0 });
  });

  test('leaves out the last five minutes while they overlap a period', () => {
    const slo = objective();
    const now = NOON + 2 * MINUTE;
    const past = pastOf(slo, steady(1000, 0), now);
    const rate = (until: number) =>
      burnRatesOf(accountOf(slo, past, { events: 1000, errors: 1000 }, now, [{ from: NOON - HOUR, until }]))['5m'];
    expect(rate(NOON - 4 * MINUTE)).toBeCloseTo(1000, 6);
    expect(rate(NOON - 2 * MINUTE)).toBeNull();
    expect(rate(NOON + HOUR)).toBeNull();
  });
});

test('without periods, a history is the same object; excluded buckets never leave its range', () => {
  const past = pastOf(SHORT, steady(10, 1));
  expect(withoutSpans(past, [])).toBe(past);
  const before = bucketsOf(past);
  const everything = withoutSpans(past, [{ from: 0, until: NOON + 365 * DAY }]);
  expect([everything.oldest, everything.events.length]).toEqual([past.oldest, past.events.length]);
  expect(new Set(bucketsOf(everything).map((bucket) => bucket?.events))).toEqual(new Set([0]));
  expect(bucketsOf(past)).toEqual(before);
});

test('overlapping periods exclude each bucket once', () => {
  const within = { from: NOON - HOUR, until: NOON };
  const spans = [
    { from: NOON - 33 * MINUTE, until: NOON - 30 * MINUTE },
    { from: NOON - 31 * MINUTE, until: NOON - 22 * MINUTE },
    { from: NOON - 2 * HOUR, until: NOON - 59 * MINUTE },
  ];
  expect(excludedMs(spans, within)).toBe((15 + 5) * MINUTE);
});

describe('a recurring correction', () => {
  test('keeps its local time when the clocks change', () => {
    const weekly = correction(Date.parse('2026-10-17T00:00:00Z'), Date.parse('2026-10-17T02:00:00Z'), {
      rrule: 'FREQ=WEEKLY;BYDAY=SA',
      time_zone: 'Europe/Berlin',
    });
    const found = spansOf(weekly, {
      from: Date.parse('2026-10-20T00:00:00Z'),
      until: Date.parse('2026-11-08T00:00:00Z'),
    });
    expect(found.map(({ from, until }) => [timestamp(from), timestamp(until)])).toEqual([
      ['2026-10-24T00:00:00.000Z', '2026-10-24T02:00:00.000Z'],
      ['2026-10-31T01:00:00.000Z', '2026-10-31T03:00:00.000Z'],
      ['2026-11-07T01:00:00.000Z', '2026-11-07T03:00:00.000Z'],
    ]);
  });

  test('includes an occurrence that began before the window, and none before its start', () => {
    const daily = correction(NOON - 3 * DAY, NOON - 3 * DAY + 30 * HOUR, { rrule: 'FREQ=DAILY', time_zone: 'UTC' });
    const starts = spansOf(daily, { from: NOON - 2 * DAY, until: NOON - DAY }).map(({ from }) => (NOON - from) / DAY);
    expect(starts).toEqual([3, 2]);
    expect(spansOf(daily, { from: NOON - 90 * DAY, until: NOON - 3 * DAY })).toEqual([]);
  });
});

describe('the status of an objective', () => {
  const slo = objective();
  const past = pastOf(slo, outage(NOON - 3 * HOUR, NOON - HOUR));
  const load = correction(NOON - 3 * HOUR, NOON - HOUR);

  test('has both values, and names the correction', () => {
    const spans = spansOf(load, { from: NOON - 30 * DAY, until: NOON });
    const status = statusOf(slo, past, null, { ...FOUND, corrections: [{ correction: load, spans }] });
    expect(SloStatus.parse(status)).toEqual(status);
    expect(status.budget.remaining).toBe(1);
    expect(status.burn_rates['6h']).toBe(0);
    expect(status.corrected).toMatchObject({ count: 1, excluded_seconds: 7200, corrections: [{ id: 'cor_1' }] });
    expect(status.corrected?.uncorrected.budget.remaining).toBeCloseTo(1 - 120 / 40.32, 6);
    expect(status.corrected?.uncorrected.burn_rates['6h']).toBeGreaterThan(300);
    expect(correctionsInWords(status)).toBe('load_test "Rehearsal" (ada)');
  });

  test('is unchanged by a correction outside of its history, and its data are not newer in a period', () => {
    const before = statusOf(slo, past, null, { ...FOUND, corrections: [] });
    const old = { from: NOON - 60 * DAY, until: NOON - 50 * DAY };
    expect(statusOf(slo, past, null, { ...FOUND, corrections: [{ correction: load, spans: [old] }] })).toEqual(before);
    expect(before.corrected).toBeNull();
    const empty = emptyHistory(30 * 86_400, NOON);
    const running = [{ correction: load, spans: [{ from: NOON - DAY, until: NOON + DAY }] }];
    expect(statusOf(slo, empty, null, { ...FOUND, corrections: running }).data_at).toBeNull();
  });

  test('lists at most three corrections, with the beginning of their reasons, and counts all', () => {
    const many = Array.from({ length: 8 }, (_, n) => ({
      correction: correction(NOON - HOUR, NOON, {
        id: `cor_${n}`,
        created_at: timestamp(NOON + n),
        reason: 'x'.repeat(500),
      }),
      spans: [{ from: NOON - HOUR, until: NOON }],
    }));
    const status = statusOf(slo, past, null, { ...FOUND, corrections: many });
    expect(status.corrected?.corrections.map(({ id }) => id)).toEqual(['cor_7', 'cor_6', 'cor_5']);
    expect([status.corrected?.count, status.corrected?.excluded_seconds]).toEqual([8, 3600]);
    expect(correctionsInWords(status)).toMatch(/^load_test "x{119}…" \(ada\), .*, 5 more$/);
  });

  test('has both values in its history by day', () => {
    const spans = [{ from: NOON - 3 * HOUR, until: NOON - HOUR }];
    const days = dailyPoints(slo, pastOf(slo, outage(NOON - 3 * HOUR, NOON - HOUR)), NOON, [
      { correction: load, spans },
    ]);
    const [last] = days.slice(-1);
    expect(last).toMatchObject({ budget_remaining: 1, errors: 0, coverage: 1 });
    expect(last?.uncorrected_budget_remaining).toBeCloseTo(1 - 120 / 40.32, 6);
    expect(last?.excluded).toBeCloseTo(2 / 12, 6);
    expect(dailyPoints(slo, past, NOON, []).every((day) => day.uncorrected_budget_remaining === null)).toBe(true);
  });
});

describe('the request', () => {
  const valid = {
    category: 'maintenance',
    reason: ' New disks ',
    starts_at: '2026-11-20T12:00:00+01:00',
    ends_at: '2026-11-20T13:00:00+01:00',
  };

  test('is normalized', () => {
    expect(NewCorrection.parse(valid)).toEqual({
      category: 'maintenance',
      reason: 'New disks',
      starts_at: '2026-11-20T11:00:00.000Z',
      ends_at: '2026-11-20T12:00:00.000Z',
      rrule: null,
      time_zone: null,
    });
    expect(NewCorrection.parse({ ...valid, rrule: ' rrule:freq=weekly;byday=sa; ' })).toMatchObject({
      rrule: 'FREQ=WEEKLY;BYDAY=SA',
      time_zone: 'UTC',
    });
  });

  test.each([
    [{ reason: '  ' }, 'reason'],
    [{ reason: 'x'.repeat(501) }, 'reason'],
    [{ category: 'because' }, 'category'],
    [{ starts_at: 'yesterday' }, 'starts_at'],
    [{ ends_at: '2026-11-20T12:00:00+01:00' }, 'ends_at'],
    [{ ends_at: '2026-12-22T12:00:00+01:00' }, 'ends_at'],
    [{ rrule: 'FREQ=HOURLY' }, 'rrule'],
    [{ rrule: 'FREQ=DAILY;BYHOUR=1,2' }, 'rrule'],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=1SA' }, 'rrule'],
    [{ rrule: 'FREQ=DAILY;UNTIL=20200101' }, 'rrule'],
    [{ rrule: 'FREQ=DAILY', ends_at: '2026-11-22T12:00:00+01:00' }, 'rrule'],
    [{ rrule: 'FREQ=DAILY;COUNT=2', ends_at: '2026-11-22T12:00:00+01:00' }, 'rrule'],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=FR,SU', ends_at: '2026-11-23T12:00:00+01:00' }, 'rrule'],
    [{ rrule: 'FREQ=MONTHLY;BYMONTHDAY=1,28', ends_at: '2026-11-24T12:00:00+01:00' }, 'rrule'],
    [{ rrule: 'FREQ=DAILY', ends_at: '2026-11-21T12:00:00+01:00' }, 'rrule'],
    [{ time_zone: 'Europe/Berlin' }, 'time_zone'],
    [{ rrule: 'FREQ=DAILY', time_zone: 'Mars/Base' }, 'time_zone'],
  ])('with %j is refused', (more, path) => {
    const { error } = NewCorrection.safeParse({ ...valid, ...more });
    expect(error?.issues.map((issue) => issue.path[0])).toContain(path);
  });

  test('that recurs before it ends names both occurrences, and what to change', () => {
    const twoDays = { ...valid, rrule: 'FREQ=DAILY', ends_at: '2026-11-22T12:00:00+01:00' };
    expect(NewCorrection.safeParse(twoDays).error?.issues[0]?.message).toBe(
      'occurrences overlap: each lasts 48 h, but the one of 2026-11-21 starts 24 h after the one of 2026-11-20; shorten the period, or let it recur less often',
    );
  });

  test.each([
    { rrule: 'FREQ=DAILY', ends_at: '2026-11-21T11:59:00+01:00' },
    { rrule: 'FREQ=DAILY;COUNT=3', ends_at: '2026-11-21T12:00:00+01:00' },
    { rrule: 'FREQ=WEEKLY;BYDAY=SA,SU', ends_at: '2026-11-21T12:00:00+01:00' },
    { rrule: 'FREQ=MONTHLY;BYMONTHDAY=1,25', ends_at: '2026-11-23T12:00:00+01:00' },
    { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', ends_at: '2026-12-21T12:00:00+01:00' },
    { rrule: 'FREQ=DAILY;COUNT=1', ends_at: '2026-11-30T12:00:00+01:00' },
  ])('with %j is accepted', (more) => {
    expect(NewCorrection.safeParse({ ...valid, ...more }).error?.issues).toBeUndefined();
  });
});
