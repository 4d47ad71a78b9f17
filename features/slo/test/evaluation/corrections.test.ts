import { expect, test } from 'vitest';
import { storedHistory } from '../../actions/history.ts';
import { sumBetween } from '../../decisions/history.ts';
import { SloCorrection } from '../../schemas/slo-correction.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { availability, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

const LOAD_TEST = { from: NOON, until: NOON + 2 * HOUR };

const rehearsal = (world: SloWorld): SloCorrection =>
  SloCorrection.parse({
    id: 'cor_1',
    slo: 'checkout-availability',
    service: 'checkout',
    environment: 'production',
    category: 'load_test',
    reason: 'Rehearsal of Black Friday',
    starts_at: timestamp(LOAD_TEST.from),
    ends_at: timestamp(LOAD_TEST.until),
    rrule: null,
    time_zone: null,
    created_at: world.stores.clock.now(),
    created_by: 'ada',
    withdrawn_at: null,
    withdrawn_by: null,
  });

test('a freeze by a load test lifts when its correction is recorded, and returns when it is withdrawn', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10, LOAD_TEST);
  const evaluator = world.evaluator();
  world.at(LOAD_TEST.until);
  await world.evaluate(evaluator);
  expect(await world.frozenBy()).toEqual(['budget']);
  await world.evaluateUntil(LOAD_TEST.until + HOUR, 20 * MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual(['budget']);
  expect((await world.status()).corrected).toBeNull();

  const correction = rehearsal(world);
  await world.deps.sloCorrections.record(correction);
  await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual([]);
  const { budget, corrected, burn_rates: rates } = await world.status();
  expect(budget).toMatchObject({ remaining: 1, errors: 0, coverage: 1 });
  expect(rates['6h']).toBe(0);
  expect(corrected).toMatchObject({ count: 1, excluded_seconds: 7200, corrections: [{ id: 'cor_1' }] });
  expect(corrected?.uncorrected.budget.remaining).toBeCloseTo(1 - 120 / 40.32, 3);
  const lifted = (await world.freezes()).find(({ cause }) => cause === 'budget');
  expect(lifted?.end_reason).toContain('not counted: load_test "Rehearsal of Black Friday" (ada)');

  // Another instance comes to the same result from the stored counts, which are unchanged.
  await world.evaluate(world.evaluator());
  expect((await world.status()).budget.remaining).toBe(1);
  const history = await storedHistory(world.deps.sloDays, availability(), 2 * 86_400, world.now);
  expect(sumBetween(history, LOAD_TEST.from, LOAD_TEST.until).errors).toBe(72_000);

  await world.deps.sloCorrections.withdraw(correction.slo, correction.id, { by: 'olaf', reason: null });
  await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual(['budget']);
  expect((await world.status()).corrected).toBeNull();
});

test('a load test that is announced does not freeze, and an outage after it does', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10, { from: LOAD_TEST.from, until: LOAD_TEST.until + 30 * MINUTE });
  const evaluator = world.evaluator();
  await world.deps.sloCorrections.record(rehearsal(world));
  await world.evaluate(evaluator);
  expect((await world.status()).corrected).toBeNull();
  await world.evaluateUntil(LOAD_TEST.until, 20 * MINUTE, evaluator);
  expect(await world.freezes()).toEqual([]);
  expect((await world.status()).corrected?.uncorrected.budget.remaining).toBeLessThan(0);
  await world.evaluateUntil(LOAD_TEST.until + 20 * MINUTE, 10 * MINUTE, evaluator);
  expect(await world.frozenBy()).toEqual(['burn']);
});

test('a recurring correction applies to each of its periods, also on the next day', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10, { from: NOON + DAY, until: NOON + DAY + HOUR });
  const evaluator = world.evaluator();
  const daily = { ...rehearsal(world), rrule: 'FREQ=DAILY', time_zone: 'UTC' };
  await world.deps.sloCorrections.record(daily);
  await world.evaluate(evaluator);
  await world.evaluateUntil(NOON + DAY + 2 * HOUR, 2 * HOUR, evaluator);
  expect(await world.freezes()).toEqual([]);
  expect((await world.status()).corrected).toMatchObject({ count: 1, excluded_seconds: 4 * 3600 });

  // Ended, its past stays left out, and the same errors on the next day count.
  await world.deps.sloCorrections.end(daily.slo, daily.id, { by: 'olaf', reason: 'The rehearsals are over' });
  world.requests(10, { from: NOON + 2 * DAY, until: NOON + 2 * DAY + HOUR });
  await world.evaluateUntil(NOON + 2 * DAY + HOUR, HOUR, evaluator);
  expect((await world.status()).corrected).toMatchObject({ count: 1, excluded_seconds: 4 * 3600 });
  expect(await world.frozenBy()).toContain('budget');
});
