import { expect, test } from 'vitest';
import { objectivesState } from '../../actions/objectives.ts';
import { FreezeFile } from '../../../freeze/schemas/freeze-policy.ts';
import { availability, HOUR, MINUTE, NOON, SloWorld } from '../evaluation/world.ts';

test('no problem without configured objectives', async () => {
  const world = await SloWorld.open();
  expect(await objectivesState(world.deps)).toEqual({
    configured: 0,
    evaluated_at: null,
    problem: null,
    failing: 0,
    errors: [],
  });
});

test('a missing or overdue evaluation is a problem', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10);
  const { problem, errors } = await objectivesState(world.deps);
  expect(problem).toMatch(/^no evaluation has completed yet/);
  expect(errors).toMatchObject([
    { id: 'checkout-availability', problem: 'it has not been evaluated yet', since: null },
  ]);
  await world.evaluate(world.evaluator());
  world.at(NOON + 5 * MINUTE);
  expect(await objectivesState(world.deps)).toMatchObject({ configured: 1, problem: null, failing: 0, errors: [] });
  world.at(NOON + 6 * MINUTE);
  expect((await objectivesState(world.deps)).problem).toContain('started at 2026-11-20T12:00:00.000Z');
});

test('objectives without data are listed with problem and time, at most 20', async () => {
  const gone = Array.from({ length: 30 }, (_, n) =>
    availability({
      id: `gone-${n}`,
      indicator: { kind: 'ratio', counter: false, of: 'bad', numerator: `bad_${n}`, total: `all_${n}` },
    }),
  );
  const world = await SloWorld.open(availability(), ...gone);
  world.requests(10);
  const evaluator = world.evaluator();
  await world.evaluate(evaluator);
  const { configured, failing, errors } = await objectivesState(world.deps);
  expect([configured, failing, errors.length]).toEqual([31, 30, 20]);
  expect(errors[0]).toEqual({
    id: 'gone-0',
    service: 'checkout',
    environment: 'production',
    problem: 'Prometheus has no series for its queries: they refer to metrics that do not exist, or no longer exist',
    since: null,
  });
});

test('an objective with an unreadable history is listed, unless budgets do not freeze', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10);
  world.prometheus.pointsMax = 0;
  await world.evaluate(world.evaluator());
  const now = '2026-11-20T12:00:00.000Z';
  expect((await objectivesState(world.deps)).errors).toMatchObject([
    { problem: expect.stringMatching(/^its history could not be read: Prometheus answered 400/), since: now },
  ]);
  world.config = { ...world.config, freeze: FreezeFile.parse({ defaults: { budget: 'off' } }) };
  expect((await objectivesState(world.deps)).failing).toBe(0);
  world.at(NOON + HOUR);
  expect((await objectivesState(world.deps)).errors).toMatchObject([{ problem: 'its newest data is too old' }]);
});
