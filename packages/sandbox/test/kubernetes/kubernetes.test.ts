import { describe, expect, test } from 'vitest';
import { kubernetes } from '../../kubernetes/kubernetes.ts';
import type { StandIns } from '../../core/index.ts';
import { calls, clock, folder, sandbox, setFault, start } from '../support.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const SETS = '/apis/apps/v1/namespaces/default/replicasets';
const ROLLOUTS = '/apis/argoproj.io/v1alpha1/namespaces/default/rollouts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** Starts a cluster whose clock stands still until it is moved. */
async function open(options: { dir?: string } = {}) {
  const time = clock();
  const standIns = await start({ now: time.now, ...options });
  const ask = async (method: string, path: string, body?: unknown, type = 'application/json') => {
    const response = await fetch(standIns.urls.kubernetes + path, {
      method,
      headers: { authorization: 'Bearer a-very-secret-token-of-ours', 'content-type': type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as any };
  };
  const deploy = (image: string, more: object = {}) =>
    sandbox<any>(standIns, 'POST', '/kubernetes/deploy', { name: 'web', image, ...more });
  return { time, standIns, ask, deploy };
}
type Open = Awaited<ReturnType<typeof open>>;

const settings = (standIns: StandIns, changed: object) => sandbox(standIns, 'PUT', '/kubernetes/settings', changed);

const web = async ({ ask }: Open) => (await ask('GET', `${DEPLOYMENTS}/web`)).body;
const rollout = async ({ ask }: Open) => (await ask('GET', `${ROLLOUTS}/web`)).body;

const setsOf = async ({ ask }: Open): Promise<{ image: string; revision: string; pods: number }[]> =>
  (await ask('GET', SETS)).body.items.map(({ metadata, spec, status }: any) => ({
    image: spec.template.spec.containers[0].image,
    revision:
      metadata.annotations['deployment.kubernetes.io/revision'] ?? metadata.annotations['rollout.argoproj.io/revision'],
    pods: status.availableReplicas ?? 0,
  }));

describe('the API', () => {
  test('refuses callers without a token, and unknown resources', async () => {
    const cluster = await open();
    const anonymous = await fetch(`${cluster.standIns.urls.kubernetes}${DEPLOYMENTS}`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.json()).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403 });
    expect(await cluster.ask('GET', '/apis/apps/v1/namespaces/default/daemonsets')).toMatchObject({ status: 404 });
    expect(await cluster.ask('GET', `${DEPLOYMENTS}/web`)).toMatchObject({
      status: 404,
      body: { reason: 'NotFound', message: 'deployments.apps "web" not found' },
    });
  });

  test('checks routes and splits as their CRDs do, and what the role allows', async () => {
    const cluster = await open();
    const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
    const route = (backendRef: object) => ({
      metadata: { name: 'web' },
      spec: { parentRefs: [{ name: 'shop' }], rules: [{ backendRefs: [{ name: 'web', port: 80, ...backendRef }] }] },
    });
    for (const [wrong, said] of [
      [{ weight: -1 }, 'weight'],
      [{ weight: 0.5 }, 'weight'],
      [{ weight: 1_000_001 }, 'weight'],
      [{ port: undefined }, 'Must have port for Service reference'],
    ] as const)
      expect(await cluster.ask('POST', ROUTES, route(wrong))).toMatchObject({
        status: 422,
        body: { reason: 'Invalid', message: expect.stringContaining(said) },
      });
    const { status, body } = await cluster.ask('POST', ROUTES, route({}));
    expect([status, body.spec.rules[0].backendRefs[0]]).toMatchObject([201, { weight: 1, kind: 'Service' }]);
    cluster.time.forward(1000);
    const { metadata, status: found } = (await cluster.ask('GET', `${ROUTES}/web`)).body;
    expect(found.parents).toMatchObject([
      { parentRef: { name: 'shop' }, conditions: [{ type: 'Accepted', status: 'True', observedGeneration: 1 }, {}] },
    ]);
    const stale = { op: 'replace', path: '/metadata/resourceVersion', value: String(metadata.resourceVersion - 1) };
    expect(await cluster.ask('PATCH', `${ROUTES}/web`, [stale], JSON_PATCH)).toMatchObject({ status: 409 });
    const missing = { op: 'replace', path: '/spec/rules/1/backendRefs/0/weight', value: 5 };
    expect(await cluster.ask('PATCH', `${ROUTES}/web`, [missing], JSON_PATCH)).toMatchObject({ status: 422 });
    await settings(cluster.standIns, { denied: ['patch httproutes.gateway.networking.k8s.io'] });
    expect(await cluster.ask('PATCH', `${ROUTES}/web`, [], JSON_PATCH)).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden' },
    });
    expect((await cluster.ask('GET', `${ROUTES}/web`)).status).toBe(200);
    const SPLITS = '/apis/split.smi-spec.io/v1alpha4/namespaces/default/trafficsplits';
    const split = (weight: number) => ({
      metadata: { name: 'web' },
      spec: { service: 'web', backends: [{ service: 'web-blue', weight }] },
    });
    expect((await cluster.ask('POST', SPLITS, split(0.5))).status).toBe(422);
    expect((await cluster.ask('POST', SPLITS, split(1))).status).toBe(201);
    expect((await cluster.ask('PATCH', `${SPLITS}/web/status`, { status: {} }, MERGE)).status).toBe(404);
  });

  test('redacts tokens in recorded calls', async () => {
    const cluster = await open();
    await cluster.ask('GET', DEPLOYMENTS);
    expect(JSON.stringify(await calls(cluster.standIns))).not.toContain('a-very-secret-token-of-ours');
  });

  test('responds to a rate limit with the seconds to wait', async () => {
    const cluster = await open();
    await setFault(cluster.standIns, { vendor: 'kubernetes', fault: { kind: 'rate_limit' }, times: 1 });
    expect(await cluster.ask('GET', DEPLOYMENTS)).toMatchObject({ status: 429, body: { reason: 'TooManyRequests' } });
  });

  test('creates valid objects, once', async () => {
    const { ask } = await open();
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:v1' }] } };
    const manifest = { metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template } };
    expect(await ask('POST', DEPLOYMENTS, manifest)).toMatchObject({
      status: 201,
      body: { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { generation: 1 }, spec: { replicas: 1 } },
    });
    expect(await ask('POST', DEPLOYMENTS, manifest)).toMatchObject({ status: 409, body: { reason: 'AlreadyExists' } });
    const other = { ...manifest, spec: { ...manifest.spec, selector: { matchLabels: { app: 'other' } } } };
    expect(await ask('POST', DEPLOYMENTS, other)).toMatchObject({
      status: 422,
      body: { reason: 'Invalid', message: expect.stringContaining('`selector` does not match') as string },
    });
    expect(await ask('POST', SETS, manifest)).toMatchObject({ status: 405 });
  });

  test.each([
    ['app.kubernetes.io/name=web', 1],
    ['app.kubernetes.io/name==web,pod-template-hash', 1],
    ['app.kubernetes.io/name!=web', 1],
    ['app.kubernetes.io/name in (web,search)', 2],
    ['app.kubernetes.io/name notin (web)', 1],
    ['!pod-template-hash', 0],
    ['', 2],
  ])('lists by labels: %s', async (selector, expected) => {
    const { ask, deploy, time } = await open();
    await deploy('web:v1');
    await deploy('search:v1', { name: 'search' });
    time.forward(100);
    const { body } = await ask('GET', `${SETS}?labelSelector=${encodeURIComponent(selector)}`);
    expect(body).toMatchObject({ kind: 'ReplicaSetList', apiVersion: 'apps/v1' });
    expect(body.items).toHaveLength(expected);
  });

  test('refuses an invalid selector', async () => {
    const { ask } = await open();
    expect(await ask('GET', `${SETS}?labelSelector=a%20~%20b`)).toMatchObject({ status: 400 });
  });

  test('deletes a Deployment with its ReplicaSets', async () => {
    const { ask, deploy, time } = await open();
    await deploy('web:v1');
    time.forward(100);
    expect(await ask('DELETE', `${DEPLOYMENTS}/web`)).toMatchObject({ status: 200, body: { status: 'Success' } });
    expect((await ask('GET', SETS)).body.items).toEqual([]);
  });
});

describe('a patch', () => {
  const opened = async () => {
    const cluster = await open();
    await cluster.deploy('web:v1');
    cluster.time.forward(5000);
    return { ...cluster, before: await web(cluster) };
  };
  const path = `${DEPLOYMENTS}/web`;

  test('in JSON replaces the given paths, and is applied completely or not at all', async () => {
    const { ask, before } = await opened();
    const add = { op: 'add', path: '/metadata/annotations/a~1b', value: 'c' };
    const remove = { op: 'remove', path: '/spec/template/metadata/labels/none' };
    expect(await ask('PATCH', path, [add, remove], JSON_PATCH)).toMatchObject({ status: 422 });
    expect((await ask('GET', path)).body).toEqual(before);
    const { body } = await ask('PATCH', path, [add, { ...add, path: '/spec/replicas', value: 2 }], JSON_PATCH);
    expect(body).toMatchObject({ metadata: { annotations: { 'a/b': 'c' }, generation: 2 }, spec: { replicas: 2 } });
  });

  test('in JSON can contain tests', async () => {
    const { ask, before } = await opened();
    const has = (value: string) => ({ op: 'test', path: '/metadata/resourceVersion', value });
    const scale = { op: 'replace', path: '/spec/replicas', value: 7 };
    expect(await ask('PATCH', path, [has('1'), scale], JSON_PATCH)).toMatchObject({ status: 422 });
    expect(await ask('PATCH', path, [has(before.metadata.resourceVersion), scale], JSON_PATCH)).toMatchObject({
      status: 200,
    });
  });

  test.each([
    ['merge', MERGE, (resourceVersion: string) => ({ metadata: { resourceVersion }, spec: { replicas: 7 } })],
    [
      'JSON patch',
      JSON_PATCH,
      (value: string) => [
        { op: 'replace', path: '/metadata/resourceVersion', value },
        { op: 'replace', path: '/spec/replicas', value: 7 },
      ],
    ],
  ])('with an outdated version is a conflict: %s', async (_, type, patch) => {
    const { ask, before } = await opened();
    const { resourceVersion } = before.metadata;
    await ask('PATCH', path, { metadata: { labels: { touched: 'yes' } } }, MERGE);
    expect(await ask('PATCH', path, patch(resourceVersion), type)).toMatchObject({
      status: 409,
      body: { reason: 'Conflict', message: expect.stringContaining('the object has been modified') as string },
    });
    const now = (await ask('GET', path)).body.metadata.resourceVersion;
    expect(await ask('PATCH', path, patch(now), type)).toMatchObject({ status: 200, body: { spec: { replicas: 7 } } });
  });

  test('as a merge patch replaces lists; as a strategic merge patch merges containers by name', async () => {
    const { ask } = await opened();
    const containers = (...list: object[]) => ({ spec: { template: { spec: { containers: list } } } });
    const sidecar = { name: 'proxy', image: 'proxy:v1' };
    const added = await ask('PATCH', path, containers(sidecar), STRATEGIC);
    expect(added.body.spec.template.spec.containers).toEqual([{ name: 'web', image: 'web:v1' }, sidecar]);
    const changed = await ask('PATCH', path, containers({ name: 'web', image: 'web:v2' }), STRATEGIC);
    expect(changed.body.spec.template.spec.containers).toEqual([{ name: 'web', image: 'web:v2' }, sidecar]);
    const merged = await ask('PATCH', path, containers(sidecar), MERGE);
    expect(merged.body.spec.template.spec.containers).toEqual([sidecar]);
  });

  test('of an unknown type is refused', async () => {
    const { ask, deploy } = await opened();
    expect(await ask('PATCH', path, {}, 'application/json')).toMatchObject({ status: 415 });
    await deploy('web:v1', { kind: 'Rollout' });
    expect(await ask('PATCH', `${ROLLOUTS}/web`, {}, STRATEGIC)).toMatchObject({ status: 415 });
    expect(await ask('PATCH', path, {}, MERGE)).toMatchObject({ status: 200 });
  });

  test('increments the generation only if the spec changes, and the version only if anything changes', async () => {
    const { ask, before } = await opened();
    const same = await ask('PATCH', path, { spec: { replicas: 3 } }, MERGE);
    expect(same.body).toEqual(before);
    const labelled = await ask('PATCH', path, { metadata: { labels: { a: 'b' } } }, MERGE);
    expect(labelled.body.metadata.generation).toBe(before.metadata.generation);
    expect(labelled.body.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
  });

  test('of the object keeps its status, UID, and name; of the status keeps all else', async () => {
    const { ask, before } = await opened();
    const all = { metadata: { uid: '1', namespace: 'x' }, status: { replicas: 99 } };
    expect((await ask('PATCH', path, all, MERGE)).body).toEqual(before);
    const { body } = await ask('PATCH', `${path}/status`, { spec: { replicas: 9 }, status: { replicas: 99 } }, MERGE);
    expect(body).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 99 } });
  });

  test('of the scale changes the replica count', async () => {
    const cluster = await opened();
    const { ask, time } = cluster;
    expect((await ask('GET', `${path}/scale`)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 3 },
      status: { replicas: 3, selector: 'app.kubernetes.io/name=web' },
    });
    expect((await ask('PATCH', `${path}/scale`, { spec: { replicas: 5 } }, MERGE)).body.spec).toEqual({ replicas: 5 });
    const old = { metadata: { resourceVersion: '1' }, spec: { replicas: 6 } };
    expect(await ask('PATCH', `${path}/scale`, old, MERGE)).toMatchObject({ status: 409 });
    time.forward(5000);
    expect((await web(cluster)).status).toMatchObject({ replicas: 5, availableReplicas: 5 });
    expect(await setsOf(cluster)).toEqual([{ image: 'web:v1', revision: '1', pods: 5 }]);
  });
});

describe('the controller of Deployments', () => {
  test('observes a change after some time, and has its pods available later', async () => {
    const cluster = await open();
    await cluster.deploy('web:v1');
    expect((await web(cluster)).status).toEqual({});
    cluster.time.forward(100);
    expect((await web(cluster)).status).toMatchObject({
      observedGeneration: 1,
      updatedReplicas: 1,
      availableReplicas: 0,
      conditions: expect.arrayContaining([expect.objectContaining({ reason: 'ReplicaSetUpdated' })]) as unknown[],
    });
    cluster.time.forward(1999);
    expect((await web(cluster)).status.availableReplicas).toBe(0);
    cluster.time.forward(1);
    expect((await web(cluster)).status).toMatchObject({ replicas: 3, updatedReplicas: 3, availableReplicas: 3 });
  });

  test('reuses the ReplicaSet of an earlier template as the newest revision', async () => {
    const cluster = await open();
    for (const image of ['web:v1', 'web:v2', 'web:v1']) {
      await cluster.deploy(image);
      cluster.time.forward(5000);
    }
    expect(await setsOf(cluster)).toEqual([
      { image: 'web:v1', revision: '3', pods: 3 },
      { image: 'web:v2', revision: '2', pods: 0 },
    ]);
    const { body } = await cluster.ask('GET', SETS);
    expect(body.items[0].metadata.annotations['deployment.kubernetes.io/revision-history']).toBe('1');
    expect((await web(cluster)).metadata.annotations['deployment.kubernetes.io/revision']).toBe('3');
  });

  test('gives a ReplicaSet the annotations of its Deployment, and its own hash', async () => {
    const cluster = await open();
    await cluster.deploy('web:v1', { annotations: { team: 'shop' } });
    cluster.time.forward(100);
    const { body } = await cluster.ask('GET', SETS);
    const [{ metadata, spec }] = body.items;
    const hash = metadata.labels['pod-template-hash'];
    expect(metadata.annotations).toEqual({ team: 'shop', 'deployment.kubernetes.io/revision': '1' });
    expect(spec.selector.matchLabels).toEqual({ 'app.kubernetes.io/name': 'web', 'pod-template-hash': hash });
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
    expect(metadata).toMatchObject({
      name: `web-${hash}`,
      ownerReferences: [{ kind: 'Deployment', controller: true }],
    });
  });

  test('keeps as many old ReplicaSets as the limit says', async () => {
    const cluster = await open();
    for (const image of ['web:v1', 'web:v2', 'web:v3']) {
      await cluster.deploy(image, { revisionHistoryLimit: 1 });
      cluster.time.forward(5000);
    }
    expect((await setsOf(cluster)).map(({ image }) => image)).toEqual(['web:v2', 'web:v3']);
  });

  test('reports an exceeded progress deadline, and continues when it can', async () => {
    const cluster = await open();
    await cluster.deploy('web:v1');
    cluster.time.forward(5000);
    await settings(cluster.standIns, { outcome: 'failed' });
    await cluster.deploy('web:v2');
    const progressing = async () =>
      (await web(cluster)).status.conditions.find(({ type }: { type: string }) => type === 'Progressing').reason;
    cluster.time.forward(599_000);
    expect(await progressing()).toBe('ReplicaSetUpdated');
    cluster.time.forward(2000);
    expect(await progressing()).toBe('ProgressDeadlineExceeded');
    expect(await setsOf(cluster)).toMatchObject([{ pods: 3 }, { pods: 0 }]);
    await settings(cluster.standIns, { outcome: 'succeeded' });
    expect(await progressing()).toBe('NewReplicaSetAvailable');
    expect(await setsOf(cluster)).toMatchObject([{ pods: 0 }, { pods: 3 }]);
  });

  test('ignores a new template while paused', async () => {
    const cluster = await open();
    await cluster.deploy('web:v1');
    cluster.time.forward(5000);
    await cluster.ask('PATCH', `${DEPLOYMENTS}/web`, { spec: { paused: true } }, MERGE);
    await cluster.deploy('web:v2');
    cluster.time.forward(5000);
    expect(await setsOf(cluster)).toHaveLength(1);
    await cluster.ask('PATCH', `${DEPLOYMENTS}/web`, { spec: { paused: false } }, MERGE);
    cluster.time.forward(5000);
    expect(await setsOf(cluster)).toMatchObject([{ pods: 0 }, { pods: 3 }]);
  });

  test('takes less time with a time scale, and as long as the settings say', async () => {
    const time = clock();
    const standIns = await start({ now: time.now, timeScale: 10 });
    await settings(standIns, { rollout_ms: 5000, observe_ms: 0 });
    await sandbox(standIns, 'POST', '/kubernetes/deploy', { name: 'web', image: 'web:v1' });
    const ready = async () => {
      const { views } = await sandbox<any>(standIns, 'GET', '/state');
      return views.kubernetes.workloads;
    };
    time.forward(499);
    const shown = { kind: 'Deployment', namespace: 'default', name: 'web', image: 'web:v1', phase: null };
    expect(await ready()).toEqual([{ ...shown, ready: '0/3' }]);
    time.forward(1);
    expect(await ready()).toEqual([{ ...shown, ready: '3/3' }]);
  });

  test('continues while the process is stopped', async () => {
    const dir = folder();
    const before = await open({ dir });
    await before.deploy('web:v1');
    await before.standIns.close();
    const time = clock();
    time.forward(5000);
    const after = await start({ dir, now: time.now });
    const response = await fetch(`${after.urls.kubernetes}${DEPLOYMENTS}/web`, {
      headers: { authorization: 'Bearer x' },
    });
    expect(await response.json()).toMatchObject({ status: { availableReplicas: 3 } });
  });
});

describe('the controller of Rollouts', () => {
  const steps = [{ setWeight: 25 }, { pause: {} }, { setWeight: 50 }, { pause: { duration: 30 } }];
  const canary = async () => {
    const cluster = await open();
    await cluster.deploy('web:v1', { kind: 'Rollout', replicas: 4, steps });
    cluster.time.forward(5000);
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Healthy', currentStepIndex: 4 });
    await cluster.deploy('web:v2', { kind: 'Rollout' });
    cluster.time.forward(5000);
    return cluster;
  };
  const patch = ({ ask, time }: Open, status: object) =>
    ask('PATCH', `${ROLLOUTS}/web/status`, { status }, MERGE).then(() => time.forward(5000));

  test('runs through its steps, and pauses where they say', async () => {
    const cluster = await canary();
    expect((await rollout(cluster)).status).toMatchObject({
      phase: 'Paused',
      message: 'CanaryPauseStep',
      currentStepIndex: 1,
      pauseConditions: [{ reason: 'CanaryPauseStep' }],
    });
    expect(await setsOf(cluster)).toMatchObject([{ pods: 3 }, { pods: 1 }]);
    await patch(cluster, { pauseConditions: null });
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Paused', currentStepIndex: 3 });
    expect(await setsOf(cluster)).toMatchObject([{ pods: 2 }, { pods: 2 }]);
    cluster.time.forward(30_000);
    const { status } = await rollout(cluster);
    expect(status).toMatchObject({ phase: 'Healthy', stableRS: status.currentPodHash, observedGeneration: '2' });
    expect(await setsOf(cluster)).toEqual([
      { image: 'web:v1', revision: '1', pods: 0 },
      { image: 'web:v2', revision: '2', pods: 4 },
    ]);
  });

  test('of an aborted rollout returns to the stable version until it is retried', async () => {
    const cluster = await canary();
    await patch(cluster, { abort: true });
    const { status } = await rollout(cluster);
    expect(status).toMatchObject({
      phase: 'Degraded',
      message: 'RolloutAborted: Rollout aborted update to revision 2',
      abort: true,
    });
    expect(status.stableRS).not.toBe(status.currentPodHash);
    expect(await setsOf(cluster)).toMatchObject([{ pods: 4 }, { pods: 0 }]);
    await patch(cluster, { abort: false });
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Paused', currentStepIndex: 1 });
  });

  test('skips the steps for a rollback to the stable version, or if all steps are skipped', async () => {
    const cluster = await canary();
    await patch(cluster, { promoteFull: true });
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Healthy', promoteFull: false });
    await cluster.deploy('web:v1', { kind: 'Rollout' });
    cluster.time.forward(5000);
    expect((await rollout(cluster)).status.phase).toBe('Paused');
    await cluster.deploy('web:v2', { kind: 'Rollout' });
    cluster.time.forward(5000);
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Healthy', currentStepIndex: 4 });
    expect(await setsOf(cluster)).toEqual([
      { image: 'web:v1', revision: '3', pods: 0 },
      { image: 'web:v2', revision: '4', pods: 4 },
    ]);
  });

  test('reports an exceeded progress deadline', async () => {
    const cluster = await canary();
    await settings(cluster.standIns, { outcome: 'failed' });
    await cluster.deploy('web:v3', { kind: 'Rollout' });
    cluster.time.forward(599_000);
    expect((await rollout(cluster)).status.phase).toBe('Progressing');
    cluster.time.forward(2000);
    expect((await rollout(cluster)).status).toMatchObject({
      phase: 'Degraded',
      message: expect.stringMatching(/^ProgressDeadlineExceeded: ReplicaSet "web-/) as string,
    });
  });

  test('restarts a Rollout', async () => {
    const cluster = await canary();
    await patch(cluster, { promoteFull: true });
    const restartAt = '2026-11-20T06:49:00Z';
    await cluster.ask('PATCH', `${ROLLOUTS}/web`, { spec: { restartAt } }, MERGE);
    cluster.time.forward(100);
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Progressing' });
    cluster.time.forward(2000);
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Healthy', restartedAt: restartAt });
  });

  test('ignores a Rollout that is paused by its spec', async () => {
    const cluster = await canary();
    await cluster.ask('PATCH', `${ROLLOUTS}/web`, { spec: { paused: true } }, MERGE);
    cluster.time.forward(5000);
    expect((await rollout(cluster)).status).toMatchObject({ phase: 'Paused', message: 'manually paused' });
  });
});
