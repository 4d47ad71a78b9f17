import { describe, expect, test } from 'vitest';
import { kubernetesDeployer } from '../../../vendors/kubernetes/deployment.ts';
import type { KubernetesDeployer } from '../../../vendors/kubernetes/schema.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { image, openCluster, request, targetWorld, type TestCluster, twoVersions } from './cluster.ts';
import { vendor } from '../server.ts';
import { conforms } from '../target-conformance.ts';

const deployerIn = ({ cluster }: Pick<TestCluster, 'cluster'>, more: Partial<KubernetesDeployer> = {}) =>
  kubernetesDeployer({ kind: 'kubernetes', namespace: 'default', ...more }, { cluster, service: 'checkout' });

const said = (text: string) => expect.stringContaining(text) as string;

describe('a Deployment conforms to the deployer contract', () => {
  conforms(async () => {
    const opened = await twoVersions('Deployment');
    return targetWorld(opened, deployerIn(opened));
  });
});

describe('a rollback', () => {
  test("uses the pod template of the explicit version's ReplicaSet, and keeps all other fields of the Deployment", async () => {
    const opened = await openCluster('Deployment');
    for (const version of ['v40', 'v41', 'v42']) {
      await opened.deploy(version, version === 'v40' ? { annotations: { team: 'shop' } } : {});
      opened.forward();
    }
    const before = await opened.replicaSets();
    const answer = await deployerIn(opened).rollBack(request({ to: 'v40' as Version }));
    expect(answer).toMatchObject({ kind: 'in_progress', handle: expect.stringMatching(/./) as string });
    opened.forward();
    expect(await deployerIn(opened).rollBack(request({ to: 'v40' as Version }))).toEqual({
      kind: 'succeeded',
      id: 'revision 4',
    });
    const after = await opened.replicaSets();
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
    const { metadata, spec } = await opened.object();
    expect(metadata.annotations).toMatchObject({
      team: 'shop',
      'firebreak.dev/rollback-key': request().key,
      'kubernetes.io/change-cause': 'Firebreak 01JCYZ7Q8M3N5P7R9T1V3X5Z7B: INC-42 HighErrorBurnRate',
    });
    expect(spec.template.metadata.labels).toEqual({ 'app.kubernetes.io/name': 'checkout' });
    expect(spec.template.spec.containers).toEqual([{ name: 'checkout', image: image('v40') }]);
  });

  test('is refused if the revision is not kept, with the available versions', async () => {
    const opened = await openCluster('Deployment');
    await opened.deploy('v40', { revisionHistoryLimit: 1 });
    for (const version of ['v41', 'v42']) {
      opened.forward();
      await opened.deploy(version);
    }
    opened.forward();
    expect(await deployerIn(opened).rollBack(request({ to: 'v40' as Version }))).toEqual({
      kind: 'refused',
      detail: expect.stringMatching(
        /no ReplicaSet of v40 exists.*existing versions: v42, v41.*revisionHistoryLimit/,
      ) as string,
    });
  });

  test('uses the newest of several revisions of one version', async () => {
    const opened = await twoVersions('Deployment');
    const template = (await opened.object()).spec.template;
    const env = { name: 'checkout', image: image('v41'), env: [{ name: 'LIMIT', value: '5' }] };
    await opened.patch({ spec: { template: { ...template, spec: { containers: [env] } } } });
    opened.forward();
    await opened.deploy('v43');
    opened.forward();
    const deployer = deployerIn(opened);
    expect(await deployer.rollBack(request({ from: 'v43' as Version }))).toMatchObject({ kind: 'in_progress' });
    expect((await opened.object()).spec.template.spec.containers).toEqual([env]);
  });

  test('starts while the bad version is still being rolled out', async () => {
    const opened = await openCluster('Deployment');
    await opened.deploy('v41');
    opened.forward();
    await opened.settings({ outcome: 'failed' });
    await opened.deploy('v42');
    opened.forward(700_000);
    expect((await opened.object()).status.conditions).toContainEqual(
      expect.objectContaining({ reason: 'ProgressDeadlineExceeded' }),
    );
    await opened.settings({ outcome: 'succeeded' });
    const deployer = deployerIn(opened);
    // The bad version's progress says nothing about the rollback.
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    opened.forward();
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
  });

  test('fails after its progress deadline', async () => {
    const opened = await twoVersions('Deployment');
    const deployer = deployerIn(opened);
    await opened.settings({ outcome: 'failed' });
    await deployer.rollBack(request());
    opened.forward(599_000);
    expect(await deployer.status('', request())).toMatchObject({ kind: 'in_progress' });
    opened.forward(2000);
    expect(await deployer.status('', request())).toEqual({
      kind: 'failed',
      detail: expect.stringMatching(/revision 3 is past its progress deadline: ReplicaSet "checkout-/) as string,
    });
  });

  test('is retried after a concurrent change', async () => {
    const opened = await twoVersions('Deployment');
    let requested = 0;
    opened.before.call = async () => {
      requested += 1;
      if (requested === 3) await opened.patch({ metadata: { labels: { touched: 'yes' } } }); // between read and patch
    };
    const deployer = deployerIn(opened);
    expect(await deployer.rollBack(request())).toEqual({
      kind: 'later',
      detail: said('the object has been modified'),
      afterSeconds: null,
    });
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
  });

  test('is not repeated if something restores the bad version', async () => {
    const opened = await twoVersions('Deployment');
    const deployer = deployerIn(opened);
    await deployer.rollBack(request());
    await opened.deploy('v42');
    opened.forward();
    expect(await deployer.rollBack(request())).toEqual({
      kind: 'failed',
      detail: said('another system then changed it back to v42'),
    });
    expect(await opened.writes()).toHaveLength(1);
  });

  test('is superseded by a later deployment', async () => {
    const opened = await twoVersions('Deployment');
    const deployer = deployerIn(opened);
    await deployer.rollBack(request());
    await opened.deploy('v43');
    expect(await deployer.status('', request())).toEqual({ kind: 'superseded', current: 'v43' });
    expect(await deployer.checkDrift?.(request())).toEqual({ kind: 'drifted', detail: said('v43') });
  });

  describe('to a version with the same name', () => {
    const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
    const shared = { from: '6.4' as Version, to: '6.4' as Version, fromCommit: B, toCommit: A };

    test('restores the one whose image has its commit', async () => {
      const opened = await openCluster('Deployment');
      for (const tag of ['sha-1111111', 'sha-2222222']) {
        await opened.deploy(tag);
        opened.forward();
      }
      const deployer = deployerIn(opened);
      expect(await deployer.checkDrift?.(request(shared))).toMatchObject({ kind: 'drifted' });
      expect(await deployer.rollBack(request(shared))).toMatchObject({ kind: 'in_progress' });
      opened.forward();
      expect(await opened.running()).toBe('sha-1111111');
      expect(await deployer.checkDrift?.(request(shared))).toEqual({ kind: 'holds' });
    });

    test('restores the one whose tag has its commit after the name', async () => {
      const opened = await openCluster('Deployment');
      for (const tag of ['6.4-a111111', '6.4-b222222']) {
        await opened.deploy(tag);
        opened.forward();
      }
      const call = request({ ...shared, fromCommit: `b222222${'0'.repeat(33)}`, toCommit: `a111111${'0'.repeat(33)}` });
      expect(await deployerIn(opened).rollBack(call)).toMatchObject({ kind: 'in_progress' });
      opened.forward();
      expect(await opened.running()).toBe('6.4-a111111');
    });

    test('is superseded, and has drifted, if a third commit runs', async () => {
      const opened = await openCluster('Deployment');
      await opened.deploy('6.4-c333333');
      opened.forward();
      const { template } = (await opened.object()).spec;
      const labels = { ...template.metadata.labels, 'app.kubernetes.io/version': '6.4' };
      await opened.patch({ spec: { template: { ...template, metadata: { ...template.metadata, labels } } } });
      const deployer = deployerIn(opened);
      expect(await deployer.checkDrift?.(request(shared))).toMatchObject({ kind: 'drifted' });
      expect(await deployer.rollBack(request(shared))).toEqual({ kind: 'superseded', current: '6.4' });
      const others = { ...shared, from: '6.4' as Version, to: '6.3' as Version };
      expect(await deployer.rollBack(request(others))).toEqual({ kind: 'superseded', current: '6.4' });
    });

    test('is refused if the pod template does not tell which one runs, and so is unknown whether it was done', async () => {
      const opened = await openCluster('Deployment');
      await opened.deploy('6.4');
      opened.forward();
      const deployer = deployerIn(opened);
      expect(await deployer.checkDrift?.(request(shared))).toEqual({ kind: 'unknown', detail: said('the name 6.4') });
      expect(await deployer.rollBack(request(shared))).toEqual({ kind: 'refused', detail: said('the name 6.4') });
      expect(await opened.writes()).toEqual([]);
    });
  });

  test('it is not known what runs if a pod template shows both versions', async () => {
    const opened = await twoVersions('Deployment');
    const { template } = (await opened.object()).spec;
    const labels = { ...template.metadata.labels, 'app.kubernetes.io/version': 'v41' };
    await opened.patch({ spec: { template: { ...template, metadata: { ...template.metadata, labels } } } });
    expect(await deployerIn(opened).checkDrift?.(request())).toMatchObject({ kind: 'unknown', detail: said('v42') });
  });

  test('is superseded if another rollback came first', async () => {
    const opened = await twoVersions('Deployment');
    await opened.deploy('v41');
    expect(await deployerIn(opened).rollBack(request())).toEqual({ kind: 'superseded', current: 'v41' });
  });

  test('is refused while the Deployment is paused', async () => {
    const opened = await twoVersions('Deployment');
    await opened.patch({ spec: { paused: true } });
    expect(await deployerIn(opened).rollBack(request())).toEqual({ kind: 'refused', detail: said('is paused') });
    expect(await opened.writes()).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      'Argo CD by label',
      { labels: { 'argocd.argoproj.io/instance': 'shop' } },
      'Argo CD manages it as its application shop',
    ],
    [
      'Argo CD by annotation',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:default/checkout' } },
      'Argo CD manages it as its application shop; use a deployer of kind argo-cd',
    ],
    [
      'Flux',
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
      'Kustomization apps; use a deployer of kind github',
    ],
    ['a HelmRelease of Flux', { labels: { 'helm.toolkit.fluxcd.io/name': 'shop' } }, 'HelmRelease shop'],
  ])('is refused if %s would revert it, unless that is allowed', async (_, metadata, detail) => {
    const opened = await twoVersions('Deployment', metadata);
    const deployer = deployerIn(opened);
    expect(await deployer.rollBack(request())).toEqual({ kind: 'refused', detail: said(detail) });
    expect(await deployer.scaling?.set({ ...request(), from: 3, to: 5 })).toMatchObject({ kind: 'refused' });
    expect(await opened.writes()).toEqual([]);
    await opened.patch({ metadata: { annotations: { 'firebreak.dev/allow-rollback': 'true' } } });
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
  });

  test('is possible for a Helm release', async () => {
    const metadata = { annotations: { 'meta.helm.sh/release-name': 'shop' } };
    const opened = await twoVersions('Deployment', metadata);
    expect(await deployerIn(opened).rollBack(request())).toMatchObject({ kind: 'in_progress' });
  });
});

describe('the version of a pod template', () => {
  const sha = '3f0c1d2e4b5a69788796a5b4c3d2e1f001122334';

  /** Deploys two templates, and requests a rollback from the second to the first. */
  const between = async (
    templates: [object, object],
    names: { from: string; to: string; fromCommit?: string; toCommit?: string },
    container?: string,
  ) => {
    const opened = await openCluster('Deployment');
    await opened.deploy('unnamed');
    for (const template of templates) {
      await opened.patch({ spec: { template } });
      opened.forward();
    }
    const asked = request({
      from: names.from as Version,
      to: names.to as Version,
      fromCommit: names.fromCommit ?? null,
      toCommit: names.toCommit ?? null,
    });
    return deployerIn(opened, container === undefined ? {} : { container }).rollBack(asked);
  };
  const images = (...all: string[]) => ({
    spec: { containers: all.map((one, index) => ({ name: ['checkout', 'proxy'][index], image: one })) },
  });

  test.each<[string, Parameters<typeof between>]>([
    ['an image tag', [[images('shop:v1'), images('shop:v2')], { from: 'v2', to: 'v1' }]],
    [
      'the tag of the container that is named',
      [[images('shop:x', 'proxy:v1'), images('shop:x', 'proxy:v2')], { from: 'v2', to: 'v1' }, 'proxy'],
    ],
    [
      'a digest',
      [[images('shop@sha256:aaaa'), images('shop:v2@sha256:bbbb')], { from: 'sha256:bbbb', to: 'sha256:aaaa' }],
    ],
    [
      'a label',
      [
        [
          { metadata: { labels: { 'app.kubernetes.io/version': '1.0' } } },
          { metadata: { labels: { 'app.kubernetes.io/version': '1.1' } } },
        ],
        { from: '1.1', to: '1.0' },
      ],
    ],
    [
      'an annotation',
      [
        [
          { metadata: { annotations: { 'firebreak.dev/version': 'one' } } },
          { metadata: { annotations: { 'firebreak.dev/version': 'two' } } },
        ],
        { from: 'two', to: 'one' },
      ],
    ],
    [
      'a tag of the commit',
      [
        [images(`shop:sha-${sha.slice(0, 7)}`), images('shop:9a8b7c6d')],
        { from: '2026.11.20-4', to: '2026.11.19-2', fromCommit: '9A8B7C6D'.padEnd(40, '0'), toCommit: sha },
      ],
    ],
  ])('%s', async (_, args) => {
    expect(await between(...args)).toMatchObject({ kind: 'in_progress' });
  });

  test("doesn't match too few digits of a commit", async () => {
    const names = { from: 'v2', to: 'v1', toCommit: sha };
    expect(await between([images('shop:3f0c1d'), images('shop:v2')], names)).toMatchObject({ kind: 'refused' });
  });

  test('without any name is reported as such', async () => {
    const names = { from: 'v2', to: 'v1' };
    expect(await between([images('shop:v1'), images('shop')], names)).toEqual({
      kind: 'superseded',
      current: 'an unnamed version',
    });
  });
});

describe('scaling', () => {
  test('sets the count, and is done when the pods are available', async () => {
    const opened = await twoVersions('Deployment');
    const { scaling } = deployerIn(opened);
    const requested = { ...request(), from: 3, to: 5 };
    expect(await scaling?.count()).toEqual({ kind: 'count', count: 3 });
    expect(await scaling?.set(requested)).toMatchObject({ kind: 'in_progress', handle: null });
    expect(await scaling?.count()).toEqual({ kind: 'count', count: 5 });
    opened.forward();
    expect(await scaling?.set(requested)).toEqual({ kind: 'succeeded', id: null });
    expect(await opened.writes()).toHaveLength(1);
    expect(await opened.revision()).toBe('2');
  });

  test('is superseded if the count is changed before or after', async () => {
    const opened = await twoVersions('Deployment');
    const { scaling } = deployerIn(opened);
    expect(await scaling?.set({ ...request(), from: 4, to: 5 })).toEqual({ kind: 'superseded', current: '3 replicas' });
    await scaling?.set({ ...request(), from: 3, to: 5 });
    await opened.patch({ spec: { replicas: 1 } });
    expect(await scaling?.set({ ...request(), from: 3, to: 5 })).toEqual({ kind: 'superseded', current: '1 replica' });
  });

  test('is refused if there is an autoscaler', async () => {
    const opened = await twoVersions('Deployment');
    const { scaling } = deployerIn(opened);
    await opened.autoscale('search');
    expect(await scaling?.count()).toEqual({ kind: 'count', count: 3 });
    await opened.autoscale('checkout');
    const refused = { kind: 'refused', detail: said('HorizontalPodAutoscaler checkout-hpa scales Deployment') };
    expect(await scaling?.count()).toEqual(refused);
    expect(await scaling?.set({ ...request(), from: 3, to: 5 })).toEqual(refused);
  });
});

describe('a restart', () => {
  test('replaces all pods once, with the same version', async () => {
    const opened = await twoVersions('Deployment');
    const deployer = deployerIn(opened);
    const first = await deployer.restart?.(request());
    expect(first).toMatchObject({ kind: 'in_progress' });
    opened.forward();
    expect(await deployer.restartStatus?.('', request())).toEqual({ kind: 'succeeded', id: 'revision 3' });
    expect(await deployer.restart?.(request())).toMatchObject({ kind: 'succeeded' });
    const { spec } = await opened.object();
    expect(spec.template.metadata.annotations).toEqual({
      'kubectl.kubernetes.io/restartedAt': '2026-11-20T12:00:00Z',
    });
    expect(await opened.running()).toBe('v42');
    expect(await opened.writes()).toHaveLength(1);
  });

  test('is refused while the Deployment is paused, and superseded by a later restart', async () => {
    const opened = await twoVersions('Deployment');
    const deployer = deployerIn(opened);
    await deployer.restart?.(request());
    await opened.patch({ metadata: { annotations: { 'firebreak.dev/restart-key': 'another' } } });
    expect(await deployer.restartStatus?.('', request())).toEqual({ kind: 'superseded', current: 'v42' });
    await opened.patch({ spec: { paused: true } });
    expect(await deployer.restart?.(request())).toMatchObject({ kind: 'refused', detail: said('paused') });
  });
});

describe('the API', () => {
  test.each<[string, Parameters<typeof vendor>[0], object]>([
    ['401', { status: 401 }, { kind: 'refused', detail: said('the token is invalid') }],
    ['403', { status: 403 }, { kind: 'refused', detail: said('docs/how-to/kubernetes.md') }],
    [
      '404',
      { status: 404, body: '{"kind":"Status","message":"deployments.apps \\"checkout\\" not found"}' },
      { kind: 'refused', detail: said('"checkout" not found') },
    ],
    ['409', { status: 409 }, { kind: 'later' }],
    ['410', { status: 410 }, { kind: 'refused' }],
    ['422', { status: 422 }, { kind: 'refused' }],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, { kind: 'later', afterSeconds: 7 }],
    ['503 with a time', { status: 503, headers: { 'retry-after': '2' } }, { kind: 'later', afterSeconds: 2 }],
    ['500', { status: 500 }, { kind: 'later', afterSeconds: null }],
    ['a login page', { status: 200, body: '<html>' }, { kind: 'refused', detail: said('not in the form of its API') }],
    ['half an answer', { cut: 200 }, { kind: 'later' }],
  ])('%s', async (_, reply, expected) => {
    const { url, received } = await vendor(reply);
    const { cluster } = await openCluster('Deployment');
    const deployer = deployerIn({ cluster: { ...cluster, url } });
    expect(await deployer.rollBack(request())).toMatchObject(expected);
    const [asked] = received;
    expect(asked).toMatchObject({ method: 'GET', path: '/apis/apps/v1/namespaces/default/deployments/checkout' });
    expect(asked?.headers.authorization).toBe('Bearer a-token-of-a-service-account');
    expect(await deployer.checkDrift?.(request())).toMatchObject({ kind: 'unknown' });
  });

  test('is not called without a token or for an invalid object name', async () => {
    const { url, received } = await vendor({ status: 200 });
    const { cluster } = await openCluster('Deployment');
    const none = { ...cluster, url, secrets: { get: async () => undefined } };
    expect(await deployerIn({ cluster: none }).rollBack(request())).toEqual({
      kind: 'refused',
      detail: said('KUBERNETES_TOKEN is not set'),
    });
    const odd = kubernetesDeployer(
      { kind: 'kubernetes', namespace: 'default' },
      { cluster: { ...cluster, url }, service: '../secrets/admin' },
    );
    expect(await odd.rollBack(request())).toEqual({
      kind: 'refused',
      detail: said('is not a valid name of a Deployment'),
    });
    expect(received).toEqual([]);
  });

  test('records the field manager of a change', async () => {
    const opened = await twoVersions('Deployment');
    await deployerIn(opened).rollBack(request());
    expect(await opened.writes()).toMatchObject([{ query: 'fieldManager=firebreak' }]);
  });
});

test('the target is the object, which is unique within a cluster', async () => {
  const { cluster } = await openCluster('Deployment');
  const deployer = deployerIn({ cluster }, { namespace: 'shop', deployment: 'web' });
  expect(deployer).toMatchObject({ target: `Deployment shop/web at ${cluster.url}`, effectClass: 'convergent' });
  expect(deployer.resource).not.toBe(deployerIn({ cluster }, { deployment: 'web' }).resource);
});
