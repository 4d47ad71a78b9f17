import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepHealthSamples } from '../../../../core/jobs/sweep/health-samples.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const SERVICES = ['cart', 'checkout', 'search'];

let world: FakeWorld;
/** Queries in the order in which they were read. */
let queries: string[];
beforeEach(async () => {
  world = new FakeWorld();
  queries = [];
  const environments = (name: string) => ({ production: { health: { promql: `errors:${name}`, max: 0.01 } } });
  world.config = Config.parse({
    version: 'test',
    services: {
      ...Object.fromEntries(SERVICES.map((name) => [name, { environments: environments(name) }])),
      unmeasured: { environments: { production: {} } },
    },
    paging: {},
  });
  world.deps.metrics.range = async (promql, _from, until) => {
    queries.push(promql);
    return [[until, 0.5]];
  };
});
afterEach(() => vi.restoreAllMocks());

const opens = (service: string) =>
  world.deps.incidents.declare({
    service: service as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'errors',
    severity: 'critical',
    by: 'person:ada',
    trace: 'trace',
  });

/** Sweeps after a minute. */
async function sweep(): Promise<void> {
  world.clock.set(world.clock.millis + 60_000);
  await keepHealthSamples(world.deps, await world.deps.incidents.open());
}

test('each incident comes first in turn, so that one that takes all the time holds up no other for long', async () => {
  for (const service of SERVICES) await opens(service);
  world.deps.metrics.range = async (promql) => {
    queries.push(promql);
    endTime.abort();
    return null;
  };
  let endTime = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => (endTime = new AbortController()).signal);
  for (const _ of SERVICES) await sweep();
  expect(queries.toSorted()).toEqual(SERVICES.map((name) => `errors:${name}`));
});

test('samples of an open incident are read once in five minutes', async () => {
  await opens('cart');
  for (let minute = 0; minute < 10; minute += 1) await sweep();
  expect(queries).toHaveLength(2);
});
