import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { followDeployments } from '../../../../core/actions/changes/follow-deployments.ts';
import { recordRollouts } from '../../../../core/actions/changes/record-rollouts.ts';
import { kubernetesDeployer } from '../../../../vendors/kubernetes/deployment.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { openCluster, type TestCluster } from '../../../vendors/kubernetes/cluster.ts';
import { WatchableServer } from '../../../vendors/kubernetes/watchable-server.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const RESTART = {
  spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-20T12:00:00Z' } } } },
};

let opened: TestCluster;
let world: FakeWorld;
let problems: string[];

beforeEach(async () => {
  opened = await openCluster('Deployment');
  world = new FakeWorld(new Date(opened.now()).toISOString());
  world.engine = idleEngine();
  world.deps.queue = { sendAll: async () => undefined };
  problems = [];
  const deployer = { kind: 'kubernetes', namespace: 'default', recordRollouts: true };
  world.config = Config.parse({
    version: 'c1',
    services: {
      checkout: { environments: { production: { deployer } } },
      other: { environments: { production: { deployer: { kind: 'kubernetes' } } } },
    },
    paging: {},
  });
  const cluster = { ...opened.cluster, clock: { now: () => timestamp(opened.now()) } };
  world.deps.targets.deployerFor = async (config, { service }) =>
    config.kind === 'kubernetes' ? kubernetesDeployer(config, { cluster, service }) : undefined;
  world.deps.log = {
    ...world.deps.log,
    warn: (text) => void problems.push(text),
    error: (text) => void problems.push(text),
  };
});

/** Lets time pass, and runs the job. */
async function watch(ms: number): Promise<void> {
  opened.forward(ms);
  await opened.object(); // the controller works when it is called
  world.clock.set(opened.now());
  await recordRollouts(world.deps);
}

const rollouts = async () =>
  (await world.deps.changes.list({ limit: 20 })).items
    .toReversed()
    .map(({ service, kind, version, status }) => `${service} ${kind} ${version} ${status}`);

test('the rollouts of a Deployment are changes, with kubectl rollout undo as a rollback', async () => {
  await opened.deploy('v41');
  await watch(20_000);
  await watch(60_000);
  expect(await rollouts()).toEqual(['checkout deploy v41 succeeded']);

  await opened.deploy('v42');
  await watch(1_500);
  expect(await rollouts()).toEqual(['checkout deploy v41 succeeded', 'checkout deploy v42 started']);
  const [running] = (await world.deps.changes.list({ limit: 1 })).items;
  await watch(20_000);
  const [ended] = (await world.deps.changes.list({ limit: 1 })).items;
  expect(ended).toMatchObject({
    id: running?.id,
    status: 'succeeded',
    started_at: running?.started_at,
    reported_by: 'kubernetes',
  });
  expect(Date.parse(ended?.finished_at ?? '')).toBeLessThan(opened.now() - 5_000); // not when it was read

  await opened.deploy('v41'); // an older pod template gets a new revision, as by kubectl rollout undo
  await watch(20_000);
  expect(await opened.revision()).toBe('3');
  expect((await rollouts()).at(-1)).toBe('checkout rollback v41 succeeded');
  expect(problems).toEqual([]);
});

test('a rollout past its deadline has failed, and one that is replaced is cancelled', async () => {
  await opened.deploy('v41');
  await watch(20_000);
  await opened.settings({ outcome: 'failed' });
  await opened.deploy('v42');
  await watch(5_000);
  await opened.deploy('v43');
  await watch(5_000);
  // The order of v42 and v43 is open: Kubernetes writes times in whole seconds.
  expect((await rollouts()).toSorted()).toEqual([
    'checkout deploy v41 succeeded',
    'checkout deploy v42 cancelled',
    'checkout deploy v43 started',
  ]);
  await watch(700_000);
  await watch(60_000);
  expect(await rollouts()).toContain('checkout deploy v43 failed');
  expect((await world.deps.changes.live()).map(({ version }) => version)).toEqual(['v41']);
});

test('a restart is no change, and another environment variable is a change of the configuration', async () => {
  await opened.deploy('v41');
  await watch(20_000);
  await opened.patch(RESTART);
  await watch(20_000);
  expect(await opened.revision()).toBe('2');
  expect(await rollouts()).toEqual(['checkout deploy v41 succeeded']);
  const { spec } = await opened.object();
  const [container] = spec.template.spec.containers;
  await opened.patch({
    spec: { template: { spec: { containers: [{ ...container, env: [{ name: 'A', value: 'b' }] }] } } },
  });
  await watch(20_000);
  expect((await rollouts()).at(-1)).toBe('checkout config v41 succeeded');
});

test('a cluster that does not answer delays only its own targets', async () => {
  const { deployerFor } = world.deps.targets;
  world.deps.targets.deployerFor = async (config, place) => {
    const deployer = await deployerFor(config, place);
    return (
      deployer && { ...deployer, lastRollout: async () => ({ kind: 'later', detail: 'no answer', afterSeconds: null }) }
    );
  };
  await watch(1_000);
  expect(problems).toEqual(['the rollouts of a target could not be read']);
  expect(await rollouts()).toEqual([]);
});

describe('a process that lives on', () => {
  let server: WatchableServer;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    await opened.deploy('v41');
    opened.forward(20_000);
    server = await WatchableServer.start(opened.cluster.url, '/apis/apps/v1/namespaces/default/deployments/checkout');
    const cluster = { ...opened.cluster, url: server.url, clock: { now: () => timestamp(opened.now()) } };
    world.deps.targets.deployerFor = async (config, { service }) =>
      config.kind === 'kubernetes' ? kubernetesDeployer(config, { cluster, service }) : undefined;
  });
  afterEach(async () => {
    await stop();
    await server.stop();
  });

  /** Lets time pass in the cluster, which reports the change. */
  const happens = async (ms: number) => {
    opened.forward(ms);
    await opened.object();
    world.clock.set(opened.now());
    await server.change();
  };

  test('records rollouts when they happen, without the job', async () => {
    stop = followDeployments(world.deps);
    await expect.poll(rollouts).toEqual(['checkout deploy v41 succeeded']);
    await expect.poll(() => server.open).toBe(1);
    await opened.deploy('v42');
    await happens(1_500);
    await expect.poll(async () => (await rollouts()).at(-1)).toBe('checkout deploy v42 started');
    await happens(20_000);
    await expect.poll(async () => (await rollouts()).at(-1)).toBe('checkout deploy v42 succeeded');
    await stop();
    await expect.poll(() => server.open).toBe(0);
    expect(problems).toEqual([]);
  });

  test('leaves it to the job if the role does not allow it', async () => {
    server.refusal = 403;
    stop = followDeployments(world.deps);
    await expect
      .poll(() => problems)
      .toEqual(['the rollouts of a target are read once a minute, because they cannot be followed']);
    await opened.deploy('v42');
    await watch(20_000);
    expect((await rollouts()).at(-1)).toBe('checkout deploy v42 succeeded');
  });
});
