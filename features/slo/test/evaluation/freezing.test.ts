import { describe, expect, test } from 'vitest';
import { emptyConfig } from '../../../../schemas/config/config.ts';
import { availability, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

/** Ten requests per second: 24,192,000 in 28 days, of which 24,192 may fail. */
const PER_SECOND = 10;

describe('a two-hour outage of a service with an objective of 99.9 % over 28 days', () => {
  const outage = { from: NOON, until: NOON + 2 * HOUR };

  test('spends 297 % of the budget, freezes, and is lifted automatically at the predicted time', async () => {
    const world = await SloWorld.open(availability());
    world.requests(PER_SECOND, outage);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    expect(await world.frozenBy()).toEqual([]);
    expect((await world.status()).budget).toMatchObject({ remaining: 1, coverage: 1 });

    // Within the first minute: a burn rate of 14.4 over an hour is reached after 52 seconds.
    await world.evaluateUntil(outage.from + MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['burn']);

    // 40.32 minutes of outage are the whole budget.
    await world.evaluateUntil(outage.from + 40 * MINUTE, 20 * MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['burn']);
    await world.evaluateUntil(outage.from + 41 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['budget', 'burn']);
    await world.evaluateUntil(outage.from + 42 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['budget']);

    await world.evaluateUntil(outage.until, 20 * MINUTE, evaluator);
    const { budget, forecast } = await world.status();
    expect(budget.remaining).toBeCloseTo(1 - 120 / 40.32, 6);
    expect(budget).toMatchObject({ coverage: 1, significant: true });
    // 38.304 minutes are 95 % of the budget: the freeze lifts when 81.696 of the 120 minutes have left the window.
    const lifts = outage.from + 28 * DAY + 81.696 * MINUTE;
    expect(Date.parse(forecast.lifts_at ?? '')).toBeGreaterThan(lifts - 1000);
    expect(Date.parse(forecast.lifts_at ?? '')).toBeLessThan(lifts + 1000);

    await world.evaluateUntil(outage.until + 31 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['budget']);

    await world.evaluateUntil(lifts - 1.5 * MINUTE, 12 * HOUR, evaluator);
    expect(await world.frozenBy()).toEqual(['budget']);
    await world.evaluateUntil(lifts - 0.5 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['budget']);
    await world.evaluateUntil(lifts + 0.5 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual([]);

    const all = await world.freezes();
    expect(all.map(({ cause, ended_by: by }) => `${cause} by ${by}`).toSorted()).toEqual([
      'budget by evaluation',
      'burn by evaluation',
    ]);
    const spent = all.find(({ cause }) => cause === 'budget');
    expect(spent?.reason).toContain('the error budget of Checkout (checkout-availability) was spent');
    expect(spent?.settled_at).not.toBeNull();
    // It stays lifted.
    await world.evaluateUntil(lifts + 3 * HOUR, 20 * MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual([]);
    expect((await world.status()).budget.remaining).toBe(1);
  });

  test('is found by the first evaluation after a start, from recorded data', async () => {
    const world = await SloWorld.open(availability());
    world.requests(PER_SECOND, outage);
    world.at(outage.until);
    await world.evaluate(world.evaluator());
    const { budget, state, data_at: dataAt } = await world.status();
    expect(budget).toMatchObject({ coverage: 1, events: 24_192_000, errors: 72_000 });
    expect(budget.remaining).toBeCloseTo(-1.976, 3);
    expect([state, dataAt]).toEqual(['ok', '2026-11-20T14:00:00.000Z']);
    expect(await world.frozenBy()).toEqual(['budget']);
    expect(await world.deps.sloStatuses.evaluatedAt()).toBe('2026-11-20T14:00:00.000Z');
  });

  test('freezes with data for only part of the window', async () => {
    const world = await SloWorld.open(availability());
    world.requests(PER_SECOND, outage);
    world.prometheus.keptFrom = (outage.until - 15 * DAY) / 1000;
    world.at(outage.until);
    await world.evaluate(world.evaluator());
    const { budget } = await world.status();
    expect(budget.remaining).toBeNull();
    expect(budget.coverage).toBeCloseTo(15 / 28, 3);
    expect(budget.spent_at_least).toBeCloseTo(2.976, 2);
    expect(await world.frozenBy()).toEqual(['budget']);
  });
});

test('a freeze does not wait for older data', async () => {
  const world = await SloWorld.open(availability());
  world.requests(PER_SECOND, { from: NOON + MINUTE, until: NOON + 9 * MINUTE });
  const evaluator = world.evaluator();
  world.prometheus.pointsMax = 300; // so that some older data remains to be read
  await world.evaluate(evaluator);
  world.at(NOON + 3 * MINUTE);
  const before = world.deps.freezes.open.bind(world.deps.freezes);
  const rangesBefore: number[] = [];
  const ranges = () => world.prometheus.asked.filter(({ path }) => path.endsWith('query_range')).length;
  const freezes = Object.assign(Object.create(world.deps.freezes) as typeof world.deps.freezes, {
    current: () => world.deps.freezes.current(),
    open: async (freeze: Parameters<typeof before>[0]) => {
      rangesBefore.push(ranges());
      return before(freeze);
    },
  });
  const first = ranges();
  await world.evaluate(evaluator, { freezes });
  expect(await world.frozenBy()).toContain('burn');
  expect(new Set(rangesBefore)).toEqual(new Set([first]));
  expect(ranges()).toBeGreaterThan(first);
});

test('without a published configuration, no objective counts as removed, and freezes stay in force', async () => {
  const world = await SloWorld.open(availability());
  world.requests(PER_SECOND, { from: NOON, until: NOON + 2 * HOUR });
  await world.evaluateUntil(NOON + HOUR, 20 * MINUTE, world.evaluator());
  expect(await world.frozenBy()).toEqual(['budget', 'burn']);
  const { config } = world;
  world.config = emptyConfig;
  await world.evaluate(world.evaluator());
  expect(await world.frozenBy()).toEqual(['budget', 'burn']);
  world.config = { ...config, slos: [] };
  await world.evaluate(world.evaluator());
  expect(await world.frozenBy()).toEqual([]);
});

test('what burned when a person lifted the freeze of a spent budget does not freeze again, and a later burn rate does', async () => {
  const world = await SloWorld.open(availability());
  world.requests(PER_SECOND, { from: NOON, until: NOON + 2 * HOUR });
  const evaluator = world.evaluator();
  world.at(NOON + HOUR);
  await world.evaluate(evaluator);
  const [freeze] = await world.freezes();
  await world.lift(freeze?.id ?? '', 'person:bo', evaluator);
  await world.evaluateUntil(NOON + 2 * HOUR, 15 * MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual([]);
  expect((await world.freezes()).map(({ cause, ended_by: by }) => `${cause} by ${by}`).toSorted()).toEqual([
    'budget by person:bo',
    'burn by person:bo',
  ]);
  await world.evaluateUntil(NOON + 4 * HOUR, 15 * MINUTE, evaluator);
  world.requests(PER_SECOND, { from: NOON + 4 * HOUR, until: NOON + 5 * HOUR });
  await world.evaluateUntil(NOON + 4 * HOUR + 10 * MINUTE, 10 * MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual(['burn']);
});
