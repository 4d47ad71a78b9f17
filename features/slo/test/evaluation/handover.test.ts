import { describe, expect, test } from 'vitest';
import { FUNCTIONS } from '../../../../functions/assembly/functions.ts';
import { EVALUATION_MAX_SECONDS } from '../../../freeze/actions/evaluate.ts';
import { rateOf, steadily } from '../../../../test/support/event-prometheus.ts';
import { arrivals, signal } from '../../../../test/support/signals.ts';
import { asAsked, availability, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

const OUTAGE = { from: NOON + 10 * MINUTE, until: NOON + 40 * MINUTE };

/** The queries for data older than 15 minutes. */
const backfills = ({ prometheus, now }: SloWorld) =>
  prometheus.asked.filter(({ from, query }) => from < now / 1000 - 900 && !query.startsWith('firebreak:'));

describe('a restarted process', () => {
  test('returns the same numbers from stored counts, and queries what it missed', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10, OUTAGE);
    const steady = await SloWorld.open(availability());
    steady.requests(10, OUTAGE);
    const [first, never] = [world.evaluator(), steady.evaluator()];
    await world.evaluate(first);
    await steady.evaluate(never);
    for (const until of [NOON + 33 * MINUTE, NOON + 47 * MINUTE]) {
      await world.evaluateUntil(until, 7 * MINUTE, first);
      await steady.evaluateUntil(until, 7 * MINUTE, never);
    }
    world.prometheus.asked.length = 0;
    const second = world.evaluator();
    await world.evaluateUntil(NOON + 107 * MINUTE, HOUR, second);
    await steady.evaluateUntil(NOON + 107 * MINUTE, HOUR, never);
    expect(await world.status()).toEqual(await steady.status());
    expect((await world.status()).budget).toMatchObject({ coverage: 1, errors: 18_000 });
    // Everything up to the last evaluation was stored.
    expect(Math.min(...backfills(world).map(({ from }) => from))).toBeGreaterThanOrEqual((NOON + 40 * MINUTE) / 1000);
    expect(await world.frozenBy()).toEqual(await steady.frozenBy());
  });

  test('uses the counts of another instance that evaluated in between', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const [a, b] = [world.evaluator(), world.evaluator()];
    await world.evaluate(a);
    world.at(NOON + 5 * MINUTE);
    await world.evaluate(b);
    // Prometheus now returns different past data, so only the table has the right counts.
    world.prometheus.keptFrom = (NOON + 6 * MINUTE) / 1000;
    world.at(NOON + 6 * MINUTE);
    await world.evaluate(b);
    world.at(NOON + 7 * MINUTE);
    await world.evaluate(a);
    expect((await world.status()).budget).toMatchObject({ coverage: 1, events: 24_192_000 });
  });

  test('of two parallel instances, only one evaluates', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const [a, b] = [world.evaluator(), world.evaluator()];
    const answers = await Promise.all([world.evaluate(a), world.evaluate(b), world.evaluate(a)]);
    expect(answers.filter((answer) => answer === 'held')).toHaveLength(2);
    expect(await world.evaluate(b)).toMatchObject({ evaluated: 1 });
  });
});

describe('a changed configuration', () => {
  test('starts a new history for changed queries, but not for a changed target', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.keptFrom = NOON / 1000;
    world.objectives(availability({ target: 0.99 }));
    await world.evaluateUntil(NOON + MINUTE, MINUTE, evaluator);
    expect((await world.status()).budget.coverage).toBe(1);

    const total = 'sum(rate(gateway_requests_total[{{.window}}]))';
    const changed = { kind: 'ratio', counter: false, of: 'bad', numerator: 'sum(rate(none[{{.window}}]))', total };
    world.prometheus.on(asAsked(total), rateOf(steadily(1)));
    world.objectives(availability({ indicator: changed }));
    await world.evaluateUntil(NOON + 10 * MINUTE, MINUTE, evaluator);
    const { budget } = await world.status();
    expect(budget.coverage).toBeLessThan(0.001);
    expect(budget.events).toBeLessThan(1000);

    // With the old queries again, the old counts are still there.
    world.objectives(availability());
    await world.evaluateUntil(NOON + 11 * MINUTE, MINUTE, evaluator);
    expect((await world.status()).budget.coverage).toBeGreaterThan(0.999);
  });

  test('removes the status and the freezes of a removed objective', async () => {
    const world = await SloWorld.open(availability(), availability({ id: 'search', service: 'search' }));
    world.requests(10, { from: NOON - DAY, until: NOON });
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    expect(await world.frozenBy()).toEqual(['budget', 'budget']);
    world.objectives(availability({ id: 'search', service: 'search' }));
    await world.evaluateUntil(NOON + MINUTE, MINUTE, evaluator);
    expect((await world.deps.sloStatuses.all()).map(({ id }) => id)).toEqual(['search']);
    const ended = (await world.freezes()).filter(({ ended_at: at }) => at !== null);
    expect(ended.map(({ slo, end_reason: why }) => `${slo}: ${why}`)).toEqual([
      'checkout-availability: the objective checkout-availability is no longer configured',
    ]);
    world.objectives();
    await world.evaluateUntil(NOON + 2 * MINUTE, MINUTE, evaluator);
    expect(await world.deps.sloStatuses.all()).toEqual([]);
    expect(await world.frozenBy()).toEqual([]);
  });

  test('records freezes of the calendar and of incidents, and ends them with their cause', async () => {
    const world = await SloWorld.open();
    world.policy({
      defaults: { incidents: 'critical' },
      calendar: [
        { name: 'sale', reason: 'the sale', from: '2026-11-20 12:01', until: '2026-11-20 12:03', timeZone: 'UTC' },
      ],
    });
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    expect(await world.freezes()).toEqual([]);
    await world.evaluateUntil(NOON + 2 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['calendar']);
    const at = world.stores.clock.now();
    await world.stores.incidents.admit(arrivals([signal({ startsAt: at })]), { at, trace: 't' });
    await world.evaluateUntil(NOON + 4 * MINUTE, MINUTE, evaluator);
    expect(await world.frozenBy()).toEqual(['incident']);
    world.policy({ defaults: { incidents: 'off' } });
    await world.evaluateUntil(NOON + 5 * MINUTE, MINUTE, evaluator);
    expect((await world.freezes()).map(({ cause, ended_by: by }) => `${cause} by ${by}`).toSorted()).toEqual([
      'calendar by calendar',
      'incident by evaluation',
    ]);
  });
});

test('a freeze that cannot be stored does not block others, and the function fails visibly', async () => {
  const world = await SloWorld.open(availability(), availability({ id: 'search', service: 'search' }));
  world.requests(10, { from: NOON - DAY, until: NOON });
  const { freezes } = world.deps;
  const open: typeof freezes.open = async (freeze) => {
    if (freeze.slo === 'checkout-availability') throw new Error('its scope is full');
    return freezes.open(freeze);
  };
  const deps = {
    ...world.deps,
    freezes: Object.assign(Object.create(freezes) as typeof freezes, { open, current: () => freezes.current() }),
  };
  await expect(world.evaluate(world.evaluator(), deps)).rejects.toThrow('1 freeze could not be stored');
  expect(await world.frozenBy()).toEqual(['budget']);
  expect(world.logged('error').map(({ error }) => error)).toEqual(['Error: its scope is full']);
  expect(await world.deps.sloStatuses.evaluatedAt()).not.toBeNull();
});

test('an evaluation may take as long as its function on AWS', () => {
  expect(EVALUATION_MAX_SECONDS).toBe(FUNCTIONS.evaluate.timeoutSeconds);
});
