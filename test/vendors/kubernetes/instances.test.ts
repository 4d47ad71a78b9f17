import { describe, expect, test } from 'vitest';
import { kubernetesDeployer } from '../../../vendors/kubernetes/deployment.ts';
import { argoRolloutsDeployer } from '../../../vendors/kubernetes/rollout.ts';
import type { InstancesResponse, RunningInstance } from '../../../core/domain/rollback/targets.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { type Reply, vendorThat } from '../server.ts';
import { openCluster, twoVersions } from './cluster.ts';

const NOW = '2026-11-20T12:00:00Z';
const ago = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1000).toISOString().replace('.000Z', 'Z');

const DEPLOYMENT_UID = '0c9b8b0e-1d7f-4d2c-9d8e-8c2f2f7f4b11';

const deployment = {
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  metadata: { name: 'checkout', namespace: 'shop', uid: DEPLOYMENT_UID, resourceVersion: '8123', generation: 2 },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'checkout' } },
    template: {
      metadata: { creationTimestamp: null, labels: { app: 'checkout' } },
      spec: { containers: [{ name: 'app', image: 'registry.test/checkout:v42' }] },
    },
  },
  status: { observedGeneration: 2, replicas: 4 },
};

/** A ReplicaSet, as lists have it. */
const replicaSet = (version: string, more: { spec?: object; status?: object } = {}) => ({
  metadata: {
    name: `checkout-${version}`,
    namespace: 'shop',
    uid: `set-${version}`,
    resourceVersion: '8100',
    generation: 1,
    creationTimestamp: ago(3600),
    labels: { app: 'checkout', 'pod-template-hash': version },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: 'checkout',
        uid: DEPLOYMENT_UID,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'checkout', 'pod-template-hash': version } },
    template: {
      metadata: { creationTimestamp: null, labels: { app: 'checkout', 'pod-template-hash': version } },
      spec: { containers: [{ name: 'app', image: `registry.test/checkout:${version}` }] },
    },
    ...more.spec,
  },
  status: { replicas: 3, ...more.status },
});

const RUNNING = (seconds: number) => ({ running: { startedAt: ago(seconds) } });
const WAITING = (reason: string) => ({ waiting: { reason, message: `waits: ${reason}` } });

type PodOptions = {
  owner?: string;
  /** Seconds since its start, and since it became ready or ceased to be. */
  age?: number;
  since?: number;
  ready?: boolean;
  status?: object;
  metadata?: object;
  container?: object;
};

const pod = (name: string, version: string, options: PodOptions = {}) => {
  const { owner = `set-${version}`, age = 120, ready = true, since = ready ? age - 10 : age } = options;
  const condition = (type: string, isTrue: boolean, at: number) => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: ago(at),
    ...(!isTrue && { reason: 'ContainersNotReady', message: 'containers with unready status: [app]' }),
  });
  return {
    metadata: {
      name,
      generateName: `checkout-${version}-`,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '8111',
      creationTimestamp: ago(age + 1),
      labels: { app: 'checkout', 'pod-template-hash': version },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `checkout-${version}`,
          uid: owner,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      ...options.metadata,
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'app', image: `registry.test/checkout:${version}` }] },
    status: {
      phase: 'Running',
      conditions: [
        condition('PodReadyToStartContainers', true, age),
        condition('Initialized', true, age),
        condition('Ready', ready, since),
        condition('ContainersReady', ready, since),
        condition('PodScheduled', true, age + 1),
      ],
      hostIP: '10.0.0.4',
      podIP: '10.244.0.7',
      startTime: ago(age),
      qosClass: 'Burstable',
      containerStatuses: [
        {
          name: 'app',
          state: RUNNING(age - 1),
          lastState: {},
          ready,
          restartCount: 0,
          image: `registry.test/checkout:${version}`,
          imageID: 'registry.test/checkout@sha256:1f2e',
          containerID: 'containerd://9a8b',
          started: true,
          ...options.container,
        },
      ],
      ...options.status,
    },
  };
};

const warning = (
  of: string,
  reason: string,
  message: string,
  times: object = { firstTimestamp: ago(90), lastTimestamp: ago(10), count: 9, eventTime: null },
) => ({
  metadata: {
    name: `${of}.17f3a1b2c3d4e5f6`,
    namespace: 'shop',
    uid: `event-${of}`,
    resourceVersion: '8120',
    creationTimestamp: ago(90),
  },
  involvedObject: {
    kind: 'Pod',
    namespace: 'shop',
    name: of,
    uid: `uid-${of}`,
    apiVersion: 'v1',
    resourceVersion: '8111',
    fieldPath: 'spec.containers{app}',
  },
  reason,
  message,
  source: { component: 'kubelet', host: 'node-1' },
  type: 'Warning',
  reportingComponent: 'kubelet',
  reportingInstance: 'node-1',
  ...times,
});

const FORBIDDEN = (resource: string): Reply => ({
  status: 403,
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${resource} is forbidden: User "system:serviceaccount:ops:firebreak" cannot list resource "${resource}" in API group "" in the namespace "shop"`,
    reason: 'Forbidden',
    details: { kind: resource },
    code: 403,
  }),
});

type World = { sets?: object[]; pods?: object[]; events?: object[] | 'forbidden' };

/** An API server with these objects. */
async function read({ sets = SETS, pods = [], events = [] }: World, options: { all?: boolean } = {}) {
  const list = (items: readonly object[], kind: string): Reply => ({
    body: JSON.stringify({ kind, apiVersion: 'v1', metadata: { resourceVersion: '9000' }, items }),
  });
  const { url, received } = await vendorThat(({ path }) => {
    const { pathname } = new URL(path, 'http://cluster');
    if (pathname.endsWith('/deployments/checkout')) return { body: JSON.stringify(deployment) };
    if (pathname.endsWith('/replicasets')) return list(sets, 'ReplicaSetList');
    if (pathname.endsWith('/pods')) return list(pods, 'PodList');
    return events === 'forbidden' ? FORBIDDEN('events') : list(events, 'EventList');
  });
  const { instances } = kubernetesDeployer(
    { kind: 'kubernetes', namespace: 'shop' },
    { cluster: clusterAt(url), service: 'checkout' },
  );
  return { answer: (await instances?.(options)) ?? expect.unreachable(), received };
}

const clusterAt = (url: string) => ({
  url,
  tokenName: 'KUBERNETES_TOKEN',
  secrets: { get: async () => 'a-token' },
  clock: new SetClock(NOW),
});

const SETS = [replicaSet('v41'), replicaSet('v42')];
const STABLE = ['a', 'b', 'c'].map((name) => pod(name, 'v41', { age: 86_400, since: 86_380 }));

/** Reads the instances of v42 beside three well ones of v41. */
async function beside(pods: object[], events: object[] = []): Promise<RunningInstance[]> {
  const { answer } = await read({ pods: [...STABLE, ...pods], events });
  return instancesIn(answer).filter(({ names }) => names[0] === 'v42');
}

function instancesIn(answer: InstancesResponse): RunningInstance[] {
  if (answer.kind !== 'instances') throw new Error(answer.detail);
  return [...answer.instances];
}

const WELL = { ready: true, restarts: 0, reasons: [] };

describe('the pods of a Deployment', () => {
  test('are those of its ReplicaSets, with the names of their versions', async () => {
    const foreign = { ...replicaSet('v9'), metadata: { ...replicaSet('v9').metadata, ownerReferences: [] } };
    const { answer, received } = await read({
      sets: [...SETS, foreign],
      pods: [
        ...STABLE,
        pod('d', 'v42'),
        pod('e', 'v9'),
        pod('look', 'v42', { metadata: { ownerReferences: undefined } }),
      ],
    });
    expect(answer).toEqual({
      kind: 'instances',
      instances: [...STABLE.map(() => ({ names: ['v41'], ...WELL })), { names: ['v42'], ...WELL }],
      unread: null,
    });
    const asked = received.map(({ path }) => new URL(path, 'http://cluster'));
    expect(asked.map(({ pathname }) => pathname).filter((path) => path.startsWith('/api/v1'))).toEqual([
      '/api/v1/namespaces/shop/pods',
    ]);
    expect(asked.find(({ pathname }) => pathname.endsWith('/pods'))?.searchParams.get('labelSelector')).toBe(
      'app=checkout',
    );
  });

  test('do not count once they end, were evicted, or are about to be removed', async () => {
    const ended = [
      pod('d', 'v42', { metadata: { deletionTimestamp: ago(3) } }),
      pod('e', 'v42', { ready: false, status: { phase: 'Failed', reason: 'Evicted' } }),
      pod('f', 'v42', { ready: false, status: { phase: 'Succeeded' } }),
    ];
    expect(await beside(ended)).toEqual([]);
  });

  test('show nothing of their version while they may just be starting', async () => {
    const readyAt = async (age: number, status: object = {}) =>
      (await beside([pod('d', 'v42', { age, ready: false, status })])).map(({ ready }) => ready);
    expect(await readyAt(20)).toEqual([null]);
    expect(await readyAt(20, { startTime: undefined })).toEqual([null]);
    expect(await readyAt(70, { startTime: undefined })).toEqual([false]);
    expect(await readyAt(70)).toEqual([false]);
    const container = { state: WAITING('ErrImagePull'), restartCount: 0, ready: false };
    expect(await beside([pod('d', 'v42', { age: 20, ready: false, container })])).toMatchObject([{ ready: false }]);
  });

  test.each(['CrashLoopBackOff', 'ImagePullBackOff', 'ErrImagePull', 'CreateContainerConfigError'])(
    'that wait with %s can not start',
    async (reason) => {
      const container = { state: WAITING(reason), restartCount: 0, ready: false };
      expect(await beside([pod('d', 'v42', { ready: false, container })])).toMatchObject([
        { ready: false, reasons: [reason] },
      ]);
    },
  );

  test('fail by their init containers, too', async () => {
    const status = {
      initContainerStatuses: [{ name: 'migrate', ready: false, restartCount: 3, state: WAITING('CrashLoopBackOff') }],
    };
    const container = { state: WAITING('PodInitializing'), ready: false };
    expect(await beside([pod('d', 'v42', { ready: false, status, container })])).toMatchObject([
      { restarts: 3, reasons: ['CrashLoopBackOff'] },
    ]);
  });

  test('count the restarts of five minutes, as far as they show when they were', async () => {
    const ran = (from: number) => ({
      terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: ago(from), finishedAt: ago(20) },
    });
    const restarts = async (age: number, restartCount: number, lastState: object, running = 15) => {
      const found = await beside([
        pod('d', 'v42', { age, container: { restartCount, lastState, state: RUNNING(running) } }),
      ]);
      return found[0]?.restarts;
    };
    expect(await restarts(200, 3, ran(60))).toBe(3);
    expect(await restarts(86_400, 7, ran(60))).toBe(2);
    expect(await restarts(86_400, 7, ran(70_000))).toBe(1);
    expect(await restarts(86_400, 7, ran(70_000), 4000)).toBe(0);
    expect(await restarts(86_400, 0, {}, 86_390)).toBe(0);
  });

  test('that no node has room for, or whose node cannot mount a volume, show nothing about their version', async () => {
    const unschedulable = pod('d', 'v42', {
      ready: false,
      status: { phase: 'Pending', startTime: undefined, containerStatuses: undefined },
    });
    const creating = pod('e', 'v42', {
      ready: false,
      container: { state: WAITING('ContainerCreating'), ready: false },
    });
    const events = [
      warning('d', 'FailedScheduling', '0/3 nodes are available: 3 Insufficient cpu.'),
      warning('e', 'FailedMount', 'MountVolume.SetUp failed for volume "data" : rpc error: code = DeadlineExceeded'),
      warning('e', 'FailedCreatePodSandBox', 'Failed to create pod sandbox: plugin type="calico" failed (add)'),
    ];
    const nothing = { ready: false, restarts: 0, reasons: [] };
    expect(await beside([unschedulable, creating], events)).toMatchObject([nothing, nothing]);
  });

  test.each([
    'MountVolume.SetUp failed for volume "config" : configmap "checkout-v42" not found',
    'MountVolume.SetUp failed for volume "tls" : secret "checkout-tls" not found',
    'MountVolume.SetUp failed for volume "config" : configmap references non-existent config key: REPLICAS',
  ])('can not start if a volume names what does not exist: %s', async (message) => {
    const creating = pod('d', 'v42', {
      ready: false,
      container: { state: WAITING('ContainerCreating'), ready: false },
    });
    expect(await beside([creating], [warning('d', 'FailedMount', message)])).toMatchObject([
      { reasons: ['missing Secret or ConfigMap'] },
    ]);
  });

  test('can not start if the cluster refuses them, but not for a quota', async () => {
    const failure = (message: string) => ({
      replicas: 1,
      conditions: [
        { type: 'ReplicaFailure', status: 'True', lastTransitionTime: ago(60), reason: 'FailedCreate', message },
      ],
    });
    const refused = async (message: string) => {
      const sets = [replicaSet('v41'), replicaSet('v42', { status: failure(message) })];
      const { answer } = await read({ sets, pods: [...STABLE, pod('d', 'v42')] });
      return instancesIn(answer)
        .filter(({ names }) => names[0] === 'v42')
        .map(({ reasons }) => reasons.join());
    };
    const REFUSED = ['', 'refused by the cluster', 'refused by the cluster'];
    expect(
      await refused('pods "checkout-v42-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot'),
    ).toEqual(REFUSED);
    expect(await refused('admission webhook "policy.test" denied the request: image is not signed')).toEqual(REFUSED);
    expect(
      await refused(
        'pods "checkout-v42-" is forbidden: error looking up service account shop/new: serviceaccount "new" not found',
      ),
    ).toEqual(REFUSED);
    expect(
      await refused(
        'pods "checkout-v42-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=4, limited: pods=4',
      ),
    ).toEqual(['']);
  });
});

test('pods that the cluster refuses are not counted if far too many are asked for by mistake', async () => {
  const message = 'pods "checkout-v42-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot';
  const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];
  const sets = [replicaSet('v41'), replicaSet('v42', { spec: { replicas: 300_000 }, status: { conditions } })];
  expect((await read({ sets, pods: STABLE })).answer).toEqual({
    kind: 'refused',
    detail: 'Deployment shop/checkout has more than 1000 pods',
  });
});

describe('pods whose probes fail', () => {
  const MESSAGE = 'Readiness probe failed: HTTP probe failed with statuscode: 503';
  const REASON = 'readiness probe failed';
  const reasons = async (options: PodOptions = {}, event = warning('d', 'Unhealthy', MESSAGE)) =>
    (await beside([pod('d', 'v42', { ready: false, ...options })], [event]))[0]?.reasons;

  test('can not start, once pods of the old version were ready for long', async () => {
    expect(await reasons()).toEqual([REASON]);
    expect(await reasons({ age: 50 })).toEqual([]);
    expect(
      await reasons(
        {},
        warning('d', 'Unhealthy', 'Startup probe failed: dial tcp 10.244.0.7:8080: connect: connection refused'),
      ),
    ).toEqual(['startup probe failed']);
    expect(await reasons({}, warning('d', 'Unhealthy', 'Readiness probe errored: rpc error: code = Unknown'))).toEqual(
      [],
    );
  });

  test('are not blamed if they had been ready', async () => {
    expect(await reasons({ age: 3600, since: 100 })).toEqual([]);
  });

  test('are not blamed if another pod of their version is ready', async () => {
    const found = await beside(
      [pod('d', 'v42', { ready: false }), pod('e', 'v42')],
      [warning('d', 'Unhealthy', MESSAGE)],
    );
    expect(found.map(({ reasons: told }) => told)).toEqual([[], []]);
  });

  test('are given twice the time of the quickest pod of another version', async () => {
    const slow = STABLE.map((one, index) => pod(`s${index}`, 'v41', { age: 9000, since: 8900 - index }));
    const found = async (age: number) => {
      const { answer } = await read({
        pods: [...slow, pod('d', 'v42', { ready: false, age })],
        events: [warning('d', 'Unhealthy', MESSAGE)],
      });
      return instancesIn(answer).at(-1)?.reasons;
    };
    expect(await found(195)).toEqual([]);
    expect(await found(205)).toEqual([REASON]);
  });

  test('are not blamed if no pod of another version is ready', async () => {
    const { answer } = await read({
      pods: [pod('a', 'v41', { ready: false }), pod('d', 'v42', { ready: false })],
      events: [warning('a', 'Unhealthy', MESSAGE), warning('d', 'Unhealthy', MESSAGE)],
    });
    expect(instancesIn(answer).map(({ reasons: found }) => found)).toEqual([[], []]);
  });

  test('are known by when the event was last seen, by either API', async () => {
    const older = { firstTimestamp: null, lastTimestamp: null };
    const at = (seconds: number) => ago(seconds).replace('Z', '.123456Z');
    const told = (times: object) => reasons({}, warning('d', 'Unhealthy', MESSAGE, times));
    expect(await told({ ...older, eventTime: at(900), series: { count: 12, lastObservedTime: at(20) } })).toEqual([
      REASON,
    ]);
    expect(await told({ ...older, eventTime: at(20), series: null })).toEqual([REASON]);
    expect(await told({ ...older, eventTime: at(900) })).toEqual([]);
    expect(await told({ firstTimestamp: ago(900), lastTimestamp: ago(600), count: 3, eventTime: null })).toEqual([]);
  });
});

describe('what cannot be read', () => {
  const UNREADY = [...STABLE, pod('d', 'v42', { ready: false })];

  test('are events: the pods are known without them', async () => {
    const { answer } = await read({ pods: UNREADY, events: 'forbidden' });
    expect(answer).toMatchObject({
      kind: 'instances',
      unread: expect.stringContaining('cannot list resource "events"') as string,
    });
    expect(instancesIn(answer).at(-1)).toEqual({ names: ['v42'], ready: false, restarts: 0, reasons: [] });
  });

  test('are events of pods that are all well: they are not asked for, unless permissions are checked', async () => {
    expect((await read({ pods: STABLE, events: 'forbidden' })).answer).toMatchObject({ unread: null });
    const { answer } = await read({ pods: STABLE, events: 'forbidden' }, { all: true });
    expect(answer).toMatchObject({ unread: expect.stringContaining('events') as string });
  });
});

describe('the pods in a cluster', () => {
  const at = (opened: Awaited<ReturnType<typeof openCluster>>) => ({
    cluster: { ...opened.cluster, clock: { now: () => new Date(opened.now()).toISOString() as never } },
    service: 'checkout',
  });
  const read1 = async (
    opened: Awaited<ReturnType<typeof openCluster>>,
    kind: 'Deployment' | 'Rollout' = 'Deployment',
  ) => {
    const { instances } =
      kind === 'Deployment'
        ? kubernetesDeployer({ kind: 'kubernetes', namespace: 'default' }, at(opened))
        : argoRolloutsDeployer({ kind: 'argo-rollouts', namespace: 'default' }, at(opened));
    return (await instances?.()) ?? expect.unreachable();
  };

  test.each(['Deployment', 'Rollout'] as const)('of a %s crash beside those of the old version', async (kind) => {
    const opened = await openCluster(kind);
    await opened.deploy('v41', { steps: [{ setWeight: 50 }, { pause: {} }] });
    opened.forward();
    await opened.settings({ pods: { v42: 'crashes' } });
    await opened.deploy('v42');
    opened.forward();
    const found = instancesIn(await read1(opened, kind));
    const of = (version: string) => found.filter(({ names }) => names[0] === version);
    expect(of('v41').every(({ ready }) => ready)).toBe(true);
    expect(of('v41').length).toBeGreaterThan(0);
    expect(of('v42').map(({ ready, reasons }) => [ready, reasons.join()])).toContainEqual([false, 'CrashLoopBackOff']);
    expect(of('v42').some(({ ready }) => ready)).toBe(false);
  });

  test('are read in pages, up to a limit', async () => {
    const opened = await openCluster('Deployment');
    await opened.deploy('v41', { replicas: 600 });
    opened.forward();
    expect(instancesIn(await read1(opened))).toHaveLength(600);
    await opened.patch({ spec: { replicas: 1001 } });
    opened.forward();
    opened.forward();
    expect(await read1(opened)).toEqual({
      kind: 'refused',
      detail: 'Deployment default/checkout has more than 1000 pods',
    });
  });

  test('are not known without the permission to list them', async () => {
    const opened = await twoVersions('Deployment');
    await opened.settings({ denied: ['list pods'] });
    expect(await read1(opened)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('cannot list resource "pods"') as string,
    });
  });
});
