import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../../core/stores/hash.ts';
import { recordingRules } from '../../decisions/generate/rules.ts';
import { DEFINITION, ERRORS, EVENTS } from '../../decisions/generate/names.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import { type Answering, both, during, rateOf, steadily } from '../../../../test/support/event-prometheus.ts';
import { ALL, asAsked, availability, BAD, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

/** The recorded series of the rules of `slo generate`: ten events per second, of which one in 1,000 fails. */
function recorded(world: SloWorld, slos: readonly Slo[]): void {
  const of =
    (name: string, value: number): Answering =>
    () =>
      slos.map(({ id, service, environment }) => ({
        labels: { __name__: name, slo: id, service, environment },
        value,
      }));
  world.prometheus.on(EVENTS, of(EVENTS, 10));
  world.prometheus.on(ERRORS, of(ERRORS, 0.01));
}

const RECORDED = [EVENTS, ERRORS, DEFINITION];

/** Returns the queries that were sent, sorted, because several are sent at once. */
const queries = ({ prometheus }: SloWorld): string[] => prometheus.asked.map(({ query }) => query).toSorted();

/** Returns the events and errors of the status: of the last 300 seconds, and of all time before. */
const seen = async (world: SloWorld) => {
  const { state, problem, source, budget } = await world.status();
  return { state, problem, source, events: budget.events, errors: budget.errors, coverage: budget.coverage };
};

describe('the evaluation queries', () => {
  test("an objective's own queries over five minutes: the history as ranges, the present as instant queries", async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    await world.evaluate(world.evaluator());
    const own = world.prometheus.asked.filter(({ query }) => !query.startsWith('firebreak:'));
    expect(new Set(own.map(({ query }) => query))).toEqual(new Set([asAsked(ALL), asAsked(BAD)]));
    expect(asAsked(ALL)).toContain('[5m]');
    const present = own.filter(({ path }) => path === '/api/v1/query');
    expect(present.filter(({ until }) => until === NOON / 1000)).toHaveLength(2 + 2); // including the bucket that has just closed
    const ranges = own.filter(({ path }) => path === '/api/v1/query_range');
    expect(Math.min(...ranges.map(({ from }) => from))).toBeLessThanOrEqual((NOON - 28 * DAY) / 1000);
    for (const { from, until, step } of ranges) {
      expect([from % 300, until % 300, step]).toEqual([0, 0, 300]);
      expect((until - from) / 300).toBeLessThan(11_000);
    }
    expect(await seen(world)).toEqual({
      state: 'ok',
      problem: null,
      source: 'own',
      events: 24_192_000,
      errors: 0,
      coverage: 1,
    });
  });

  test('only the present and newly closed buckets', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    await world.evaluateUntil(NOON + 2 * MINUTE, MINUTE, evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 3 * MINUTE, MINUTE, evaluator);
    expect(queries(world)).toEqual([...RECORDED, asAsked(BAD), asAsked(ALL)].toSorted());
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 5 * MINUTE, 2 * MINUTE, evaluator);
    expect(queries(world)).toEqual([...RECORDED, asAsked(BAD), asAsked(ALL), asAsked(BAD), asAsked(ALL)].toSorted());
  });

  test('all recorded objectives with three queries, and closed buckets with three more', async () => {
    const slos = Array.from({ length: 9 }, (_, n) =>
      availability({ id: `objective-${n}`, service: `service-${n % 7}` }),
    );
    const world = await SloWorld.open(...slos);
    recorded(world, slos);
    world.requests(10); // so that no past data is queried again
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 2 * MINUTE, 2 * MINUTE, evaluator);
    expect(queries(world)).toEqual([...RECORDED, ...RECORDED].toSorted()); // the bucket before noon has settled by now
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 3 * MINUTE, MINUTE, evaluator);
    expect(queries(world)).toEqual(RECORDED.toSorted());
    const status = await world.status('objective-8');
    expect(status).toMatchObject({ state: 'ok', source: 'recorded' });
    expect(status.burn_rates['5m']).toBeCloseTo(1, 9);
  });

  test('unrecorded objectives with their own queries, beside the recorded ones', async () => {
    const slos = [availability(), availability({ id: 'search', service: 'search' })];
    const world = await SloWorld.open(...slos);
    recorded(world, slos.slice(1));
    world.requests(10);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 2 * MINUTE, MINUTE, evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + 3 * MINUTE, MINUTE, evaluator);
    expect(queries(world)).toEqual([...RECORDED, asAsked(BAD), asAsked(ALL)].toSorted());
    expect((await world.status('checkout-availability')).source).toBe('own');
    expect((await world.status('search')).source).toBe('recorded');
  });

  test('own queries while the recording rules are outdated, until current rules are loaded', async () => {
    const slo = availability();
    const world = await SloWorld.open(slo);
    recorded(world, [slo]);
    world.requests(100);
    const defined = (digest: string) =>
      world.prometheus.on(DEFINITION, () => [
        { labels: { slo: slo.id, service: slo.service, environment: slo.environment, digest }, value: 1 },
      ]);
    const evaluator = world.evaluator();
    const sourceAt = async (minute: number): Promise<string> => {
      await world.evaluateUntil(NOON + minute * MINUTE, MINUTE, evaluator);
      return (await world.status()).source;
    };
    expect(await sourceAt(1)).toBe('recorded');
    defined('0123456789ab');
    expect(await sourceAt(2)).toBe('own');
    const [rule] = recordingRules([slo], sha256).groups.flatMap(({ rules }) =>
      rules.filter((each) => 'record' in each && each.record === DEFINITION),
    );
    defined(rule?.labels?.['digest'] ?? '');
    expect(await sourceAt(3)).toBe('recorded');
    world.objectives(availability({ target: 0.9 }));
    expect(await sourceAt(4)).toBe('recorded');
  });

  test('all buckets of a day without evaluations, for all recorded objectives together', async () => {
    const slos = Array.from({ length: 30 }, (_, n) => availability({ id: `objective-${n}` }));
    const world = await SloWorld.open(...slos);
    recorded(world, slos);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + DAY, DAY, evaluator);
    expect(new Set(queries(world))).toEqual(new Set(RECORDED));
    expect(queries(world).length).toBeLessThanOrEqual(3 + 3 * 13); // in pieces of two hours
    const { budget } = await world.status('objective-7');
    expect(budget.events).toBeGreaterThanOrEqual(DAY / 100);
  });
});

describe('the evaluation distinguishes', () => {
  const first = async (slo: Slo, prepare: (world: SloWorld) => void): Promise<SloWorld> => {
    const world = await SloWorld.open(slo);
    prepare(world);
    await world.evaluate(world.evaluator());
    return world;
  };

  test('no series: no data, and no values are shown', async () => {
    const world = await first(availability(), () => undefined);
    expect(await seen(world)).toMatchObject({ state: 'no_data', coverage: 0, events: 0 });
    const { budget, problem, data_at: dataAt } = await world.status();
    expect([budget.remaining, budget.spent_at_least, dataAt]).toEqual([null, 0, null]);
    expect(problem).toContain('no series');
  });

  test('no traffic: full data without events', async () => {
    const world = await first(availability(), (each) => each.requests(0));
    expect(await seen(world)).toMatchObject({ state: 'no_traffic', coverage: 1, events: 0, errors: 0 });
    expect((await world.status()).budget.remaining).toBe(1);
  });

  test('NaN, which means no traffic', async () => {
    const world = await first(availability(), ({ prometheus }) => {
      prometheus.on(asAsked(ALL), () => [{ value: NaN }]);
      prometheus.on(asAsked(BAD), () => [{ value: NaN }]);
    });
    expect(await seen(world)).toMatchObject({ state: 'no_traffic', coverage: 1, events: 0 });
  });

  test('events without a series of bad events, which means no errors', async () => {
    const world = await first(availability(), ({ prometheus }) => prometheus.on(asAsked(ALL), rateOf(steadily(10))));
    expect(await seen(world)).toMatchObject({ state: 'ok', coverage: 1, errors: 0 });
  });

  test('events without a series of good events: unclear before the first good event, all bad after it', async () => {
    const good = 'sum(rate(good[{{.window}}]))';
    const slo = availability({ indicator: { kind: 'ratio', counter: false, of: 'good', numerator: good, total: ALL } });
    const world = await SloWorld.open(slo);
    world.prometheus.on(asAsked(ALL), rateOf(steadily(10)));
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    expect(await seen(world)).toMatchObject({ state: 'unclear', coverage: 0 });
    expect(await world.frozenBy()).toEqual([]);

    const [since, until] = [NOON / 1000, NOON / 1000 + 3600];
    world.prometheus.on(asAsked(good), (at) => (at > since && at <= until ? rateOf(steadily(10))(at) : []));
    await world.evaluateUntil(NOON + HOUR, 5 * MINUTE, evaluator);
    expect(await seen(world)).toMatchObject({ state: 'ok', errors: 0, events: 36_000 });
    await world.evaluateUntil(NOON + HOUR + 5 * MINUTE, 5 * MINUTE, evaluator);
    expect(await seen(world)).toMatchObject({ state: 'ok', errors: 3000, events: 39_000 });
    expect(await world.frozenBy()).toContain('burn');
  });

  test('a counter reset, after which counting continues', async () => {
    const [total, bad] = ['http_requests_total', 'http_errors_total'];
    const slo = availability({ indicator: { kind: 'ratio', counter: true, of: 'bad', numerator: bad, total } });
    const restart = NOON / 1000 - 3600;
    const world = await first(slo, ({ prometheus }) => {
      const countedFrom = (at: number) => (at >= restart ? restart : NOON / 1000 - 60 * 86_400);
      prometheus.on(total, (at) => [{ labels: { __name__: total }, value: 10 * (at - countedFrom(at)) }]);
      prometheus.on(bad, (at) => [{ labels: { __name__: bad }, value: 0.001 * (at - countedFrom(at)) }]);
    });
    const { budget, state } = await world.status();
    expect([state, budget.coverage]).toEqual(['ok', 1]);
    // Events between the last sample and the restart are lost: at most one minute.
    expect(24_192_000 - budget.events).toBeLessThanOrEqual(600);
    expect(budget.events).toBeLessThanOrEqual(24_192_000);
    expect(budget.errors / budget.events).toBeCloseTo(0.0001, 6);
  });

  test('a single failed request at night, which does not freeze', async () => {
    const night = NOON / 1000 - 60;
    const world = await first(availability(), ({ prometheus }) => {
      prometheus.on(asAsked(ALL), rateOf(during(0.1, night - 240, night + 60)));
      prometheus.on(asAsked(BAD), rateOf(during(1 / 60, night, night + 60)));
    });
    const { budget, burn_rates: rates } = await world.status();
    expect(budget).toMatchObject({ events: 30, errors: 1, significant: false });
    expect(budget.remaining).toBeLessThan(-30);
    expect(rates['1h']).toBeGreaterThan(14.4);
    expect(await world.frozenBy()).toEqual([]);
  });
});

describe('late data', () => {
  test('is covered by a second query of a bucket that has just closed', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const evaluator = world.evaluator();
    await world.evaluateUntil(NOON + 4 * MINUTE, 2 * MINUTE, evaluator);
    const behind = (at: number): number => Math.min(at, NOON / 1000 + 270);
    world.prometheus.on(asAsked(ALL), (at) =>
      rateOf(both(steadily(10)))(behind(at)).map(({ value }) => ({ value: (value * (300 - (at - behind(at)))) / 300 })),
    );
    await world.evaluateUntil(NOON + 5 * MINUTE, MINUTE, evaluator);
    expect((await world.status()).budget.events).toBe(24_192_000 - 300);
    world.requests(10);
    await world.evaluateUntil(NOON + 10 * MINUTE, MINUTE, evaluator);
    expect((await world.status()).budget.events).toBe(24_192_000);
  });

  test('is queried once an hour if it is missing', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.recordedUntil = NOON / 1000;
    await world.evaluateUntil(NOON + 30 * MINUTE, 5 * MINUTE, evaluator);
    expect(await seen(world)).toMatchObject({ state: 'no_data' });
    const before = (await world.status()).budget.coverage;
    expect(before).toBeLessThan(1);
    world.prometheus.recordedUntil = Infinity;
    await world.evaluateUntil(NOON + 35 * MINUTE, 5 * MINUTE, evaluator);
    expect((await world.status()).budget.coverage).toBeLessThan(1);
    await world.evaluateUntil(NOON + 66 * MINUTE, 30 * MINUTE, evaluator);
    expect(await seen(world)).toMatchObject({ state: 'ok', coverage: 1, events: 24_192_000 });
  });
});
