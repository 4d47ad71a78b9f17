import { expect, test } from 'vitest';
import { countedDays, recordedObjective } from '../../actions/objectives.ts';
import { policyFor } from '../../../freeze/decisions/policy.ts';
import { historyOf } from '../../decisions/objectives/counts.ts';
import { countsNeeded, replayFreezes } from '../../decisions/objectives/replay-freezes.ts';
import { CountedDay, RecordedObjective } from '../../objective.ts';
import { millisOf, timestamp } from '../../../../schemas/time/time.ts';
import { availability, DAY, HOUR, MINUTE, NOON, SloWorld } from '../../../slo/test/evaluation/world.ts';

test('the replay of recorded counts gives the freezes that the evaluations opened and ended', async () => {
  const slo = availability();
  const world = await SloWorld.open(slo);
  world.policy({ defaults: { budget: { freeze: 0.3 }, minimumMinutes: 5 } });
  world.requests(10, { from: NOON + 10 * MINUTE, until: NOON + 30 * MINUTE });
  const evaluator = world.evaluator();
  await world.evaluateUntil(NOON + 90 * MINUTE, 5 * MINUTE, evaluator);
  const budget = (await world.freezes()).find(({ cause }) => cause === 'budget');
  const end = { at: timestamp(world.now), by: 'person:ada', reason: 'Ada decides', settled: false };
  await world.deps.freezes.end(budget?.id ?? '', end);
  await world.evaluateUntil(NOON + 3 * HOUR, 5 * MINUTE, evaluator);

  const period = { from: timestamp(NOON - DAY), until: timestamp(world.now) };
  const recorded = RecordedObjective.parse(await recordedObjective(world.deps, slo, period.from));
  expect(JSON.stringify(recorded)).not.toMatch(/Ada|ada/);
  const from = timestamp(countsNeeded(slo, period.from)).slice(0, 10);
  const until = period.until.slice(0, 10);
  const days: CountedDay[] = [];
  for (let at: string | null = from, pages = 0; at !== null; pages += 1) {
    const page = await countedDays(world.deps, slo, { from: at, until, limit: 10 });
    days.push(...page.items.map((day) => CountedDay.parse(day)));
    at = page.next_cursor;
    expect(pages).toBeLessThan(6);
  }
  expect(new Set(days.map(({ day }) => day)).size).toBe(days.length);
  const history = historyOf(days, { from: millisOf(period.from) - 40 * DAY, until: world.now });
  const subject = { service: slo.service, environment: slo.environment, team: null, tier: null };
  const policy = policyFor(world.config.freeze, subject);
  const replayed = replayFreezes(slo, policy, { history, recorded }, period);
  const happened = (await world.freezes()).map(({ cause, starts_at, ended_at }) => ({
    cause,
    from: starts_at,
    until: ended_at,
  }));
  expect(replayed).toHaveLength(2);
  expect(new Set(replayed)).toEqual(new Set(happened));
});
