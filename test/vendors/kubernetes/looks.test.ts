import { describe, expect, test } from 'vitest';
import type { LookRequest, LookResponse, LookTarget } from '../../../core/domain/rollback/targets.ts';
import { kubernetesDeployer } from '../../../vendors/kubernetes/deployment.ts';
import { argoRolloutsDeployer } from '../../../vendors/kubernetes/rollout.ts';
import { setFault } from '../../../packages/sandbox/test/support.ts';
import { looks, type LookWorld } from '../look-conformance.ts';
import { fault, image, openCluster, request, type TestCluster, twoVersions } from './cluster.ts';

const KEY = 'look-01JCYZ7Q8M3N5P7R9T1V3X5Z7B-1';
const lookRequest = (more: Partial<LookRequest> = {}): LookRequest => ({
  ...request(),
  key: KEY,
  seconds: 360,
  ...more,
});

const CORE = '/api/v1/namespaces/default';
const NAME = 'app.kubernetes.io/name';

const lookIn = (
  { cluster }: Pick<TestCluster, 'cluster'>,
  kind: 'Deployment' | 'Rollout' = 'Deployment',
): LookTarget => {
  const options = { cluster, service: 'checkout' };
  const { look } =
    kind === 'Deployment'
      ? kubernetesDeployer({ kind: 'kubernetes', namespace: 'default' }, options)
      : argoRolloutsDeployer({ kind: 'argo-rollouts', namespace: 'default' }, options);
  if (look === undefined) throw new Error('the deployer has no look');
  return look;
};

const podsIn = async ({ ask }: TestCluster) =>
  (await ask('GET', `${CORE}/pods?labelSelector=firebreak.dev/look`)).items as any[];
const service = ({ ask }: TestCluster, selector: object = { [NAME]: 'checkout' }, name = 'checkout') =>
  ask('POST', `${CORE}/services`, { metadata: { name }, spec: { selector } });

/** A cluster that runs v42 after v41, with a Service. */
async function served(kind: 'Deployment' | 'Rollout' = 'Deployment', more: object = {}): Promise<TestCluster> {
  const opened = await twoVersions(kind, more);
  await service(opened);
  return opened;
}

/** Replaces the pod template of the next version. */
async function shipTemplate(opened: TestCluster, version: string, change: { metadata?: object; spec?: object }) {
  const { spec } = await opened.object();
  const { metadata, spec: pod } = spec.template;
  await opened.patch({
    spec: {
      template: {
        metadata: {
          ...metadata,
          ...change.metadata,
          labels: { ...metadata.labels, ...(change.metadata as any)?.labels },
        },
        spec: { ...pod, containers: [{ name: 'checkout', image: image(version) }], ...change.spec },
      },
    },
  });
  opened.forward();
}

/** A cluster whose two versions have pod templates with this change. */
async function changed(change: { metadata?: object; spec?: object }): Promise<TestCluster> {
  const opened = await openCluster('Deployment');
  await opened.deploy('v40');
  opened.forward();
  for (const version of ['v41', 'v42']) await shipTemplate(opened, version, change);
  return opened;
}

const denied = (method: 'POST' | 'DELETE') => ({
  ...fault('refused', method),
  fault: {
    kind: 'status' as const,
    status: 403,
    body: {
      kind: 'Status',
      status: 'Failure',
      reason: 'Forbidden',
      message: 'pods is forbidden: User "firebreak" cannot touch resource "pods" in API group ""',
      code: 403,
    },
  },
});

async function worldOf(opened: TestCluster, look: LookTarget): Promise<LookWorld> {
  return {
    look,
    request: lookRequest(),
    pass: (seconds) => opened.forward(seconds * 1000),
    instances: async () => (await podsIn(opened)).map(({ metadata }) => metadata.name),
    async trouble(trouble, method) {
      await setFault(opened.standIns, trouble === 'refused' ? denied(method) : fault(trouble, method));
    },
    async ship() {
      await opened.deploy('v43');
      opened.forward();
      return 'v43';
    },
  };
}

describe('looks of a Deployment', () => {
  looks(async () => {
    const opened = await served();
    return worldOf(opened, lookIn(opened));
  });

  test('its pods are those of the two versions, with the labels of the Service, without owner', async () => {
    const opened = await changed({
      metadata: {
        labels: { 'app.kubernetes.io/instance': 'shop', 'app.kubernetes.io/managed-by': 'Helm', tier: 'web' },
        annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:default/checkout', note: 'kept' },
      },
      spec: {
        serviceAccountName: 'checkout',
        topologySpreadConstraints: [{ maxSkew: 1 }],
        terminationGracePeriodSeconds: 600,
        affinity: { nodeAffinity: { a: 1 }, podAntiAffinity: { b: 1 } },
      },
    });
    await service(opened);
    await lookIn(opened).start(lookRequest());
    const pods = await podsIn(opened);
    const [other] = pods;
    expect(pods.map(({ spec }) => spec.containers[0].image)).toEqual([image('v41'), image('v42')]);
    expect(other.metadata.ownerReferences).toBeUndefined();
    expect(other).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^checkout-look-[0-9a-f]{16}-other$/) as string,
        annotations: {
          note: 'kept',
          'firebreak.dev/look-key': KEY,
          'argocd.argoproj.io/sync-options': 'Prune=false',
          'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
        },
      },
      spec: { activeDeadlineSeconds: 360, serviceAccountName: 'checkout', terminationGracePeriodSeconds: 30 },
    });
    expect(other.metadata.labels).toEqual({
      [NAME]: 'checkout',
      'app.kubernetes.io/managed-by': 'Helm',
      tier: 'web',
      'firebreak.dev/look': expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      'firebreak.dev/look-role': 'other',
      'firebreak.dev/incident': '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    });
    expect(other.metadata.annotations).not.toHaveProperty('argocd.argoproj.io/tracking-id');
    expect(other.spec.topologySpreadConstraints).toBeUndefined();
    expect(other.spec.affinity).toEqual({
      nodeAffinity: { a: 1 },
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { 'firebreak.dev/look': other.metadata.labels['firebreak.dev/look'] } },
            topologyKey: 'kubernetes.io/hostname',
          },
        ],
      },
    });
    // No ReplicaSet would adopt it.
    for (const { spec } of await opened.replicaSets())
      expect(Object.keys(other.metadata.labels)).not.toEqual(
        expect.arrayContaining(Object.keys(spec.selector.matchLabels)),
      );
  });

  test('where the pods must be beside others, only the suspect follows, since the first could not select itself', async () => {
    const cache = { labelSelector: { matchLabels: { app: 'cache' } }, topologyKey: 'kubernetes.io/hostname' };
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [cache] };
    const opened = await changed({ spec: { affinity: { podAffinity } } });
    await service(opened);
    await lookIn(opened).start(lookRequest());
    const terms = (await podsIn(opened)).map(
      ({ spec }) => spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution,
    );
    expect(terms).toEqual([[cache], [cache, expect.objectContaining({ topologyKey: 'kubernetes.io/hostname' })]]);
  });

  test('a tracking label that the Service selects by is kept', async () => {
    const opened = await changed({ metadata: { labels: { 'app.kubernetes.io/instance': 'shop' } } });
    await service(opened, { [NAME]: 'checkout', 'app.kubernetes.io/instance': 'shop' });
    await lookIn(opened).start(lookRequest());
    expect((await podsIn(opened)).map(({ metadata }) => metadata.labels['app.kubernetes.io/instance'])).toEqual([
      'shop',
      'shop',
    ]);
  });

  test.each<[string, () => Promise<TestCluster>, RegExp]>([
    [
      'a volume with a claim',
      () => changed({ spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } }),
      /Deployment default\/checkout is stateful: its volume data is a PersistentVolumeClaim/,
    ],
    ['no Service', () => twoVersions('Deployment'), /no Service selects the pods of Deployment default\/checkout/],
    [
      'a Service of another workload, or without selector',
      async () => {
        const opened = await twoVersions('Deployment');
        await service(opened, { [NAME]: 'cart' }, 'cart');
        await opened.ask('POST', `${CORE}/services`, { metadata: { name: 'external' }, spec: {} });
        return opened;
      },
      /no Service selects the pods/,
    ],
    [
      'a Service that selects one version',
      async () => {
        const opened = await twoVersions('Deployment');
        await service(opened, { [NAME]: 'checkout', 'pod-template-hash': 'bcdfgh' });
        return opened;
      },
      /Service checkout selects the pods of Deployment default\/checkout by pod-template-hash, so .* no traffic/,
    ],
    [
      'a paused Deployment',
      async () => {
        const opened = await served();
        await opened.patch({ spec: { paused: true } });
        return opened;
      },
      /is paused/,
    ],
    [
      'a quota without room',
      async () => {
        const opened = await served();
        await opened.ask('POST', `${CORE}/resourcequotas`, {
          metadata: { name: 'compute' },
          spec: { hard: { pods: '3' } },
        });
        return opened;
      },
      /exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3$/,
    ],
    [
      'a version whose ReplicaSet is not kept',
      async () => {
        const opened = await openCluster('Deployment');
        await opened.deploy('v41', { revisionHistoryLimit: 0 });
        opened.forward();
        await opened.deploy('v42');
        opened.forward();
        await service(opened);
        return opened;
      },
      /no ReplicaSet of v41 exists/,
    ],
    ...['list services', 'list pods', 'create pods', 'delete pods'].map(
      (permission): [string, () => Promise<TestCluster>, RegExp] => [
        `the missing permission ${permission}`,
        async () => {
          const opened = await served();
          await opened.settings({ denied: [permission] });
          return opened;
        },
        new RegExp(
          `cannot ${permission.split(' ')[0]} resource "${permission.split(' ')[1]}".*docs/how-to/kubernetes.md`,
        ),
      ],
    ),
  ])('is refused for %s', async (_, open, detail) => {
    const opened = await open();
    const refused = { kind: 'refused', detail: expect.stringMatching(detail) as string };
    expect(await lookIn(opened).plan(lookRequest())).toEqual(refused);
    await opened.settings({});
    expect(await podsIn(opened)).toEqual([]);
  });

  test('a quota with room for one runs the old version only, until the look ends', async () => {
    const opened = await served();
    await opened.ask('POST', `${CORE}/resourcequotas`, {
      metadata: { name: 'compute' },
      spec: { hard: { pods: '4' } },
    });
    const look = lookIn(opened);
    expect(await look.plan(lookRequest())).toMatchObject({ kind: 'possible' });
    expect(await look.start(lookRequest())).toMatchObject({ kind: 'refused' });
    expect((await podsIn(opened)).map(({ spec }) => spec.containers[0].image)).toEqual([image('v41')]);
    await look.end(lookRequest());
    opened.forward();
    expect(await look.end(lookRequest())).toEqual({ kind: 'gone' });
    expect(await podsIn(opened)).toEqual([]);
  });

  test('an instance that another system removes is gone, and not started again', async () => {
    const opened = await served();
    const look = lookIn(opened);
    await look.start(lookRequest());
    const [other] = await podsIn(opened);
    await opened.ask('DELETE', `${CORE}/pods/${other.metadata.name}`);
    opened.forward();
    expect(await look.start(lookRequest())).toMatchObject({
      suspect: { state: 'ready' },
      other: { name: other.metadata.name, state: 'gone' },
    });
    expect(await podsIn(opened)).toHaveLength(1);
  });

  test.each<['crashes' | 'never-ready' | 'evicted', object]>([
    ['crashes', { state: 'failed', restarts: 2, detail: 'CrashLoopBackOff: exited with 1 (Error)' }],
    ['never-ready', { state: 'starting', detail: 'containers with unready status: [checkout]' }],
    ['evicted', { state: 'gone', detail: 'Evicted: The node was low on resource: memory.' }],
  ])('an instance that %s is not reported as running', async (fate, suspect) => {
    const opened = await served();
    await opened.settings({ pods: { v42: fate } });
    await lookIn(opened).start(lookRequest());
    opened.forward();
    expect(await lookIn(opened).start(lookRequest())).toMatchObject({ suspect, other: { state: 'ready' } });
  });

  test.each<['unschedulable' | 'unpullable', RegExp]>([
    ['unschedulable', /no node has room for the two instances: .*Insufficient cpu/],
    ['unpullable', /the image of checkout-look-\w+-suspect cannot be pulled: ImagePullBackOff/],
  ])('an instance that is %s shows nothing about its version', async (fate, detail) => {
    const opened = await served();
    await opened.settings({ pods: { v42: fate } });
    await lookIn(opened).start(lookRequest());
    opened.forward();
    const refused: LookResponse = { kind: 'refused', detail: expect.stringMatching(detail) as string };
    expect(await lookIn(opened).start(lookRequest())).toEqual(refused);
  });

  test('an end removes the pods although the Deployment changes meanwhile', async () => {
    const opened = await served();
    const look = lookIn(opened);
    await look.start(lookRequest());
    let requested = 0;
    opened.before.call = async () => {
      requested += 1;
      if (requested === 2) await opened.patch({ metadata: { labels: { touched: 'yes' } } }); // between read and mark
    };
    expect(await look.end(lookRequest())).toEqual({ kind: 'ending' });
    opened.forward();
    expect(await podsIn(opened)).toEqual([]);
  });

  test('of two attempts at the same time, one goes on', async () => {
    const opened = await served();
    const look = lookIn(opened);
    const answers = await Promise.all([look.start(lookRequest()), look.start(lookRequest())]);
    expect(answers.map(({ kind }) => kind)).toContain('running');
    expect(await podsIn(opened)).toHaveLength(2);
  });
});

const EXPERIMENTS = '/apis/argoproj.io/v1alpha1/namespaces/default/experiments';

describe('looks of a Rollout', () => {
  looks(async () => {
    const opened = await served('Rollout');
    return worldOf(opened, lookIn(opened, 'Rollout'));
  });

  test('its Experiment has a pod of each version, a duration, and is removed at the end', async () => {
    const opened = await served('Rollout', { labels: { 'argo-rollouts.argoproj.io/controller-instance-id': 'blue' } });
    const look = lookIn(opened, 'Rollout');
    expect(await look.start(lookRequest())).toMatchObject({
      kind: 'later',
      detail: expect.stringContaining('has not created both pods') as string,
    });
    const { items } = await opened.ask('GET', EXPERIMENTS);
    expect(items).toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({
          name: expect.stringMatching(/^checkout-look-[0-9a-f]{16}$/) as string,
          annotations: { 'firebreak.dev/look-key': KEY },
          labels: {
            'app.kubernetes.io/managed-by': 'firebreak',
            'argo-rollouts.argoproj.io/controller-instance-id': 'blue',
          },
        }) as object,
        spec: expect.objectContaining({ duration: '360s', progressDeadlineSeconds: 120 }) as object,
      }),
    ]);
    const { templates } = items[0].spec;
    expect(templates.map(({ name, template }: any) => [name, template.spec.containers[0].image])).toEqual([
      ['other', image('v41')],
      ['suspect', image('v42')],
    ]);
    for (const { template } of templates) {
      expect(template.metadata.labels[NAME]).toBe('checkout');
      expect(template.metadata.labels).not.toHaveProperty('rollouts-pod-template-hash');
    }
    opened.forward();
    await look.end(lookRequest());
    opened.forward();
    expect(await look.end(lookRequest())).toEqual({ kind: 'gone' });
    expect((await opened.ask('GET', EXPERIMENTS)).items).toEqual([]);
  });

  test('an Experiment that cannot become available ends without Firebreak, and its pods are gone', async () => {
    const opened = await served('Rollout');
    await opened.settings({ pods: { v42: 'crashes' } });
    const look = lookIn(opened, 'Rollout');
    await look.start(lookRequest());
    opened.forward();
    await look.start(lookRequest());
    opened.forward();
    expect(await look.start(lookRequest())).toMatchObject({ suspect: { state: 'failed' }, other: { state: 'ready' } });
    opened.forward(120_000);
    await podsIn(opened);
    opened.forward();
    expect(await look.start(lookRequest())).toEqual({ kind: 'gone' });
  });

  test.each<[string, (opened: TestCluster) => Promise<unknown>, RegExp]>([
    [
      'Services that select one version, as with traffic routing and blue/green',
      (opened) => service(opened, { [NAME]: 'checkout', 'rollouts-pod-template-hash': 'bcdfgh' }),
      /Service checkout selects the pods of Rollout default\/checkout by rollouts-pod-template-hash/,
    ],
    [
      'a missing permission',
      async (opened) => {
        await service(opened);
        await opened.settings({ denied: ['create experiments.argoproj.io'] });
      },
      /cannot create resource "experiments" in API group "argoproj.io".*docs\/how-to\/kubernetes.md/,
    ],
  ])('is refused for %s', async (_, given, detail) => {
    const opened = await twoVersions('Rollout');
    await given(opened);
    expect(await lookIn(opened, 'Rollout').plan(lookRequest())).toEqual({
      kind: 'refused',
      detail: expect.stringMatching(detail) as string,
    });
  });
});
