import { describe, expect, test } from 'vitest';
import { DEFINITION, ERRORS, EVENTS } from '../../decisions/generate/names.ts';
import type { Fault } from '../../../../test/support/event-prometheus.ts';
import { ALL, asAsked, availability, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

const OUTAGE = { from: NOON, until: NOON + 2 * HOUR };

/** A world frozen by budget and burn rate, ten minutes after a two-hour outage. */
async function frozen(): Promise<{ world: SloWorld; evaluator: ReturnType<SloWorld['evaluator']> }> {
  const world = await SloWorld.open(availability());
  world.requests(10, OUTAGE);
  world.at(OUTAGE.until + 10 * MINUTE);
  const evaluator = world.evaluator();
  await world.evaluate(evaluator);
  expect(await world.frozenBy()).toEqual(['budget']);
  return { world, evaluator };
}

const WRONG: [string, Fault, RegExp][] = [
  ['is down', 'cut', /other side closed|ECONNRESET|socket hang up/i],
  ['responds with 503', { status: 503, body: 'Service Unavailable' }, /Prometheus answered 503: Service Unavailable/],
  [
    'responds with an HTML page',
    { status: 200, body: '<html>Sign in</html>' },
    /Prometheus answered 200: <html>Sign in/,
  ],
  [
    'refuses',
    { status: 422, body: '{"status":"error","errorType":"execution","error":"query timed out"}' },
    /Prometheus answered 422: query timed out/,
  ],
  [
    'responds with truncated JSON',
    { status: 200, body: '{"status":"success","data":{"resultType":"vec' },
    /answered 200/,
  ],
];

describe('a Prometheus that', () => {
  test.each(WRONG)('%s changes no freeze, and is logged once', async (_, fault, why) => {
    const { world, evaluator } = await frozen();
    const { data_at: before, budget } = await world.status();
    world.prometheus.fault = fault;
    world.prometheus.asked.length = 0;
    const until = world.now + 40 * MINUTE;
    await world.evaluateUntil(until, 10 * MINUTE, evaluator);

    const status = await world.status();
    expect(status).toMatchObject({ state: 'unreadable', data_at: before });
    expect(status.problem).toMatch(why);
    expect(status.budget.errors).toBe(budget.errors);
    expect(await world.frozenBy()).toEqual(['budget']);
    expect(world.logged('warn')).toEqual([
      expect.objectContaining({ message: 'objectives cannot be read', objectives: 1, of: 1 }),
    ]);
    // If the cheapest query fails, the others are not sent. It is sent once more if the connection was closed.
    const evaluations = 4;
    expect(world.prometheus.asked.map(({ query }) => query).toSorted()).toEqual(
      Array(fault === 'cut' ? 2 * evaluations : evaluations)
        .fill(0)
        .flatMap(() => [EVENTS, ERRORS, DEFINITION])
        .toSorted(),
    );

    world.prometheus.fault = null;
    await world.evaluateUntil(until + MINUTE, MINUTE, evaluator);
    expect(await world.status()).toMatchObject({ state: 'ok', problem: null });
    expect((await world.status()).budget).toMatchObject({ coverage: 1, errors: 72_000, events: 24_192_000 });
    expect(await world.frozenBy()).toEqual(['budget']);
    expect(world.logged('warn')).toHaveLength(1);
    expect(world.logged('info').map(({ message }) => message)).toContain('all objectives can be read again');
  });

  test('exceeds the time-out counts as unreachable', async () => {
    const { world } = await frozen();
    world.prometheus.fault = 'hang';
    let calls = 0;
    // The deadlines start at the beginning; then 1.1 s of the first one remain.
    const evaluator = world.evaluator(() => (++calls <= 2 ? 0 : 18_900));
    world.at(world.now + MINUTE);
    await world.evaluate(evaluator);
    expect((await world.status()).problem).toContain('no answer in time');
    expect(await world.frozenBy()).toEqual(['budget']);
  });

  test('returns incomplete data is not trusted', async () => {
    const { world, evaluator } = await frozen();
    world.prometheus.warnings = ['fetch series from store 10.0.0.1: connection refused'];
    await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
    const { state, problem } = await world.status();
    expect(state).toBe('unreadable');
    expect(problem).toContain('fetch series from store 10.0.0.1');
    world.prometheus.warnings = ['PromQL info: metric might not be a counter: "requests" (1:10)'];
    await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
    expect((await world.status()).state).toBe('ok');
  });

  test('fails for one objective still serves the others, and is logged again for another objective', async () => {
    const search = ['sum(rate(search_total[{{.window}}]))', 'sum(rate(search_bad[{{.window}}]))'] as const;
    const indicator = { kind: 'ratio', counter: false, of: 'bad', numerator: search[1], total: search[0] };
    const world = await SloWorld.open(availability(), availability({ id: 'search', service: 'search', indicator }));
    world.requests(10);
    const refuse = (query: string) =>
      world.prometheus.on(asAsked(query), () => {
        throw new Error('no such function');
      });
    refuse(search[0]);
    const evaluator = world.evaluator();
    await world.evaluateUntil(NOON + 3 * MINUTE, MINUTE, evaluator);
    expect(await world.status('search')).toMatchObject({ state: 'unreadable' });
    expect(await world.status()).toMatchObject({ state: 'ok' });
    expect(world.logged('warn')).toMatchObject([{ objectives: 1, of: 2, objective: 'search' }]);
    refuse(ALL);
    await world.evaluateUntil(NOON + 5 * MINUTE, MINUTE, evaluator);
    expect(world.logged('warn')).toMatchObject([{}, { objectives: 2, of: 2, objective: 'checkout-availability' }]);
  });
});

test('a Prometheus that fails long ranges gets shorter ones from all objectives', async () => {
  const others = Array.from({ length: 20 }, (_, n) => availability({ id: `other-${n}`, service: `other-${n}` }));
  const world = await SloWorld.open(availability(), ...others);
  world.requests(10);
  world.prometheus.pointsMax = 300;
  const evaluator = world.evaluator();
  await world.evaluate(evaluator);
  expect((await world.status()).budget.coverage).toBeLessThan(0.1);
  await world.evaluateUntil(NOON + 5 * MINUTE, MINUTE, evaluator);
  const coverages = (await world.deps.sloStatuses.all()).map(({ budget }) => budget.coverage);
  expect(coverages).toEqual(Array(21).fill(1));
});

test('a Prometheus that failed for a while gets long ranges again an hour later', async () => {
  const world = await SloWorld.open(availability());
  world.requests(10);
  world.prometheus.pointsMax = 0;
  const evaluator = world.evaluator();
  await world.evaluateUntil(NOON + 10 * MINUTE, MINUTE, evaluator);
  world.prometheus.pointsMax = 11_000;
  world.prometheus.asked.length = 0;
  await world.evaluateUntil(NOON + 2 * HOUR, 110 * MINUTE, evaluator);
  await world.evaluateUntil(NOON + 2 * HOUR + MINUTE, MINUTE, evaluator);
  expect((await world.status()).budget.coverage).toBe(1);
  expect(world.prometheus.asked.length).toBeLessThan(60);
});

describe('a history that cannot be read', () => {
  /** Fails all range queries, while instant queries succeed. */
  async function withoutRanges(): Promise<{ world: SloWorld; evaluator: ReturnType<SloWorld['evaluator']> }> {
    const world = await SloWorld.open(availability());
    world.requests(10, { from: NOON - 5 * HOUR, until: NOON - 3 * HOUR });
    world.prometheus.pointsMax = 0;
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    return { world, evaluator };
  }

  test('is logged once and kept in the status until it can be read', async () => {
    const { world, evaluator } = await withoutRanges();
    await world.evaluateUntil(NOON + 30 * MINUTE, MINUTE, evaluator);
    const { state, problem, unread, budget } = await world.status();
    expect({ state, problem, remaining: budget.remaining }).toEqual({ state: 'ok', problem: null, remaining: null });
    expect(unread).toMatch(/Prometheus answered 400: exceeded maximum resolution/);
    expect(world.logged('warn')).toEqual([
      expect.objectContaining({
        message: 'the history of objectives cannot be read',
        objectives: 1,
        of: 1,
        because: unread,
      }),
    ]);
    expect(await world.frozenBy()).toEqual([]);

    world.prometheus.pointsMax = 11_000;
    await world.evaluateUntil(NOON + 35 * MINUTE, MINUTE, evaluator);
    expect(await world.status()).toMatchObject({ unread: null, budget: { coverage: 1, errors: 72_000 } });
    expect(await world.frozenBy()).toEqual(['budget']);
    expect(world.logged('info').map(({ message }) => message)).toContain(
      'the history of all objectives can be read again',
    );
    expect(world.logged('warn')).toHaveLength(1);
  });

  test.each<[string, object, RegExp]>([
    [
      'of another type',
      { resultType: 'vector', result: [{ metric: {}, value: [NOON / 1000, '7'] }] },
      /the result type is "vector"/,
    ],
    ['a single number', { resultType: 'scalar', result: [NOON / 1000, '1'] }, /the result type is "scalar"/],
    [
      'with an invalid value',
      { resultType: 'matrix', result: [{ metric: {}, values: [[NOON / 1000 - 600, 'x']] }] },
      /a value is "x"/,
    ],
    [
      'of other times',
      { resultType: 'matrix', result: [{ metric: {}, values: [[1, '1']] }] },
      /the time 1 was not requested/,
    ],
  ])('includes invalid responses: %s', async (_, data, detail) => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    world.prometheus.rangeData = data;
    const evaluator = world.evaluator();
    await world.evaluateUntil(NOON + 3 * MINUTE, MINUTE, evaluator);
    expect(await world.status()).toMatchObject({
      state: 'ok',
      unread: expect.stringMatching(detail),
      budget: { remaining: null },
    });
    expect(world.logged('warn')).toMatchObject([{ message: 'the history of objectives cannot be read' }]);
  });

  test('includes the time without evaluations until it is completely read', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    await world.evaluate(world.evaluator());
    world.at(NOON + 17 * DAY);
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    const { unread, budget } = await world.status();
    expect(budget.remaining).toBeNull();
    expect(unread).toBe('its history is not completely read yet');
    await world.evaluateUntil(NOON + 17 * DAY + 2 * MINUTE, MINUTE, evaluator);
    expect(await world.status()).toMatchObject({ unread: null, budget: { coverage: 1, events: 24_192_000 } });
  });

  test('of one objective does not affect the others', async () => {
    const long = availability({ id: 'search', service: 'search', window: { kind: 'rolling', seconds: 90 * 86_400 } });
    const world = await SloWorld.open(availability(), long);
    world.requests(10);
    world.prometheus.on(asAsked(ALL), (at) => {
      if (at < NOON / 1000 - 40 * 86_400) throw new Error('query processing would load too many samples');
      return [{ value: 10 }];
    });
    await world.evaluate(world.evaluator());
    expect(await world.status()).toMatchObject({ unread: null, budget: { coverage: 1 } });
    expect((await world.status('search')).unread).toContain('too many samples');
    expect(world.logged('warn')).toMatchObject([{ objectives: 1, of: 2, objective: 'search' }]);
  });

  test('does not include missing data of a young service', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    world.prometheus.keptFrom = (NOON - 3 * HOUR) / 1000;
    await world.evaluate(world.evaluator());
    expect(await world.status()).toMatchObject({ state: 'ok', unread: null, budget: { remaining: null } });
    expect(world.logged('warn')).toEqual([]);
  });

  test('is queried again soon if there was no data, and completely if there was some', async () => {
    const world = await SloWorld.open(availability());
    world.requests(10);
    world.prometheus.keptFrom = (NOON - 3 * HOUR) / 1000;
    const evaluator = world.evaluator();
    await world.evaluate(evaluator);
    world.prometheus.asked.length = 0;
    await world.evaluateUntil(NOON + HOUR, MINUTE, evaluator);
    await world.evaluateUntil(NOON + 24 * HOUR, 20 * MINUTE, evaluator);
    const again = world.prometheus.asked.filter(({ step, from }) => step !== null && from < NOON / 1000 - 4 * 3600);
    // For a young service, two ranges with two queries each: after 1, 2, 5, 10, 20, and 40 minutes, then each hour.
    // hour.
    expect(again.length).toBeGreaterThanOrEqual(6 * 2);
    expect(again.length).toBeLessThanOrEqual((6 + 24) * 4);

    const late = await SloWorld.open(availability());
    late.requests(10);
    late.prometheus.keptFrom = (NOON - 3 * HOUR) / 1000;
    const second = late.evaluator();
    await late.evaluate(second);
    late.prometheus.keptFrom = -Infinity;
    await late.evaluateUntil(NOON + 2 * MINUTE, MINUTE, second);
    expect((await late.status()).budget).toMatchObject({ coverage: 1 });
  });
});

test('without a Prometheus, no values are shown', async () => {
  const world = await SloWorld.open(availability());
  world.prometheusUrl = undefined;
  await world.evaluate(world.evaluator());
  const status = await world.status();
  expect(status).toMatchObject({ state: 'unreadable', data_at: null, budget: { remaining: null, coverage: 0 } });
  expect(status.problem).toContain('PROMETHEUS_URL');
  expect(world.logged('warn')).toEqual([]);
});

test('corrupt stored counts stop only their objective, and are not overwritten', async () => {
  const world = await SloWorld.open(availability(), availability({ id: 'search', service: 'search' }));
  world.requests(10);
  await world.evaluate(world.evaluator());
  const [stored] = await world.storedDays('search');
  if (stored === undefined) throw new Error('nothing was kept');
  const [id, day] = stored;
  await world.deps.sloDays.save(id, day, new Uint8Array([9, 9, 9]));
  world.at(NOON + MINUTE);
  const evaluator = world.evaluator();
  await world.evaluate(evaluator);
  expect(await world.status()).toMatchObject({ state: 'ok', budget: { coverage: 1 } });
  expect(await world.status('search')).toMatchObject({ state: 'unreadable', budget: { remaining: null } });
  expect((await world.status('search')).problem).toContain('cannot be read');
  expect((await world.deps.sloDays.load(id, day, day)).get(day)).toHaveLength(3);
  expect(world.logged('warn')).toMatchObject([{ objectives: 1, of: 2, objective: 'search' }]);
});
