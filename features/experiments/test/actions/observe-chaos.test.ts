import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { muteOf, mutesNow } from '../../../../core/actions/alerts/muted-by.ts';
import { observeChaos, unobservedChaos } from '../../actions/observe-chaos.ts';
import { recordExperiment } from '../../actions/record-experiment.ts';
import { ExperimentTable } from '../../store.ts';
import { chaosObjectsOf, chaosSystemFor } from '../../chaos/chaos-systems.ts';
import { JOBS } from '../../../../core/jobs/sweep/jobs.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { mintIncidentId } from '../../../../core/stores/ids.ts';
import { ExperimentId, NewExperiment } from '../../experiment.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { type ExperimentPorts, withPorts } from '../../ports.ts';
import { advanceExperiment } from '../../steps/advance.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { openCluster, type TestCluster } from '../../../../test/vendors/kubernetes/cluster.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { addFeature } from '../../../../test/support/feature-deps.ts';
import { signal } from '../../../../test/support/signals.ts';

const ENGINES = '/apis/litmuschaos.io/v1alpha1/namespaces/chaos/chaosengines';
const RESULTS = '/apis/litmuschaos.io/v1alpha1/namespaces/chaos/chaosresults';
const PODS = '/apis/chaos-mesh.org/v1alpha1/namespaces/chaos/podchaos';
const MERGE = 'application/merge-patch+json';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

let world: FakeWorld;
let opened: TestCluster;
let experiments: ExperimentTable;
let started: string[];
let prefix = 0;
/** A name of its own for each test, because the tests share a table. */
let cart: string;

beforeEach(async () => {
  prefix += 1;
  cart = `cart-${prefix}`;
  opened = await openCluster('Deployment');
  experiments = new ExperimentTable(stores.table, { add: async () => undefined, read: async () => [] });
  world = new FakeWorld();
  started = [];
  opened.forward(Math.max(0, world.clock.millis - opened.now()));
  world.clock.set(opened.now());
  const context = { secrets: { get: async () => 'a-token' }, clock: world.clock };
  Object.assign(world.deps, { silences: { active: async () => [], inhibitsSlowBurns: async () => false } });
  addFeature(world.deps, 'experiments', {
    experiments,
    experimentRuns: { start: async (id) => void started.push(id) },
    chaosObjectsOf: (config) => chaosObjectsOf(config, context),
    chaosSystemFor: (...run) => chaosSystemFor(...run, context),
  } satisfies ExperimentPorts);
});

/** Records a running experiment of the chaos system. */
function record(): ReturnType<typeof recordExperiment> {
  const input = NewExperiment.parse({
    name: 'recorded',
    scope: [{ service: cart, environment: 'production' }],
    hypothesis: 'It survives',
    checks: [{ name: 'errors', promql: 'x', max: 1 }],
    status: 'running',
    duration_seconds: 60,
    run: { kind: 'litmus', engine: 'nightly' },
  });
  const caller = { name: 'ci', allow: () => undefined } as unknown as Parameters<typeof recordExperiment>[1];
  const id = ExperimentId.parse(mintIncidentId(world.clock.now()));
  return recordExperiment(withPorts(world.deps), caller, { id, experiment: input, trace: 'trace' });
}

/** @param kind of the chaos system */
function configure(kind: 'litmus' | 'chaos-mesh', more: object = { observe: observed() }): void {
  world.config = Config.parse({
    version: 'test',
    paging: {},
    services: {
      [cart]: {
        environments: {
          production: {
            experiments: { graceMinutes: 2, chaos: { kind, url: opened.cluster.url, namespace: 'chaos', ...more } },
          },
        },
      },
      [`${cart}-other`]: { environments: { production: null } },
    },
  });
}

const observed = () => ({ targets: [{ namespace: 'shop', labels: { app: cart } }] });

/** Lets the controllers and Firebreak live for a while. */
function forward(seconds: number): void {
  opened.forward(seconds * 1000);
  world.clock.set(opened.now());
}

const engine = (spec: object = { appinfo: { appns: 'shop', applabel: `app=${cart}`, appkind: 'deployment' } }) =>
  opened.ask('POST', ENGINES, {
    metadata: { name: 'nightly', annotations: {} },
    spec: { engineState: 'active', chaosServiceAccount: 'litmus', experiments: [{ name: 'pod-delete' }], ...spec },
  });

/** Lets the operator and Firebreak see the object. */
async function poll(): Promise<void> {
  await opened.ask('GET', ENGINES);
  await opened.ask('GET', PODS);
  forward(20);
  await opened.ask('GET', ENGINES);
  await opened.ask('GET', PODS);
  forward(10);
  await observeChaos(withPorts(world.deps));
}

const own = async () =>
  (await experiments.list({ limit: 50 })).items.filter(({ scope }) => scope[0]?.service === cart).toReversed();

async function nth(n: number) {
  const found = (await own())[n];
  if (found === undefined) throw new Error(`there is no experiment ${n}`);
  return found;
}

async function advance(): Promise<void> {
  const [id] = started.slice(-1);
  if (id === undefined) throw new Error('no experiment was started');
  for (const one of await own()) if (one.id === id) await advanceExperiment(withPorts(world.deps), one.id);
}

const muteAt = async (service: string, startsAt = world.clock.now()) => {
  const one = signal({ service, environment: 'production', startsAt } as object);
  return muteOf(one, await mutesNow(world.deps, [one]));
};

const unobserved = async () => (await unobservedChaos(withPorts(world.deps))).filter(({ why }) => why.includes(cart));

describe('a ChaosEngine that nobody has recorded', () => {
  test('is observed once, with its verdict and probes, and only the alerts of its scope and time are expected', async () => {
    configure('litmus');
    await engine();
    await poll();
    await poll();
    expect(started).toHaveLength(1);
    await advance();
    const one = await nth(0);
    expect(one).toMatchObject({ name: 'nightly', observed: true, status: 'running', created_by: 'LitmusChaos' });
    expect((one.started_at ?? '') < one.created_at).toBe(true); // as its status says
    expect(await muteAt(cart)).toMatchObject({ by: 'experiment', name: one.id });
    expect(await muteAt(`${cart}-other`)).toBeNull();
    expect(await muteAt(cart, timestamp(Date.parse(one.started_at ?? '') - 1000))).toBeNull();

    const name = 'nightly-pod-delete';
    await opened.ask('POST', RESULTS, { metadata: { name }, spec: { engine: 'nightly', experiment: 'pod-delete' } });
    const probe = {
      name: 'errors',
      type: 'promProbe',
      status: { verdict: 'Failed', description: 'Actual value: 0.2' },
    };
    const result = { phase: 'Completed_With_Probe_Failure', verdict: 'Fail', probeSuccessPercentage: '50' };
    await opened.ask(
      'PATCH',
      `${RESULTS}/${name}/status`,
      { status: { experimentStatus: result, probeStatuses: [probe] } },
      MERGE,
    );
    const lastUpdateTime = `${new Date(opened.now()).toISOString().slice(0, 19)}Z`;
    const finished = { name: 'pod-delete', status: 'Completed', verdict: 'Fail', lastUpdateTime };
    await opened.ask(
      'PATCH',
      `${ENGINES}/nightly/status`,
      { status: { engineStatus: 'completed', experiments: [finished] } },
      MERGE,
    );
    await opened.ask('PATCH', `${ENGINES}/nightly`, { spec: { engineState: 'stop' } }, MERGE);
    forward(30);
    await advance();
    expect((await own())[0]).toMatchObject({ status: 'settling', ending: { code: 'chaos_ended' } });
    expect(Date.parse((await nth(0)).stopped_at ?? '')).toBe(Date.parse(lastUpdateTime));
    expect(await muteAt(cart)).toBeNull(); // it fires since after the end
    forward(121);
    await advance();
    await advance();
    expect((await own())[0]).toMatchObject({
      status: 'ended',
      conclusion: { outcome: 'failed', because: 'chaos_verdict' },
      chaos: { probes: [{ name: 'errors', verdict: 'Failed' }] },
    });
    expect((await nth(0)).conclusion?.reasons[0]).toContain('50 % of its probes passed');
    expect(await opened.writes()).toEqual([]);
  });

  test('is observed again when it is started again, and its deletion is its end', async () => {
    configure('litmus');
    await engine();
    await poll();
    await advance();
    await opened.ask('PATCH', `${ENGINES}/nightly`, { spec: { engineState: 'stop' } }, MERGE);
    await poll();
    forward(30);
    await advance();
    forward(121);
    await advance();
    await advance();
    expect((await own())[0]).toMatchObject({ status: 'ended', conclusion: { outcome: 'inconclusive' } });
    await poll();
    expect(started).toHaveLength(1);

    await opened.ask('PATCH', `${ENGINES}/nightly`, { spec: { engineState: 'active' } }, MERGE);
    await poll();
    await poll();
    expect(started).toHaveLength(2);
    await advance();
    expect((await own())[1]).toMatchObject({ status: 'running' });
    await opened.ask('DELETE', `${ENGINES}/nightly`);
    forward(30);
    await advance();
    expect((await own())[1]).toMatchObject({
      status: 'settling',
      ending: { reason: 'ChaosEngine nightly was deleted' },
    });
  });

  test('is not stopped by Firebreak if an incident is open, but its alerts are real', async () => {
    configure('litmus');
    await engine();
    await poll();
    Object.assign(world.deps.incidents, { openAt: async () => ({ id: '01JE0000000000000000000000' }) });
    await advance();
    await advance();
    await advance();
    expect((await own())[0]).toMatchObject({
      status: 'ended',
      ending: { code: 'incident_open' },
      stop: { state: 'not_asked' },
    });
    expect(await muteAt(cart)).toBeNull();
    await poll();
    expect(started).toHaveLength(1);
    expect(await opened.writes()).toEqual([]);
  });

  test('is left to the experiment that was recorded for it, also after that has ended', async () => {
    configure('litmus');
    const recorded = await record();
    await engine();
    await poll();
    const stored = await experiments.get(recorded.id);
    if (stored === undefined) throw new Error('the experiment was not stored');
    await experiments.put({ ...stored, status: 'ended', closed: true, ended_at: world.clock.now() });
    await poll();
    expect(await own()).toHaveLength(1);
  });

  test.each([
    ['selects more than the pods of the service', { appinfo: { appns: 'shop', applabel: 'tier in (web)' } }],
    ['selects no pods', {}],
  ])('is listed and its alerts are real if it %s', async (_, spec) => {
    configure('litmus');
    await engine(spec);
    await poll();
    expect(started).toEqual([]);
    const listed = await unobservedChaos(withPorts(world.deps));
    expect(listed[0]).toMatchObject({ object: 'ChaosEngine chaos/nightly', fix: expect.stringContaining('targets') });
    expect(await muteAt(cart)).toBeNull();
  });

  test('is observed for the service that its annotation names, if that service observes it', async () => {
    configure('litmus', { observe: {} });
    await engine({});
    const name = (service: string) =>
      opened.ask(
        'PATCH',
        `${ENGINES}/nightly`,
        { metadata: { annotations: { 'firebreak.dev/service': service } } },
        MERGE,
      );
    await name(`${cart}-other`);
    await poll();
    expect(started).toEqual([]);
    expect(await unobserved()).toMatchObject([
      { why: `its annotations name ${cart}-other, which does not observe it` },
    ]);
    await name(cart);
    await poll();
    expect(started).toHaveLength(1);
    expect(await unobserved()).toEqual([]);
  });

  test('is not looked for without observe, and a missing permission is listed until it is granted', async () => {
    configure('litmus', {});
    await engine();
    await opened.settings({ denied: ['list chaosengines.litmuschaos.io'] });
    await poll();
    expect((await unobservedChaos(withPorts(world.deps))).filter(({ why }) => why.includes('forbidden'))).toEqual([]);
    configure('litmus');
    await poll();
    const denied = async () =>
      (await unobservedChaos(withPorts(world.deps))).filter(({ why }) => why.includes('cannot list'));
    expect(await denied()).toMatchObject([{ object: 'litmus objects in chaos' }]);
    await opened.settings({});
    await poll();
    expect(await denied()).toEqual([]);
    expect(started).toHaveLength(1);
  });
});

describe('a PodChaos of a schedule', () => {
  const pods = (action: string, selector: object) =>
    opened.ask('POST', PODS, {
      metadata: { name: 'nightly-x7k2p' },
      spec: { action, mode: 'one', selector, duration: '10m' },
    });

  test('is observed from its injection until its targets have recovered, without a verdict', async () => {
    configure('chaos-mesh');
    await pods('pod-failure', { namespaces: ['shop'], labelSelectors: { app: cart, tier: 'web' } });
    await poll(); // the controllers see it
    await poll();
    expect(started).toHaveLength(1);
    await advance();
    expect(await muteAt(cart)).toMatchObject({ by: 'experiment' });
    await opened.ask(
      'PATCH',
      `${PODS}/nightly-x7k2p`,
      { metadata: { annotations: { 'experiment.chaos-mesh.org/pause': 'true' } } },
      MERGE,
    );
    await poll();
    await poll();
    await advance();
    forward(121);
    await advance();
    await advance();
    expect((await own())[0]).toMatchObject({
      status: 'ended',
      conclusion: { outcome: 'inconclusive', because: 'not_measured' },
    });
  });

  test('that kills pods once is expected to have effects for the grace period, also when it is gone', async () => {
    configure('chaos-mesh');
    await pods('pod-kill', { namespaces: ['shop'], labelSelectors: { app: cart } });
    await poll();
    await poll();
    await advance();
    await opened.ask('DELETE', `${PODS}/nightly-x7k2p`);
    forward(31);
    await advance();
    expect(await muteAt(cart)).toMatchObject({ by: 'experiment' });
    forward(120);
    await advance();
    expect((await own())[0]).toMatchObject({
      status: 'settling',
      ending: { code: 'completed' },
      stop: { state: 'not_asked' },
    });
    forward(1);
    expect(await muteAt(cart)).toBeNull();
  });

  test('of a whole namespace belongs to no service', async () => {
    configure('chaos-mesh');
    await pods('pod-kill', { namespaces: ['shop'] });
    await poll();
    await poll();
    expect(started).toEqual([]);
    const listed = (await unobservedChaos(withPorts(world.deps))).find(({ object }) => object.startsWith('PodChaos'));
    expect(listed).toMatchObject({ why: 'no service observes all pods in shop' });
  });
});

test('a recorded experiment is tended until its end, also if its service no longer has experiments', async () => {
  configure('litmus');
  const { id } = await record();
  world.config = emptyConfig;
  started = [];
  const job = JOBS.find(({ name }) => name === 'tend experiments') ?? expect.unreachable();
  await job.run(world.deps, []);
  expect(started).toContain(id);
});
