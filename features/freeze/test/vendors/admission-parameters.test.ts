import { expect, test } from 'vitest';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { change } from '../../../../test/core/arbitraries.ts';
import { override } from '../decisions/builders.ts';
import { readPolicy, refusal } from '../decisions/admission.ts';
import { setUp } from '../gates-support.ts';

const WORKLOADS = { workloads: [{ kind: 'Deployment', namespace: 'shop', name: 'checkout', container: 'app' }] };
const KEY = 'Deployment.shop.checkout';
const DAY = 24 * 60;

type Cluster = Awaited<ReturnType<typeof setUp>>;

async function frozen(): Promise<Cluster> {
  const cluster = await setUp(WORKLOADS);
  cluster.changes.push(change('v40', 3 * DAY), change('v41', 2 * DAY), change('v42', DAY));
  await cluster.open('frz_1');
  return cluster;
}

const end = (cluster: Cluster) =>
  cluster.change('frz_1', { ended_at: cluster.now(), ended_by: 'person:ada', end_reason: 'over' });

/** Returns what the policy answers to a change from v42 to this version, with the parameters in the cluster. */
async function deploy(cluster: Cluster, version: string): Promise<string | undefined> {
  const object = (tag: string) => ({
    kind: 'Deployment',
    metadata: { namespace: 'shop', name: 'checkout', managedFields: [{ time: cluster.now() }] },
    spec: { template: { metadata: {}, spec: { containers: [{ name: 'app', image: `shop/checkout:${tag}` }] } } },
  });
  const data = await cluster.parameters();
  return refusal(await readPolicy(), { object: object(version), oldObject: object('v42'), data });
}

test('during a freeze, the cluster refuses new versions, and says why, until when, and how to override', async () => {
  const cluster = await frozen();
  expect(await deploy(cluster, 'v43')).toBe(
    'Firebreak: deploys of checkout in production are frozen until it is over: the sale (freeze frz_1). Rollbacks to a ' +
      'known good version pass. To deploy anyway: firebreak freeze override frz_1 --reason "..." --minutes 60',
  );
  expect((await cluster.parameters())[KEY]?.split('\n').slice(1)).toEqual([
    `expires: ${plusSeconds(cluster.now(), 3600)}`,
    'container: app',
    'version: v41',
    'version: v40',
  ]);
  expect(await cluster.gates()).toEqual(['ConfigMap firebreak/firebreak-freezes closed']);
});

test('a rollback to a known good version passes, one to the version of today does not', async () => {
  const cluster = await frozen();
  expect(await deploy(cluster, 'v41')).toBeUndefined();
  expect(await deploy(cluster, 'v42-hotfix')).toBeDefined();
});

test('the version to which Firebreak is rolling back passes meanwhile', async () => {
  const cluster = await frozen();
  await cluster.rollBack('v30');
  expect(await deploy(cluster, 'v30')).toBeUndefined();
  expect(await deploy(cluster, 'v43')).toBeDefined();
  await cluster.rollBack(undefined);
  expect(await deploy(cluster, 'v30')).toBeDefined();
});

test('versions pass by the names of the target, and commits of a branch by their commits', async () => {
  const cluster = await setUp(WORKLOADS);
  const named = (name: string, digit: string) => ({ reported_version: name as Version, commit: digit.repeat(40) });
  cluster.changes.push(
    change('7.0 (7777777)', 5 * DAY, { ...named('7.0', '7'), rolled_back_by: 'somebody' }),
    change('v40', 4 * DAY, { reported_version: '40' as Version }),
    change('6.4 (1111111)', 3 * DAY, named('6.4', '1')),
    change('6.4 (2222222)', DAY, named('6.4', '2')),
  );
  await cluster.open('frz_1');
  const passes = async (tags: string[]) => {
    const refused = await Promise.all(tags.map((tag) => deploy(cluster, tag)));
    return tags.filter((_, index) => refused[index] === undefined);
  };
  const tags = ['v40', '40', '6.4', 'sha-1111111', 'sha-2222222', '7.0', 'sha-7777777'];
  expect(await passes(tags)).toEqual(['v40', '40', 'sha-1111111']);
  await cluster.rollBack('6.4 (1111111)');
  expect(await passes(tags)).toEqual(['v40', '40', 'sha-1111111']);
  await cluster.rollBack('7.0 (7777777)');
  expect(await passes(tags)).toEqual(['v40', '40', 'sha-1111111', '7.0', 'sha-7777777']);
});

test('after the freeze, everything passes, and nothing is left', async () => {
  const cluster = await frozen();
  await end(cluster);
  expect(await cluster.parameters()).toEqual({});
  expect(await deploy(cluster, 'v43')).toBeUndefined();
  expect(await cluster.waiting()).toBe(0);
});

test('an override for a version lets only that pass, and one for all versions everything', async () => {
  const cluster = await frozen();
  const more = { expires_at: plusSeconds(cluster.now(), 3600), requested_at: cluster.now() };
  await cluster.change('frz_1', { overrides: [override({ ...more, version: 'v43' as Version })] });
  expect(await deploy(cluster, 'v43')).toBeUndefined();
  expect(await deploy(cluster, 'v44')).toBeDefined();
  await cluster.change('frz_1', { overrides: [override(more)] });
  expect(await deploy(cluster, 'v44')).toBeUndefined();
});

test('the entry is renewed while Firebreak runs, and expires without it', async () => {
  const cluster = await frozen();
  for (let n = 0; n < 30; n += 1) await cluster.advance(301);
  expect(await deploy(cluster, 'v43')).toBeDefined();
  const { sandbox: _, ...stopped } = { ...cluster, now: () => plusSeconds(cluster.now(), 3601) };
  expect(await deploy(stopped as Cluster, 'v43')).toBeUndefined();
});

test('entries of others stay', async () => {
  const cluster = await setUp(WORKLOADS);
  await cluster.ask('PATCH', '/api/v1/namespaces/firebreak/configmaps/firebreak-freezes', {
    data: { 'Deployment.shop.search': 'message: x' },
  });
  await cluster.open('frz_1');
  expect(Object.keys(await cluster.parameters()).toSorted()).toEqual([KEY, 'Deployment.shop.search']);
  await end(cluster);
  expect(Object.keys(await cluster.parameters())).toEqual(['Deployment.shop.search']);
});

test('a workload that is removed from the configuration is no longer protected', async () => {
  const cluster = await frozen();
  cluster.configure(undefined);
  await cluster.advance(301);
  expect(await cluster.parameters()).toEqual({});
});

test.each([
  [{ deployer: { kind: 'kubernetes', namespace: 'shop' } }, ['Deployment.shop.checkout']],
  [{ deployer: { kind: 'argo-rollouts', rollout: 'web' } }, ['Rollout.default.web']],
  [{ deployer: { kind: 'flagger', canary: 'web' } }, ['Deployment.default.web']],
  [{ deployer: { kind: 'github', via: 'revert' } }, undefined],
])('of the deployer in %j, the protected workloads are %j', async (environment, keys) => {
  const cluster = await setUp({ workloads: 'deployer' }, environment);
  await cluster.open('frz_1');
  const data: object | undefined = await cluster.parameters();
  expect(keys && Object.keys(data ?? {})).toEqual(keys);
});

test.each([
  ['a lost response', { kind: 'lost' }],
  ['a server error', { kind: 'status', status: 502 }],
  ['a refusal', { kind: 'status', status: 403, body: { kind: 'Status', message: 'cannot patch' } }],
])('after %s, the change is repeated', async (_, fault) => {
  const cluster = await setUp(WORKLOADS);
  await cluster.fault(fault);
  await cluster.open('frz_1');
  for (let n = 0; n < 6; n += 1) await cluster.advance(30);
  expect(await deploy(cluster, 'v43')).toBeDefined();
  await cluster.fault(fault);
  await end(cluster);
  for (let n = 0; n < 12; n += 1) await cluster.advance(30);
  expect(await deploy(cluster, 'v43')).toBeUndefined();
  expect(await cluster.waiting()).toBe(0);
});

test('the stand-in refuses keys that a ConfigMap cannot have, and objects of Flux without required fields', async () => {
  const cluster = await setUp();
  const post = (path: string, body: object) => cluster.ask('POST', path, body).catch(String);
  expect(await post('/api/v1/namespaces/a/configmaps', { metadata: { name: 'a' }, data: { 'a/b': '' } })).toMatch(
    /422.*data\.a\/b/,
  );
  expect(
    await post('/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/a/kustomizations', {
      metadata: { name: 'a' },
      spec: { interval: '1m', sourceRef: { kind: 'GitRepository', name: 'a' } },
    }),
  ).toMatch(/422.*prune/);
  expect(
    await post('/apis/helm.toolkit.fluxcd.io/v2/namespaces/a/helmreleases', {
      metadata: { name: 'a' },
      spec: { interval: '1m' },
    }),
  ).toMatch(/422.*either chart or chartRef/);
});
