import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCanary, startOrphanedCanaries } from '../../actions/canaries.ts';
import { CanaryId, NewCanary } from '../../canary.ts';
import { withPorts } from '../../ports.ts';
import { CanaryTable } from '../../store.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { acting, deploys } from '../../../../test/workflows/play.ts';

let stores: TableStores;
let world: FakeWorld;
let canaries: CanaryTable;
/** The recorded deployments at the start of each run. */
let started: string[][];

const caller = { name: 'ada', allow: () => undefined };
const idOf = (number: number) => CanaryId.parse(`01TEST${'ST'.padEnd(19, '0')}${number}`);
const request = (number: number, version: string) => ({
  id: idOf(number),
  canary: NewCanary.parse({ service: 'checkout', environment: 'production', version }),
  trace: 'trace',
});

const recorded = async (): Promise<string[]> => {
  const recent = await world.deps.changes.recent(request(1, 'v2').canary, 10);
  return recent.map(({ version, status }) => `${version} ${status}`).toSorted();
};

beforeEach(async () => {
  stores = await openTable();
  world = new FakeWorld();
  started = [];
  canaries = new CanaryTable(stores.table, world.clock, { add: async () => undefined, read: async () => [] });
  const canaryRuns = {
    start: async (id: CanaryId, run: number) => {
      started.push([`${id === idOf(1) ? 'first' : 'other'} ${run}`, ...(await recorded())]);
      return undefined;
    },
  };
  const router = { target: 'router', resource: 'router' };
  const features = { ...world.deps.features, canary: { canaries, canaryRuns, trafficRouterFor: async () => router } };
  Object.assign(world.deps, { features });
  world.config = acting({ canary: { traffic: { kind: 'http' } } });
  await deploys('v1', 240)(world);
});
afterEach(() => stores?.close());

/** Lets the next report of a deployment fail, before or after it is stored. */
function breaks(when: 'before' | 'after'): void {
  const { changes } = world.deps;
  const record = changes.record.bind(changes);
  changes.record = async (...args) => {
    changes.record = record;
    if (when === 'after') await record(...args);
    throw new Error('the process dies');
  };
}

test('a canary that is refused as it begins has no deployment', async () => {
  const deps = withPorts(world.deps);
  await startCanary(deps, caller, request(1, 'v2'));
  // It reads before the other one begins.
  const early = { begin: canaries.begin.bind(canaries), get: async () => undefined, runningAt: async () => undefined };
  const late = startCanary({ ...deps, canaries: { ...deps.canaries, ...early } }, caller, request(2, 'v3'));
  await expect(late).rejects.toMatchObject({ status: 409, code: 'canary-in-progress' });
  expect(await recorded()).toEqual(['v1 succeeded', 'v2 started']);
  expect(started).toEqual([['first 1', 'v1 succeeded', 'v2 started']]);
});

test.each(['before', 'after'] as const)(
  'a canary whose start breaks off %s its deployment is stored has one before its first step',
  async (when) => {
    const deps = withPorts(world.deps);
    breaks(when);
    const { change_id } = await startCanary(deps, caller, request(1, 'v2'));
    expect(started).toEqual([]);
    await startOrphanedCanaries(deps);
    expect(started).toEqual([['first 1', 'v1 succeeded', 'v2 started']]);
    expect(await world.deps.changes.get(change_id)).toMatchObject({ version: 'v2', canary_weight: 0 });
  },
);

test('a repeated request continues a start that broke off', async () => {
  const deps = withPorts(world.deps);
  breaks('before');
  const first = await startCanary(deps, caller, request(1, 'v2'));
  expect(await startCanary(deps, caller, request(1, 'v2'))).toEqual(first);
  expect(started).toEqual([['first 1', 'v1 succeeded', 'v2 started']]);
});
