import { readdirSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TargetResponse, Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { argoCdDeployer } from '../../../vendors/argo-cd/deployer.ts';
import { type ArgoCdDeployer } from '../../../vendors/argo-cd/schema.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { calls, exchange, sandbox } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { argoWorld, gitWorld, imagesOf, requestFor, type ArgoWorld, V43 } from './world.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Reply, vendor } from '../server.ts';
import { conforms } from '../target-conformance.ts';

const AUTOMATED = { automated: { prune: true, selfHeal: true } };
const suspending = (more: object = AUTOMATED) => argoWorld({ config: { automatedSync: 'suspend' }, application: more });

describe('without automated sync', () => {
  conforms(() => argoWorld());
});
describe('with automated sync that the deployer suspends', () => {
  conforms(() => suspending());
});
describe('with automated sync and a revert commit in Git', () => {
  conforms(() => gitWorld('commit'));
});

const said = (text: string) => expect.stringContaining(text) as string;
const clock = new SetClock('2026-11-20T06:50:00.000Z');
const [GOOD, BAD] = ['9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b', '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1'];

/** Returns a request that matches the exchanges: the version is an image tag, and the deployment's commit is known. */
const request = (more: Partial<RollbackCall> = {}): RollbackCall => ({
  ...requestFor({ v41: GOOD, v42: BAD }),
  from: '2026.11.20-4' as Version,
  to: '2026.11.19-2' as Version,
  fromCommit: null,
  ...more,
});

const deployerAt = (url: string, config: object = {}, token: string | undefined = 'argocd-test-token'): Deployer =>
  argoCdDeployer(DeployerConfig.parse({ kind: 'argo-cd', ...config }) as ArgoCdDeployer, {
    url,
    serviceEnvironment: { service: 'checkout-api' as ServiceName, environment: 'production' as EnvironmentName },
    secrets: { get: async (name) => (name === 'ARGOCD_TOKEN' ? token : undefined) },
    clock,
    git: undefined,
  });

const replyOf = (name: string) => exchange(`argo-cd/${name}`).response;
const OPEN: Reply = { body: '{"canSync":true}' };

describe('recorded exchange', () => {
  const APP = replyOf('app-get');
  /** The replies in order, and the expected result. */
  const EXPECTED: Record<string, { replies: [Reply, ...Reply[]]; config?: object; expected: TargetResponse }> = {
    'app-get': { replies: [APP, OPEN, replyOf('rollback')], expected: accepted() },
    rollback: { replies: [APP, OPEN, replyOf('rollback')], expected: accepted() },
    'rollback-automated-refused': {
      replies: [APP, OPEN, replyOf('rollback-automated-refused')],
      expected: { kind: 'refused', detail: said('auto-sync is enabled') },
    },
    'rollback-bad-id': {
      replies: [APP, OPEN, replyOf('rollback-bad-id')],
      expected: { kind: 'refused', detail: said('does not have deployment with id 999') },
    },
    'rollback-operation-in-progress': {
      replies: [APP, OPEN, replyOf('rollback-operation-in-progress')],
      expected: { kind: 'busy', detail: said('another operation is already in progress') },
    },
    'rollback-permission-denied': {
      replies: [APP, OPEN, replyOf('rollback-permission-denied')],
      expected: { kind: 'refused', detail: said('docs/how-to/argo-cd.md') },
    },
    unauthenticated: {
      replies: [replyOf('unauthenticated')],
      expected: { kind: 'refused', detail: said('ARGOCD_TOKEN is not valid') },
    },
    'app-get-automated': {
      replies: [replyOf('app-get-automated')],
      expected: { kind: 'refused', detail: said('`git`') },
    },
    'patch-disable-autosync': {
      replies: [replyOf('app-get-automated'), OPEN, replyOf('patch-disable-autosync'), replyOf('rollback')],
      config: { automatedSync: 'suspend' },
      expected: accepted(),
    },
    // Another sync deploys the same target.
    sync: { replies: [replyOf('sync')], expected: accepted() },
    'app-get-rollback-running': { replies: [replyOf('app-get-rollback-running')], expected: accepted() },
    'app-get-rollback-done': {
      replies: [replyOf('app-get-rollback-done')],
      expected: { kind: 'succeeded', id: '10' },
    },
    // The failed rollback can't be matched to this key, so a new one is attempted.
    'app-get-rollback-failed': {
      replies: [replyOf('app-get-rollback-failed'), OPEN, replyOf('rollback')],
      expected: accepted(),
    },
  };

  function accepted(): TargetResponse {
    return { kind: 'in_progress', id: '10', handle: said('"id":10') };
  }

  test('has an expectation', () => {
    const files = readdirSync(new URL('../../fixtures/argo-cd', import.meta.url)).filter((file) =>
      file.endsWith('.exchange.json'),
    );
    expect(files.map((file) => file.replace('.exchange.json', '')).toSorted()).toEqual(
      Object.keys(EXPECTED).toSorted(),
    );
  });

  test.each(Object.entries(EXPECTED))('%s', async (_, { replies, config, expected }) => {
    const { url, received } = await vendor(...replies);
    expect(await deployerAt(url, config).rollBack(request())).toEqual(expected);
    expect(received.length).toBeGreaterThanOrEqual(replies.length);
    for (const { headers } of received) expect(headers.authorization).toBe('Bearer argocd-test-token');
  });

  test('of a rollback matches the request', async () => {
    const { request: asked } = exchange('argo-cd/rollback');
    const { url, received } = await vendor(APP, OPEN, replyOf('rollback'));
    await deployerAt(url).rollBack(request());
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${exchange('argo-cd/app-get').request.path}`,
      `GET ${exchange('argo-cd/app-get').request.path}/syncwindows`,
      `POST ${asked.path}`,
    ]);
    expect(JSON.parse(received[2]?.body ?? '')).toEqual(JSON.parse(asked.body));
    expect(received[2]?.headers['content-type']).toBe(asked.headers['Content-Type']);
  });

  test.each<[string, TargetResponse]>([
    ['app-get-rollback-running', accepted()],
    ['app-get-rollback-done', { kind: 'succeeded', id: '10' }],
    ['app-get-rollback-failed', { kind: 'failed', detail: said('one or more objects failed to apply') }],
    ['app-get', { kind: 'failed', detail: said(BAD) }],
    ['unauthenticated', { kind: 'refused', detail: said('no session information') }],
  ])('of the progress: %s', async (name, expected) => {
    const { url } = await vendor(APP, OPEN, replyOf('rollback'), replyOf(name));
    const deployer = deployerAt(url);
    expect(await deployer.status(handleOf(await deployer.rollBack(request())), request())).toEqual(expected);
  });
});

const handleOf = (answer: TargetResponse): string => {
  if (answer.kind !== 'in_progress' || answer.handle === null) throw new Error(JSON.stringify(answer));
  return answer.handle;
};

/** Returns the application of the exchanges with changes. */
function application(change: { spec?: object; status?: object; metadata?: object; operation?: object }): Reply {
  const body = JSON.parse(replyOf('app-get').body) as Record<'spec' | 'status' | 'metadata', object>;
  const changed = {
    ...body,
    spec: { ...body.spec, ...change.spec },
    status: { ...body.status, ...change.status },
    metadata: { ...body.metadata, ...change.metadata },
    ...(change.operation && { operation: change.operation }),
  };
  return { body: JSON.stringify(changed) };
}

describe('the target deployment', () => {
  const SOURCE = { repoURL: 'https://git.example.com/deploy.git', path: 'checkout-api/prod', targetRevision: 'main' };
  const entry = (id: number | string, revision: string, source: object = {}) => ({
    id,
    revision,
    source: { ...SOURCE, ...source },
    deployedAt: `2026-11-1${Number(id) % 10}T10:00:00Z`,
  });
  /** Rolls back with this history, whose last entry runs. */
  const rolledBackTo = async (history: object[], more: Partial<RollbackCall>): Promise<number | string> => {
    const { url, received } = await vendor(
      application({ status: { history, operationState: undefined } }),
      OPEN,
      replyOf('rollback'),
    );
    const answer = await deployerAt(url).rollBack(request(more));
    if (answer.kind === 'refused') return answer.detail;
    const body = JSON.parse(received[2]?.body ?? '{}') as { id?: number };
    return body.id ?? JSON.stringify(answer);
  };
  const to = (version: string, commit: string | null = null) => ({ to: version as Version, toCommit: commit });

  test.each<[string, object[], Partial<RollbackCall>, number]>([
    ['the commit', [entry(1, GOOD), entry(2, BAD)], to('v41', GOOD), 1],
    ['the beginning of the commit', [entry(1, GOOD), entry(2, BAD)], to('v41', GOOD.slice(0, 7)), 1],
    ['a version that is the commit', [entry(1, GOOD), entry(2, BAD)], to(GOOD), 1],
    ['an id that is text', [entry('1', GOOD), entry('2', BAD)], to('v41', GOOD), 1],
    ['a Git tag', [entry(1, GOOD, { targetRevision: 'v41' }), entry(2, BAD, { targetRevision: 'v42' })], to('v41'), 1],
    ["a chart's version", [entry(1, '1.4.0', { chart: 'shop', targetRevision: '1.*' }), entry(2, BAD)], to('1.4.0'), 1],
    [
      'a tag that kustomize sets',
      [entry(1, BAD, { kustomize: { images: ['shop=registry:5000/shop:v41'] } }), entry(2, BAD)],
      to('v41', BAD),
      1,
    ],
    [
      'a tag that Helm is given',
      [entry(1, BAD, { helm: { parameters: [{ name: 'image.tag', value: 'v41' }] } }), entry(2, BAD)],
      to('v41'),
      1,
    ],
    ['what was deployed twice, by its newest id', [entry(1, GOOD), entry(2, GOOD), entry(3, BAD)], to('v41', GOOD), 2],
    [
      'one source of several',
      [
        {
          id: 1,
          revisions: ['1.4.0', GOOD],
          sources: [{ ...SOURCE, chart: 'shop' }, SOURCE],
          deployedAt: '2026-11-19T10:00:00Z',
        },
        entry(2, BAD),
      ],
      to('v41', GOOD),
      1,
    ],
  ])('is found by %s', async (_, history, more, id) => {
    expect(await rolledBackTo(history, more)).toBe(id);
  });

  test.each<[string, object[], Partial<RollbackCall>, RegExp]>([
    [
      'nothing of that name',
      [entry(1, GOOD), entry(2, BAD)],
      to('v40'),
      /no v40; it has 2: 4c1f0d9 \(main\), 1: 9a8b7c6/,
    ],
    [
      'nothing of that commit',
      [entry(1, GOOD), entry(2, BAD)],
      to('v40', V43),
      new RegExp(`no v40 \\(commit ${V43}\\)`),
    ],
    ['six digits', [entry(1, GOOD), entry(2, BAD)], to('v41', GOOD.slice(0, 6)), /no v41/],
    [
      'two that differ',
      [entry(1, GOOD, { targetRevision: 'stable' }), entry(2, V43, { targetRevision: 'stable' }), entry(3, BAD)],
      to('stable'),
      /more than one deployment of checkout-api matches stable: 2: 7d6c5b4 \(stable\), 1: 9a8b7c6 \(stable\)/,
    ],
    [
      'a version and a commit that are two',
      [entry(1, GOOD, { targetRevision: 'v41' }), entry(2, V43), entry(3, BAD)],
      to('v41', V43),
      /v41 and 7d6c5b4.* are different deployments/,
    ],
    [
      'only the other one of two versions with one name',
      [entry(1, BAD, { targetRevision: 'stable' })],
      { ...to('stable', GOOD), from: 'stable' as Version, fromCommit: BAD },
      new RegExp(`no ${GOOD}`),
    ],
    ['the same digits in a tag', [entry(1, GOOD, { targetRevision: 'v41-rc' }), entry(2, BAD)], to('v41'), /no v41/],
  ])('%s: refused without changes', async (_, history, more, why) => {
    expect(await rolledBackTo(history, more)).toMatch(why);
  });

  test('an application that was never synced is refused', async () => {
    const { url } = await vendor(application({ status: { history: [], operationState: undefined } }));
    expect(await deployerAt(url).rollBack(request())).toEqual({ kind: 'refused', detail: said('never synced') });
  });

  test.each<[string, Partial<RollbackCall>, TargetResponse['kind']]>([
    ['its commit', { from: 'v42' as Version, fromCommit: BAD }, 'in_progress'],
    ['the tag of an image', {}, 'in_progress'],
    ['no part of a tag', { from: '2026.11.20' as Version }, 'superseded'],
    ['neither', { from: 'v42' as Version, fromCommit: V43 }, 'superseded'],
  ])('the running version is recognized by %s', async (_, more, kind) => {
    const { url } = await vendor(replyOf('app-get'), OPEN, replyOf('rollback'));
    expect(await deployerAt(url).rollBack(request(more))).toMatchObject({ kind });
  });

  test('the history takes precedence over a remaining image', async () => {
    const history = [entry(1, GOOD), entry(2, BAD, { targetRevision: '2026.11.20-4' }), entry(3, V43)];
    const { url } = await vendor(application({ status: { history, operationState: undefined } }));
    expect(await deployerAt(url).rollBack(request())).toEqual({ kind: 'superseded', current: V43 });
  });
});

describe('sync windows', () => {
  const DENY = { kind: 'deny', schedule: '0 22 * * *', duration: '8h', active: true };
  const ALLOW = { kind: 'allow', schedule: '0 9 * * 1-5', duration: '8h', active: false };

  test.each([
    ['a deny that is active', [DENY], '"0 22 * * *" for 8h) is active'],
    ['an allow that is not open', [ALLOW], '"0 9 * * 1-5" for 8h) is not open'],
    [
      'a deny beside one that lets hands through',
      [
        { ...DENY, manualSync: true },
        { ...DENY, schedule: '5 22 * * *' },
      ],
      '5 22',
    ],
  ])('%s blocks a manual sync: refused with its name', async (_, windows, name) => {
    const world = await argoWorld();
    await world.tell('PUT', '/windows', windows);
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said(name) });
    expect(await world.begun()).toBe(0);
  });

  test.each([
    ['a deny with manualSync', [{ ...DENY, manualSync: true }]],
    ['an allow with manualSync', [{ ...ALLOW, manualSync: true }]],
    ['a deny that is over', [{ ...DENY, active: false }]],
    ['an allow that is open beside one that is not', [ALLOW, { ...ALLOW, active: true }]],
  ])("%s doesn't block a manual sync", async (_, windows) => {
    const world = await argoWorld();
    await world.tell('PUT', '/windows', windows);
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
  });

  test('a window that blocks automated sync prevents a Git revert even if it allows manual syncs', async () => {
    const world = await gitWorld('commit');
    await world.tell('PUT', '/windows', [{ ...DENY, manualSync: true }]);
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said('"0 22 * * *"') });
    expect(await world.begun()).toBe(0);
  });
});

describe('automated sync', () => {
  const automatedOf = async (world: ArgoWorld) => (await world.read()).spec.syncPolicy?.automated;
  const TRACKED = { 'argocd.argoproj.io/tracking-id': 'shop:argoproj.io/Application:argocd/checkout-api' };
  const parent = (world: ArgoWorld, more: object) =>
    sandbox(world.standIns, 'PUT', '/argo-cd/applications/shop', { history: [{ revision: GOOD }], ...more });

  test("is kept and the rollback refused if the configuration doesn't say what to do", async () => {
    const world = await argoWorld({ application: AUTOMATED });
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'refused',
      detail: said('automatedSync: suspend'),
    });
    expect(await automatedOf(world)).toEqual(AUTOMATED.automated);
  });

  test('with `enabled: false` counts as off', async () => {
    const world = await argoWorld({ application: { automated: { enabled: false, selfHeal: true } } });
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
  });

  test('is suspended, and an annotation keeps its settings', async () => {
    const world = await suspending({
      ...AUTOMATED,
      sync_options: ['CreateNamespace=true'],
      annotations: { team: 'a' },
    });
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
    const { metadata, spec } = await world.read();
    expect(spec.syncPolicy).toEqual({ syncOptions: ['CreateNamespace=true'] });
    expect(metadata.annotations).toMatchObject({ team: 'a' });
    expect(JSON.parse(metadata.annotations?.['firebreak/automated-sync'] ?? '')).toEqual({
      key: world.request.key,
      automated: AUTOMATED.automated,
    });
  });

  test('that is switched on again during this rollback is not suspended twice', async () => {
    const world = await suspending();
    await world.deployer.rollBack(world.request);
    await world.settle('failing');
    await world.tell('PUT', '/automated', { automated: true });
    await world.settle();
    const answer = await world.deployer.rollBack(world.request);
    expect(answer).toEqual({ kind: 'refused', detail: said('turned it on again') });
  });

  test('stays suspended if the rollback is then refused, and the result says so', async () => {
    const world = await suspending();
    await world.trouble('refused');
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said('is still off') });
    expect(await automatedOf(world)).toBeUndefined();
  });

  test("can't be suspended without permission", async () => {
    const world = await suspending();
    await world.settings({ denied: ['update'] });
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'refused',
      detail: said('applications, update'),
    });
    expect(await world.begun()).toBe(0);
  });

  test.each<[string, object, object | null, string]>([
    ['an ApplicationSet', { owners: [{ kind: 'ApplicationSet', name: 'shops' }] }, null, 'ApplicationSet shops'],
    [
      'a parent that syncs by itself',
      { annotations: TRACKED },
      { automated: true },
      'application shop, whose automated sync',
    ],
    [
      'a parent by its label',
      { labels: { 'argocd.argoproj.io/instance': 'shop' } },
      { automated: { selfHeal: true } },
      'shop',
    ],
    ['a parent by the label of old', { labels: { 'app.kubernetes.io/instance': 'shop' } }, { automated: true }, 'shop'],
    ['a parent that can’t be read', { annotations: TRACKED }, null, "can't be read"],
    [
      'a parent that ignores it only when it compares',
      { annotations: TRACKED },
      {
        automated: true,
        spec: {
          ignoreDifferences: [{ group: '*', kind: 'Application', jsonPointers: ['/spec/syncPolicy/automated'] }],
        },
      },
      'application shop',
    ],
  ])('is not suspended if %s would restore it', async (_, child, shop, restorer) => {
    const world = await suspending({ ...AUTOMATED, ...child });
    if (shop) await parent(world, shop);
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said(restorer) });
    expect(await automatedOf(world)).toEqual(AUTOMATED.automated);
    expect(await world.begun()).toBe(0);
  });

  test.each<[string, object, object | null]>([
    ['a parent that is synced by hand', { annotations: TRACKED }, {}],
    [
      'a parent that leaves it alone',
      { annotations: TRACKED },
      {
        automated: { selfHeal: true },
        sync_options: ['RespectIgnoreDifferences=true'],
        spec: {
          ignoreDifferences: [{ group: 'argoproj.io', kind: 'Application', jsonPointers: ['/spec/syncPolicy'] }],
        },
      },
    ],
    [
      'an annotation of another object',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:a/b' } },
      null,
    ],
    ['a label with its own name', { labels: { 'app.kubernetes.io/instance': 'checkout-api' } }, null],
  ])('is suspended beside %s', async (_, child, shop) => {
    const world = await suspending({ ...AUTOMATED, ...child });
    if (shop) await parent(world, shop);
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
    expect(await automatedOf(world)).toBeUndefined();
  });
});

describe('an accepted rollback', () => {
  const begun = async () => {
    const world = await argoWorld();
    const handle = handleOf(await world.deployer.rollBack(world.request));
    return { world, look: () => world.deployer.status(handle, world.request) };
  };

  test('is in progress while it syncs and rolls out', async () => {
    const { world, look } = await begun();
    expect(await look()).toMatchObject({ kind: 'in_progress' });
    world.time.forward(2000);
    expect(await look()).toMatchObject({ kind: 'in_progress', id: '0' });
    expect(await world.running()).toBe('v41');
    world.time.forward(2000);
    expect(await look()).toEqual({ kind: 'succeeded', id: '0' });
  });

  test.each(['Degraded', 'Missing', 'Unknown', 'Suspended'])(
    '%s: is in progress for five minutes after the sync',
    async (status) => {
      const { world, look } = await begun();
      await world.settle();
      await world.tell('PUT', '/health', { health: { status, message: 'Deployment exceeded its progress deadline' } });
      expect(await look()).toMatchObject({ kind: 'in_progress' });
      world.time.forward(5 * 60_000);
      expect(await look()).toEqual({
        kind: 'failed',
        detail: said(`still ${status} 5 minutes later: Deployment exceeded`),
      });
    },
  );

  test('can be Progressing without a limit', async () => {
    const { world, look } = await begun();
    await world.settle();
    await world.tell('PUT', '/health', { health: { status: 'Progressing' } });
    world.time.forward(30 * 60_000);
    expect(await look()).toMatchObject({ kind: 'in_progress' });
  });

  test('succeeds as Suspended if the application was Suspended before', async () => {
    const world = await argoWorld();
    await world.tell('PUT', '/health', { health: { status: 'Suspended' } });
    const handle = handleOf(await world.deployer.rollBack(world.request));
    await world.settle();
    expect(await world.deployer.status(handle, world.request)).toEqual({ kind: 'succeeded', id: '0' });
  });

  test('ignores the health from before the sync and refreshes the application', async () => {
    const { world, look } = await begun();
    world.time.forward(2000); // just synced; Argo CD compares it one second later
    await world.tell('PUT', '/health', { health: { status: 'Healthy' } });
    expect(await look()).toEqual({ kind: 'succeeded', id: '0' });
    const [last] = await calls(world.standIns, '?vendor=argo-cd');
    expect(last?.query).toBe('refresh=normal');
  });

  test('is a failure if something else is synced before it is done', async () => {
    const { world, look } = await begun();
    await world.ship();
    expect(await look()).toEqual({ kind: 'failed', detail: said(`a sync to ${V43} replaced it`) });
  });

  test('is superseded by a later deployment', async () => {
    const { world, look } = await begun();
    await world.settle();
    await world.read();
    await world.ship();
    expect(await look()).toEqual({ kind: 'superseded', current: V43 });
  });

  test('ignores an older state of the application', async () => {
    const older = application({ metadata: { resourceVersion: '123455' } });
    const { url } = await vendor(replyOf('app-get'), OPEN, replyOf('rollback'), older);
    const deployer = deployerAt(url);
    const handle = handleOf(await deployer.rollBack(request()));
    expect(await deployer.status(handle, request())).toMatchObject({ kind: 'in_progress' });
  });

  test('reports the failed objects', async () => {
    const failed = JSON.parse(replyOf('app-get-rollback-failed').body) as { status: { operationState: object } };
    const resources = [
      { kind: 'Service', name: 'ok', status: 'Synced', message: 'unchanged' },
      { kind: 'Deployment', name: 'checkout-api', status: 'SyncFailed', message: 'quota exceeded' },
    ];
    const operationState = { ...failed.status.operationState, syncResult: { revision: GOOD, resources } };
    const { url } = await vendor(
      replyOf('app-get'),
      OPEN,
      replyOf('rollback'),
      application({ status: { operationState } }),
    );
    const deployer = deployerAt(url);
    const handle = handleOf(await deployer.rollBack(request()));
    expect(await deployer.status(handle, request())).toEqual({
      kind: 'failed',
      detail: 'one or more objects failed to apply; Deployment checkout-api: quota exceeded',
    });
  });

  test('ignores a dry run by another user', async () => {
    const sync = { revision: GOOD, dryRun: true };
    const { url } = await vendor(application({ operation: { sync, initiatedBy: { username: 'bob' } } }));
    expect(await deployerAt(url).rollBack(request())).toEqual({ kind: 'busy', detail: said('a sync by bob') });
  });

  test('refuses a foreign handle', async () => {
    const { world } = await begun();
    expect(await world.deployer.status('{"by":"hand"}', world.request)).toMatchObject({ kind: 'refused' });
  });
});

describe('a finished rollback', () => {
  const rolledBack = async () => {
    const world = await argoWorld();
    await world.deployer.rollBack(world.request);
    await world.settle();
    return { world, held: () => world.deployer.checkDrift?.(world.request) };
  };

  test('has drifted when automated sync is on again, even before it syncs', async () => {
    const { world, held } = await rolledBack();
    expect(await held()).toEqual({ kind: 'holds' });
    await world.settings({ sync_ms: 60_000 });
    await world.tell('PUT', '/automated', { automated: { enabled: true } });
    expect(await held()).toMatchObject({ kind: 'drifted' });
  });

  test('has drifted while something else is synced', async () => {
    const { world, held } = await rolledBack();
    await world.occupy?.();
    expect(await held()).toEqual({ kind: 'drifted', detail: said(`a sync by firebreak to ${V43}`) });
  });

  test('has drifted if the bad version runs again', async () => {
    const { world, held } = await rolledBack();
    await world.tell('POST', '/deploy', { revision: BAD, images: imagesOf('v42') });
    expect(await held()).toEqual({ kind: 'drifted', detail: said(BAD) });
  });

  test('is unknown if Argo CD is unreachable', async () => {
    expect(await deployerAt(await nobody()).checkDrift?.(request())).toMatchObject({ kind: 'unknown' });
  });
});

describe('requests to Argo CD', () => {
  test('contain the configured project and namespace', async () => {
    const { url, received } = await vendor(replyOf('app-get'), OPEN, replyOf('rollback'));
    const config = { application: 'checkout', project: 'payments', appNamespace: 'team-a', prune: true };
    await deployerAt(`${url}/`, config).rollBack(request());
    expect(received.map(({ path }) => path)).toEqual([
      '/api/v1/applications/checkout?appNamespace=team-a&project=payments',
      '/api/v1/applications/checkout/syncwindows?appNamespace=team-a&project=payments',
      '/api/v1/applications/checkout/rollback',
    ]);
    expect(JSON.parse(received[2]?.body ?? '')).toEqual({
      name: 'checkout',
      id: 10,
      prune: true,
      dryRun: false,
      appNamespace: 'team-a',
      project: 'payments',
    });
  });

  test.each<[string, object, string]>([
    [
      'an unknown application, without its project',
      { application: 'nobody' },
      'answers the same for an unknown application',
    ],
    [
      'an unknown application, with its project',
      { application: 'nobody', project: 'payments' },
      'no application nobody in the project payments',
    ],
    ['another project', { project: 'search' }, 'in the project search'],
    ['another namespace', { appNamespace: 'team-a' }, '`appNamespace`'],
  ])('%s: refused with the likely cause', async (_, config, why) => {
    const world = await argoWorld({ config });
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said(why) });
  });

  test('with an invalid token or without permission are refused with the likely cause', async () => {
    const world = await argoWorld();
    await world.settings({ token: 'another' });
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'refused',
      detail: said('not valid, or has expired'),
    });
    await world.settings({ denied: ['get'] });
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'refused',
      detail: said('permission denied'),
    });
  });

  test('are not sent without the token, and the result names its secret', async () => {
    const { url, received } = await vendor(replyOf('app-get'));
    expect(await deployerAt(url, {}, '').rollBack(request())).toEqual({
      kind: 'refused',
      detail: said('ARGOCD_TOKEN'),
    });
    expect(await deployerAt(url, { auth: { bearer: 'OTHER' } }).rollBack(request())).toEqual({
      kind: 'refused',
      detail: said('OTHER'),
    });
    expect(received).toEqual([]);
  });

  test('share 15 seconds', async () => {
    const limits = impatient();
    const { url } = await vendor('hang');
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    onTestFinished(() => now.mockRestore());
    expect(await deployerAt(url).rollBack(request())).toEqual({
      kind: 'later',
      detail: said('no answer in time'),
      afterSeconds: null,
    });
    expect(limits).toEqual([15_000]);
  });

  test.each<[string, Reply, TargetResponse['kind']]>([
    ['a login page', { body: '<html>' }, 'refused'],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'refused'],
    ['half an answer', { cut: 200 }, 'later'],
    ['a fault', { status: 503, body: '{"message":"etcd"}' }, 'later'],
  ])('%s: %s', async (_, reply, kind) => {
    const { url } = await vendor(reply);
    expect(await deployerAt(url).rollBack(request())).toMatchObject({
      kind,
      detail: expect.stringMatching(/Argo CD|GET/) as string,
    });
  });

  test("don't reveal the token in results", async () => {
    const { url } = await vendor(replyOf('unauthenticated'));
    const answers = [await deployerAt(url).rollBack(request()), await deployerAt(await nobody()).rollBack(request())];
    expect(JSON.stringify(answers)).not.toContain('argocd-test-token');
  });

  test('are described by the application as resource and a convergent effect', () => {
    expect(deployerAt('https://argocd.test/')).toMatchObject({
      target: 'Argo CD application checkout-api at https://argocd.test',
      resource: 'argo-cd ["https://argocd.test",null,"checkout-api"]',
      effectClass: 'convergent',
    });
  });
});
