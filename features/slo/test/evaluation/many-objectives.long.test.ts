import { expect, test } from 'vitest';
import { ERRORS, EVENTS } from '../../decisions/generate/names.ts';
import type { SloDays } from '../../types.ts';
import { FUNCTIONS } from '../../../../functions/assembly/functions.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import { millisOf, type Timestamp } from '../../../../schemas/time/time.ts';
import { availability, MINUTE, NOON, SloWorld } from './world.ts';
import type { Answered, Series, MetricQueries } from '../../../../core/domain/ports/metrics.ts';

const COUNT = 2_000;

/** 200 services with ten objectives each. */
const OBJECTIVES = Array.from({ length: COUNT }, (_, n) =>
  availability({
    id: `objective-${n}`,
    service: `service-${n % 200}`,
    indicator: {
      kind: 'ratio',
      counter: false,
      of: 'bad',
      numerator: `sum(rate(bad_${n}[{{.window}}]))`,
      total: `sum(rate(all_${n}[{{.window}}]))`,
    },
  }),
);

/**
 * A slow Prometheus with a simulated clock, which advances when all queries wait. It has ten events per second, of which the
 * given share fails.
 */
class SlowPrometheus implements MetricQueries {
  readonly asked: string[] = [];
  elapsedMs = 0;
  errors = 0;
  readonly #takesMs: number;
  readonly #recorded: readonly Slo[];
  #waiting: { until: number; answer: () => void }[] = [];

  constructor(takesMs: number, recorded: readonly Slo[]) {
    this.#takesMs = takesMs;
    this.#recorded = recorded;
  }

  elapsed = (): number => this.elapsedMs;

  instant = (query: string, at: Timestamp, timeoutMs: number): Promise<Answered> =>
    this.#ask(query, [millisOf(at) / 1000], timeoutMs);

  range = (query: string, from: Timestamp, until: Timestamp, step: number, timeoutMs: number): Promise<Answered> => {
    const [first, last] = [millisOf(from) / 1000, millisOf(until) / 1000];
    const times = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step);
    return this.#ask(query, times, timeoutMs);
  };

  #ask(query: string, times: number[], timeoutMs: number): Promise<Answered> {
    this.asked.push(query);
    const answer: Answered =
      timeoutMs < this.#takesMs
        ? { kind: 'unreadable', detail: 'no answer in time' }
        : { kind: 'series', series: this.#series(query, times) };
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) setImmediate(this.#goOn);
      const until = this.elapsedMs + Math.min(timeoutMs, this.#takesMs);
      this.#waiting.push({ until, answer: () => resolve(answer) });
    });
  }

  /** Advances to the next response. */
  #goOn = (): void => {
    this.elapsedMs = Math.min(...this.#waiting.map(({ until }) => until));
    const due = this.#waiting.filter(({ until }) => until <= this.elapsedMs);
    this.#waiting = this.#waiting.filter(({ until }) => until > this.elapsedMs);
    for (const { answer } of due) answer();
    if (this.#waiting.length > 0) setImmediate(this.#goOn);
  };

  #series(query: string, times: number[]): Series[] {
    const values = (value: number) => times.map((at): [number, number] => [at, value]);
    if (query === EVENTS || query === ERRORS) {
      const value = query === EVENTS ? 10 : this.errors;
      return this.#recorded.map(({ id, service, environment }) => ({
        labels: { __name__: query, slo: id, service, environment },
        values: values(value),
      }));
    }
    return [{ labels: {}, values: values(query.includes('bad_') ? this.errors : 10) }];
  }
}

/** In memory, because these tests are about the number of queries, not about storage. */
function daysInMemory(): SloDays {
  const kept = new Map<string, Map<string, Uint8Array>>();
  return {
    load: async (id) => kept.get(id) ?? new Map<string, Uint8Array>(),
    save: async (id, day, bytes) => void kept.set(id, (kept.get(id) ?? new Map<string, Uint8Array>()).set(day, bytes)),
  };
}

async function slow(takesMs: number, recorded: readonly Slo[], objectives: readonly Slo[] = OBJECTIVES) {
  const world = await SloWorld.open(...objectives);
  const off = { budget: 'off', burn: 'off' };
  world.policy({ defaults: off, policies: [{ match: { service: 'service-7' }, burn: 'page' }] });
  const prometheus = new SlowPrometheus(takesMs, recorded);
  const deps = { ...world.deps, metricQueries: prometheus, sloDays: daysInMemory() };
  const evaluator = world.evaluator(prometheus.elapsed, deps);
  /** The queries and their durations. */
  const next = async (at: number): Promise<{ own: string[]; rules: number; seconds: number }> => {
    world.at(at);
    const [before, began] = [prometheus.asked.length, prometheus.elapsedMs];
    await world.evaluate(evaluator, deps);
    const asked = prometheus.asked.slice(before);
    const own = asked.filter((query) => !query.startsWith('firebreak:'));
    return { own, rules: asked.length - own.length, seconds: (prometheus.elapsedMs - began) / 1000 };
  };
  return { world, prometheus, next };
}

/** The maximum number of own queries that fit into the rest of an evaluation. */
const BACKFILLS_MAX = 60;

test('2,000 recorded objectives fit into one minute with a Prometheus that takes 5 s per query', async () => {
  const { world, prometheus, next } = await slow(5000, OBJECTIVES);
  const first = await next(NOON);
  expect(first.rules).toBe(3 + 3);
  expect(first.own.length).toBeLessThanOrEqual(BACKFILLS_MAX);
  expect(first.seconds).toBeLessThan(FUNCTIONS.evaluate.timeoutSeconds - 10);
  expect(await world.deps.sloStatuses.all()).toHaveLength(COUNT);
  expect(await world.frozenBy()).toEqual([]);

  // An outage is detected for all of them at once.
  prometheus.errors = 10;
  const second = await next(NOON + MINUTE);
  expect(second.rules).toBe(3 + 3);
  expect(second.seconds).toBeLessThan(FUNCTIONS.evaluate.timeoutSeconds - 10);
  const statuses = await world.deps.sloStatuses.all();
  expect(statuses.filter(({ source, state }) => source === 'recorded' && state === 'ok')).toHaveLength(COUNT);
  expect(statuses.filter(({ burning }) => burning.length > 0)).toHaveLength(COUNT);
  expect(await world.frozenBy()).toEqual(Array(10).fill('burn'));
  // Older data is read in parts, for another objective each time.
  expect(second.own.length).toBeGreaterThan(0);
  expect(second.own.filter((query) => first.own.includes(query))).toEqual([]);
});

test('a Prometheus that exceeds the time-out gets three queries, not thousands', async () => {
  const { world, next } = await slow(30_000, OBJECTIVES);
  expect(await next(NOON)).toEqual({ own: [], rules: 3, seconds: 10 });
  const statuses = await world.deps.sloStatuses.all();
  expect(statuses.filter(({ state }) => state === 'unreadable')).toHaveLength(COUNT);
  expect(world.logged('warn')).toMatchObject([{ objectives: COUNT, of: COUNT }]);
});

test('unrecorded objectives take turns, and recorded ones do not wait for them', async () => {
  const some = OBJECTIVES.slice(0, 600); // far more than fit into an evaluation
  const { world, next } = await slow(2000, some.slice(0, 300), some);
  const first = await next(NOON);
  expect(first.rules).toBe(6);
  expect(first.seconds).toBeLessThan(FUNCTIONS.evaluate.timeoutSeconds - 10);
  const readable = async () =>
    (await world.deps.sloStatuses.all())
      .filter(({ state }) => state === 'ok')
      .map(({ id, source }) => ({ id, source }));
  const now = await readable();
  expect(now.filter(({ source }) => source === 'recorded')).toHaveLength(300);
  const own = now.filter(({ source }) => source === 'own').map(({ id }) => id);
  expect(own.length).toBeGreaterThan(10);
  await next(NOON + MINUTE);
  const then = (await readable()).filter(({ source }) => source === 'own').map(({ id }) => id);
  expect(then.length).toBeGreaterThan(10);
  expect(then.filter((id) => own.includes(id))).toEqual([]);
  expect((await world.deps.sloStatuses.all()).find(({ state }) => state === 'unreadable')?.problem).toContain(
    'too slowly',
  );
  expect(world.logged('warn')).toHaveLength(1);
});

test('a Prometheus that fails range queries does not get them for all objectives each minute', async () => {
  const few = OBJECTIVES.slice(0, 100); // far more than are queried for older data in parallel
  const world = await SloWorld.open(...few);
  const prometheus = new SlowPrometheus(1, few);
  let ranges = 0;
  const metricQueries: MetricQueries = {
    instant: prometheus.instant,
    range: async () => {
      ranges += 1;
      return { kind: 'unreadable', detail: 'Prometheus answered 404: page not found' };
    },
  };
  const evaluator = world.evaluator(prometheus.elapsed, { metricQueries });
  for (const minute of [0, 1, 2]) {
    ranges = 0;
    world.at(NOON + minute * MINUTE);
    await world.evaluate(evaluator);
    expect(ranges).toBeGreaterThan(0);
    expect(ranges).toBeLessThanOrEqual(2 * 10);
  }
  const unread = (await world.deps.sloStatuses.all()).map((status) => status.unread);
  expect(new Set(unread)).toEqual(new Set(['Prometheus answered 404: page not found']));
  expect(world.logged('warn')).toMatchObject([
    { message: 'the history of objectives cannot be read', objectives: few.length },
  ]);
});
