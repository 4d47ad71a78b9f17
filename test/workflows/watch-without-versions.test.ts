import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Product } from '../../functions/assembly/product.ts';
import { watchIdOf } from '../../core/domain/judge/watch.ts';
import { increase } from '../../packages/lab/evaluation/canary/scrape.ts';
import { Slo } from '../../schemas/slo/slo.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { derivedMetrics } from '../../vendors/prometheus/judge-queries.ts';
import { openTable, type TableStores } from '../core/stores/stores.ts';
import { acting, deploys, liveThrough } from './play.ts';
import { deploy, place, watchWorld } from './stories/watches.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

/** Error ratio of a service, by the seconds since its deploy. */
type Errors = (second: number) => number;

const DAY = 24 * 3600;
const HISTORY = 8 * DAY;
const AFTER = 3600;

/** Returns counters that are scraped every 15 seconds. They do not name the version. */
function counters(perSecond: number, errors: Errors) {
  const counter = (rate: (second: number) => number): Float64Array => {
    let [sum, rest] = [0, 0];
    return Float64Array.from({ length: HISTORY + AFTER }, (_, index) => {
      rest += rate(index - HISTORY);
      const whole = Math.floor(rest);
      rest -= whole;
      return (sum += whole);
    });
  };
  return { requests: counter(() => perSecond), errors: counter((second) => perSecond * errors(second)) };
}

/** Returns what a Prometheus answers. Queries with `errors_total` are about errors, `shop_` about another service. */
function prometheus(deployedAt: number, own: ReturnType<typeof counters>, other: ReturnType<typeof counters> | null) {
  const range: Product['metricQueries']['range'] = async (query, from, until, step) => {
    const service = query.includes('shop_') ? other : own;
    if (service === null) return { kind: 'series', series: [] };
    const [first, last] = [millisOf(from) / 1000, millisOf(until) / 1000];
    const valueAt = (at: number): number | null => {
      const second = Math.floor(at - deployedAt) + HISTORY;
      const of = (values: Float64Array) =>
        increase(values, { from: 0, until: values.length, phase: 7 }, second, 2 * step);
      const [requests, errors] = [of(service.requests), of(service.errors)];
      if (requests === null || errors === null) return null;
      if (query.includes('ratio')) return errors / requests;
      return (query.includes('errors_total') ? errors : requests) / (2 * step);
    };
    const values = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
    return {
      kind: 'series',
      series: [{ labels: {}, values: values.flatMap((at): [number, number][] => [[at, valueAt(at) ?? NaN]]) }],
    };
  };
  return range;
}

const HEALTH = { promql: 'sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))', max: 0.5 };
const slo = Slo.parse({
  id: 'checkout-availability',
  displayName: '',
  description: '',
  service: 'checkout',
  environment: 'production',
  target: 0.999,
  window: { kind: 'rolling', seconds: DAY },
  budgeting: { kind: 'occurrences' },
  indicator: { kind: 'ratio', counter: true, of: 'bad', numerator: 'errors_total', total: 'requests_total' },
});

type Course = {
  perSecond: number;
  errors: Errors;
  /** Of the service that checkout depends on. Absent: there is none. */
  dependency?: Errors;
  health?: { promql: string; max: number };
  hasSlo?: boolean;
};

let number = 400;

/** Watches a deploy with ten checks, every 30 seconds. */
async function watched({ perSecond, errors, dependency, health, hasSlo = false }: Course) {
  number += 1;
  const known = watchWorld(stores.table, number);
  const { world, virtual, watches, versions } = known;
  const config = acting({ watch: { checks: 10, intervalSeconds: 30 }, ...(health !== undefined && { health }) });
  if (dependency !== undefined) {
    const { checkout } = config.services as Record<string, object>;
    Object.assign(checkout ?? {}, { dependsOn: ['shop'] });
    const promql = HEALTH.promql.replaceAll(/errors_|requests_/g, (name) => `shop_${name}`);
    const shop = acting({ health: { promql, max: 0.5 } }).services as Record<string, object>;
    Object.assign(config.services, { shop: shop['checkout'] });
  }
  world.config = { ...config, slos: hasSlo ? [slo] : [] };
  const deployedAt = millisOf(world.clock.now()) / 1000;
  const own = counters(perSecond, errors);
  const range = prometheus(deployedAt, own, dependency === undefined ? null : counters(perSecond, dependency));
  Object.assign(world.deps, {
    judgeMetrics: { ...world.deps.judgeMetrics, derived: derivedMetrics },
    metricQueries: { ...world.deps.metricQueries, range },
  });
  await deploys(`v${number}.0`, 240)(world);
  await liveThrough(world, virtual, { '0 s': deploy('first') });
  const change = (await world.deps.changes.recent(place, 50)).find(({ version }) => version === versions.first);
  const watch = change && (await watches.get(watchIdOf(change.id)));
  return { watch };
}

const since =
  (before: number, after: number): Errors =>
  (second) =>
    second >= 0 ? after : before;

describe('a service whose series do not name the version', () => {
  test.each([
    ['an objective', { hasSlo: true }],
    ['a health query', { health: HEALTH }],
    ['a recorded ratio as its health query', { health: { promql: 'job:ratio', max: 0.5 } }],
  ])('with only %s is degraded with 5 % of errors after 0.1 %', async (_, source) => {
    const { watch } = await watched({ perSecond: 100, errors: since(0.001, 0.05), ...source });
    expect(watch).toMatchObject({
      outcome: 'degraded',
      baseline: expect.stringMatching(/\.0$/),
      startup: { slow: false },
    });
    expect(watch?.metrics[0]).toMatchObject({ comparison: 'before', p: expect.any(Number) });
  });

  test.each([
    ['an objective', { hasSlo: true }],
    ['a health query', { health: HEALTH }],
  ])('with only %s is healthy without a change', async (_, source) => {
    const { watch } = await watched({ perSecond: 100, errors: () => 0.001, ...source });
    expect(watch).toMatchObject({ outcome: 'healthy' });
    expect(watch?.reason).toMatch(/^[a-z-]+: 0\.11 % of 30,000 requests; v\d+\.0 before: 0\.11 % of 342,000 requests/);
  });

  test('is inconclusive at one request in 200 seconds', async () => {
    const { watch } = await watched({ perSecond: 1 / 200, errors: since(0, 1), hasSlo: true });
    expect(watch?.outcome).toBe('inconclusive');
  });

  test('is degraded by its limit at the first check', async () => {
    const health = { ...HEALTH, max: 0.02 };
    const { watch } = await watched({ perSecond: 100, errors: since(0.001, 0.05), health });
    expect(watch?.outcome).toBe('degraded');
    expect(watch?.checks.length).toBeLessThanOrEqual(2);
    expect(watch?.reason).toMatch(/above the limit of 2 %$/);
  });

  test('is not degraded by a burst of two minutes', async () => {
    const { watch } = await watched({
      perSecond: 100,
      errors: (second) => (second >= 60 && second < 180 ? 0.2 : 0.001),
      hasSlo: true,
    });
    expect(watch?.outcome).toBe('inconclusive');
  });

  test('is not degraded by what happens at this time on each day', async () => {
    const { watch } = await watched({
      perSecond: 100,
      errors: (second) => ((second + HISTORY) % DAY < 900 ? 0.05 : 0.001),
      hasSlo: true,
    });
    expect(watch?.outcome).toBe('inconclusive');
    expect(watch?.reason).toContain('checkout a day earlier got worse at the same time');
  });

  test('is not degraded by the problem of a dependency', async () => {
    const errors = since(0.001, 0.05);
    const { watch } = await watched({ perSecond: 100, errors, dependency: since(0.001, 0.2), health: HEALTH });
    expect(watch?.outcome).toBe('inconclusive');
    expect(watch?.reason).toContain('shop got worse at the same time');
    const alone = await watched({ perSecond: 100, errors, dependency: since(0.001, 0.001), health: HEALTH });
    expect(alone.watch?.outcome).toBe('degraded');
  });
});
