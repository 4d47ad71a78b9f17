import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrafficCall, TrafficRouter } from '../decisions/traffic.ts';
import { argoRolloutsTraffic } from '../vendors/argo-rollouts.ts';
import { gatewayTraffic } from '../vendors/gateway-api.ts';
import { smiTraffic } from '../vendors/smi.ts';
import { lambdaAliasTraffic } from '../vendors/lambda-alias.ts';
import { httpTraffic } from '../vendors/http.ts';
import { aws } from '../../../packages/sandbox/aws/aws.ts';
import { cd } from '../../../packages/sandbox/cd/cd.ts';
import { kubernetes } from '../../../packages/sandbox/kubernetes/kubernetes.ts';
import type { StandIn } from '../../../packages/sandbox/core/stand-in.ts';
import { CanaryId } from '../canary.ts';
import { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

const serviceEnvironment = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };
const pair = { ...serviceEnvironment, stable: Version.parse('v1'), canary: Version.parse('v2') };

const order = (action: TrafficCall['action'], weight: number, sequence: number, more: object = {}): TrafficCall => ({
  ...pair,
  action,
  weight,
  sequence,
  id: CanaryId.parse(`01TESTCN${'0'.repeat(18)}`),
  key: `canary.1.${sequence}`,
  reason: 'test',
  ...more,
});

type World = { router: TrafficRouter; elsewhere(stable: string, canary: string | null, weight: number): Promise<void> };
type Served = { url: string; close(): void; control(method: string, path: string, body: object): Promise<Response> };

async function served(standIn: StandIn): Promise<Served> {
  const db = new DatabaseSync(':memory:');
  db.exec(standIn.tables);
  const deps = { db, now: () => Date.parse('2026-11-20T12:00:00Z'), timeScale: 1 };
  const app = standIn.app(deps);
  const sandbox = standIn.sandbox?.(deps);
  if (sandbox === undefined) throw new Error('the stand-in cannot be set up');
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => void server.close(),
    control: async (method, path, body) =>
      sandbox.request(path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  };
}

const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
const SPLITS = '/apis/split.smi-spec.io/v1alpha4/namespaces/default/trafficsplits';

/** A cluster whose controllers act at once, and in it two Services of each world with their Deployments. */
async function cluster() {
  const { url, close, control } = await served(kubernetes);
  const ask = async (method: string, path: string, body?: object, type = 'application/json'): Promise<any> => {
    const headers = { authorization: 'Bearer an-administrator', 'content-type': type };
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return response.json();
  };
  const settings = (more: object = {}) =>
    control('PUT', '/settings', { observe_ms: 0, rollout_ms: 0, ...more }).then(() => undefined);
  await settings();
  let count = 0;
  return {
    close,
    control,
    ask,
    settings,
    /** Deploys a version. The controllers act on the next two requests. */
    deploy: async (name: string, version: string, replicas = 1) => {
      await control('POST', '/deploy', { name, image: `registry.test/checkout:${version}`, replicas });
      for (let request = 0; request < 3; request += 1) await ask('GET', '/apis/apps/v1/namespaces/default/deployments');
    },
    next: () => `checkout-${(count += 1)}`,
    options: (service: string) => ({
      cluster: {
        url,
        tokenName: 'KUBERNETES_TOKEN',
        secrets: { get: async () => 'a-token' },
        clock: { now: () => Timestamp.parse('2026-11-20T12:00:00.000Z') },
      },
      service,
    }),
  };
}

type Cluster = Awaited<ReturnType<typeof cluster>>;

const backendsOf = (name: string) => [{ service: `${name}-blue` }, { service: `${name}-green` }];
const MERGE = 'application/merge-patch+json';

/** Creates v1 behind the blue Service with all of the traffic, and v2 behind the green one. */
async function routed({ ask, deploy, next, options }: Cluster, more: object = {}) {
  const name = next();
  await deploy(`${name}-blue`, 'v1');
  await deploy(`${name}-green`, 'v2');
  const refs = (blue: number | undefined, green: number) => [
    { name: `${name}-blue`, port: 80, ...(blue !== undefined && { weight: blue }) },
    { name: `${name}-green`, port: 80, weight: green },
  ];
  const rules = (blue: number | undefined, green: number) => [{ backendRefs: refs(blue, green) }];
  await ask('POST', ROUTES, {
    metadata: { name, ...more },
    spec: { parentRefs: [{ name: 'shop' }], rules: [...rules(undefined, 0), ...rules(1, 0)] },
  });
  const route = async () => ask('GET', `${ROUTES}/${name}`);
  return {
    name,
    route,
    weights: async (): Promise<number[]> =>
      (await route()).spec.rules.flatMap(({ backendRefs }: any) => backendRefs.map(({ weight }: any) => weight)),
    patch: (body: object) => ask('PATCH', `${ROUTES}/${name}`, body, MERGE),
    shift: (blue: number, green: number) =>
      ask('PATCH', `${ROUTES}/${name}`, { spec: { rules: rules(blue, green) } }, MERGE),
    router: gatewayTraffic({ kind: 'gateway-api', namespace: 'default', backends: backendsOf(name) }, options(name)),
  };
}

const ROLLOUTS = '/apis/argoproj.io/v1alpha1/namespaces/default/rollouts';

/** Creates a Rollout of v1, and v2 that waits before its first step. */
async function rollout(opened: Cluster, steps: object[] = [{ pause: {} }, ...[5, 100].flatMap(stepAt)]) {
  const name = opened.next();
  const deploy = async (version: string) => {
    const image = `registry.test/checkout:${version}`;
    await opened.control('POST', '/deploy', { kind: 'Rollout', name, image, steps, trafficRouting: {} });
    for (let request = 0; request < 3; request += 1) await opened.ask('GET', `${ROLLOUTS}/${name}`);
  };
  const patchStatus = (status: object) => opened.ask('PATCH', `${ROLLOUTS}/${name}/status`, { status }, MERGE);
  await deploy('v1');
  await deploy('v2');
  return {
    name,
    deploy,
    patchStatus,
    status: async () => (await opened.ask('GET', `${ROLLOUTS}/${name}`)).status,
    router: argoRolloutsTraffic({ kind: 'argo-rollouts', namespace: 'default' }, opened.options(name)),
    async elsewhere(version: string) {
      await deploy(version);
      await patchStatus({ promoteFull: true });
    },
  };
}

const stepAt = (setWeight: number) => [{ setWeight }, { pause: {} }];

const worlds: Record<string, () => Promise<{ world: () => Promise<World>; close(): void }>> = {
  'gateway-api': async () => {
    const opened = await cluster();
    return {
      close: opened.close,
      world: async () => {
        const { name, router, shift } = await routed(opened);
        return {
          router,
          elsewhere: async (stable) => {
            await opened.deploy(`${name}-blue`, stable);
            await shift(100, 0);
          },
        };
      },
    };
  },
  'argo-rollouts': async () => {
    const opened = await cluster();
    return { close: opened.close, world: () => rollout(opened) };
  },
  smi: async () => {
    const opened = await cluster();
    return {
      close: opened.close,
      world: async () => {
        const name = opened.next();
        await opened.deploy(`${name}-blue`, 'v1');
        await opened.deploy(`${name}-green`, 'v2');
        const spec = (blue: number, green: number) => ({
          service: name,
          backends: [
            { service: `${name}-blue`, weight: blue },
            { service: `${name}-green`, weight: green },
          ],
        });
        await opened.ask('POST', SPLITS, { metadata: { name }, spec: spec(1, 0) });
        const config = {
          kind: 'smi',
          namespace: 'default',
          apiVersion: 'v1alpha4',
          backends: backendsOf(name),
        } as const;
        return {
          router: smiTraffic({ ...config }, opened.options(name)),
          elsewhere: async (stable) => {
            await opened.deploy(`${name}-blue`, stable);
            await opened.ask('PATCH', `${SPLITS}/${name}`, { spec: spec(100, 0) }, MERGE);
          },
        };
      },
    };
  },
  http: async () => {
    const { url, close, control } = await served(cd);
    let count = 0;
    return {
      close,
      world: async () => {
        count += 1;
        const own = { ...serviceEnvironment, service: ServiceName.parse(`checkout-${count}`) };
        const router = httpTraffic(
          { kind: 'http' },
          {
            url: `${url}/api/v1/traffic`,
            serviceEnvironment: own,
            secrets: { get: async () => undefined },
            clock: { now: () => Timestamp.parse('2026-11-20T12:00:00.000Z') },
          },
        );
        const id = CanaryId.parse(`01TESTCN${String(count).padStart(18, '0')}`);
        const here = (call: TrafficCall): TrafficCall => ({ ...call, ...own, id, key: `${id}.${call.sequence}` });
        return {
          router: { ...router, apply: (call) => router.apply(here(call)) },
          elsewhere: async (stable_version, version, weight) =>
            void (await control('PUT', '/traffic', { ...own, stable_version, version, weight })),
        };
      },
    };
  },
  'lambda-alias': async () => {
    const { url, close, control } = await served(aws);
    process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';
    let count = 0;
    return {
      close,
      world: async () => {
        count += 1;
        const name = `checkout-${count}`;
        const versions = ['v1', 'v2', 'v3'].map((description) => ({ description }));
        await control('PUT', '/lambda/functions', { function: name, versions, alias: 'live', version: 1 });
        const router = lambdaAliasTraffic(
          { kind: 'lambda-alias', function: name, alias: 'live' },
          { region: 'us-east-1', roleArn: undefined, endpoint: url },
        );
        const number = (version: string) => Number(version.slice(1));
        return {
          router,
          elsewhere: async (stable, canary, weight) => {
            const weights = canary === null ? {} : { [number(canary)]: weight / 100 };
            await control('PUT', '/lambda/functions', {
              function: name,
              alias: 'live',
              version: number(stable),
              weights,
            });
          },
        };
      },
    };
  },
};

describe.each(Object.entries(worlds))('traffic router %s', (_, start) => {
  let started: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started?.close());

  const read = (router: TrafficRouter) => router.read(pair);

  /** Repeats a call until the change is in effect, as a canary does. */
  const apply = async (router: TrafficRouter, call: TrafficCall) => {
    let response = await router.apply(call);
    for (let tries = 0; response.kind === 'in_progress' && tries < 5; tries += 1) response = await router.apply(call);
    return response;
  };

  test('raises the share, and promotes', async () => {
    const { router } = await started.world();
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: null, weight: 0 });
    expect(await apply(router, order('set', 5, 1))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: 'v2', weight: 5 });
    expect(await apply(router, order('set', 100, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await apply(router, order('promote', 100, 3))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v2', canary: null, weight: 0 });
  });

  test('gives all traffic back, and a repeat changes nothing', async () => {
    const { router } = await started.world();
    await apply(router, order('set', 5, 1));
    expect(await apply(router, order('abort', 0, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await apply(router, order('abort', 0, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: null, weight: 0 });
  });

  test('changes nothing if other versions have the traffic', async () => {
    const { router, elsewhere } = await started.world();
    await apply(router, order('set', 5, 1));
    await elsewhere('v3', null, 0);
    for (const call of [order('set', 25, 2), order('abort', 0, 3), order('promote', 100, 4)])
      expect((await router.apply(call)).kind).toBe('superseded');
    expect(await read(router)).toMatchObject({ kind: 'split', canary: null });
  });
});

test('the HTTP stand-in refuses a call that arrives after a newer one', async () => {
  const { world, close } = await (worlds['http'] ?? (() => Promise.reject(new Error('no world'))))();
  const { router } = await world();
  await router.apply(order('set', 25, 1));
  await router.apply(order('abort', 0, 3));
  expect((await router.apply(order('set', 50, 2))).kind).toBe('busy');
  expect(await router.read(pair)).toMatchObject({ weight: 0 });
  expect((await router.apply(order('set', 50, 4, { weight: 120 }))).kind).toBe('refused');
  close();
});

describe('the Gateway API', () => {
  let opened: Cluster;
  beforeAll(async () => {
    opened = await cluster();
  });
  afterAll(() => opened?.close());

  test('sets the weights of all rules in one patch, and waits until the gateway has accepted them', async () => {
    const { router, route, weights } = await routed(opened);
    expect(await router.apply(order('set', 5, 1))).toEqual({ kind: 'in_progress', id: null, handle: null });
    const { metadata } = await route();
    expect(metadata.annotations).toEqual({ 'firebreak.dev/stable-backend': expect.stringContaining('-blue') });
    expect(await router.apply(order('set', 5, 1))).toEqual({ kind: 'succeeded', id: 'generation 2' });
    expect((await route()).metadata.resourceVersion, 'nothing is set twice').toBe(metadata.resourceVersion);
    expect(await weights()).toEqual([95, 5, 95, 5]);
    await router.apply(order('set', 12.5, 2));
    expect(await weights()).toEqual([8750, 1250, 8750, 1250]);
  });

  test('a version with all traffic is only the stable one after its promotion', async () => {
    const { router } = await routed(opened);
    await router.apply(order('set', 100, 1));
    expect(await router.read(pair)).toEqual({ kind: 'split', stable: 'v1', canary: 'v2', weight: 100 });
    expect((await router.apply(order('promote', 100, 2))).kind).toBe('succeeded');
    expect(await router.read(pair)).toMatchObject({ stable: 'v2', canary: null });
  });

  test('the next canary uses the other Service', async () => {
    const { name, router, weights } = await routed(opened);
    for (const call of [order('set', 100, 1), order('promote', 100, 2)]) await router.apply(call);
    await opened.deploy(`${name}-blue`, 'v3');
    const next = { stable: Version.parse('v2'), canary: Version.parse('v3') };
    expect(await router.read({ ...pair, ...next })).toMatchObject({ stable: 'v2', canary: null, weight: 0 });
    await router.apply(order('set', 25, 1, next));
    expect(await weights()).toEqual([25, 75, 25, 75]);
    await router.apply(order('abort', 0, 2, next));
    expect(await weights()).toEqual([0, 100, 0, 100]);
  });

  test('a change between the read and the write is read again', async () => {
    const { name, router, patch, weights } = await routed(opened);
    let reads = 0;
    const options = opened.options(name);
    const racing = gatewayTraffic(
      { kind: 'gateway-api', namespace: 'default', backends: backendsOf(name) },
      {
        ...options,
        cluster: {
          ...options.cluster,
          secrets: {
            async get() {
              // The token is read before each call: the fourth one is the patch, after the route and two Deployments.
              if ((reads += 1) === 4) await patch({ metadata: { labels: { changed: 'meanwhile' } } });
              return 'a-token';
            },
          },
        },
      },
    );
    expect(await racing.apply(order('set', 5, 1))).toMatchObject({
      kind: 'later',
      detail: expect.stringContaining('has been modified'),
    });
    expect(await weights()).toEqual([1, 0, 1, 0]);
    expect((await router.apply(order('set', 5, 1))).kind).toBe('in_progress');
  });

  test.each([
    ['rejects', order('set', 5, 1), { kind: 'failed', detail: expect.stringContaining('no listener allows') }],
    ['misses-backend', order('set', 5, 1), { kind: 'failed', detail: expect.stringContaining('does not exist') }],
    ['misses-backend', order('abort', 0, 1), { kind: 'succeeded' }],
  ])('a gateway that %s a route: %o', async (gateway, call, expected) => {
    const { router, shift } = await routed(opened);
    if (call.action === 'abort') await shift(50, 50);
    await opened.settings({ gateway });
    await router.apply(call);
    expect(await router.apply(call)).toMatchObject(expected);
    await opened.settings();
  });

  test('refuses what would not reach users, and says why', async () => {
    const undeployed = await routed(opened);
    await opened.deploy(`${undeployed.name}-green`, 'v0');
    expect(await undeployed.router.apply(order('set', 5, 1))).toEqual({
      kind: 'refused',
      detail: expect.stringMatching(/^no backend runs v2: Deployment \S+-blue runs v1, Deployment \S+-green runs v0$/),
    });
    const empty = await routed(opened);
    await opened.ask(
      'PATCH',
      `/apis/apps/v1/namespaces/default/deployments/${empty.name}-green`,
      { spec: { replicas: 0 } },
      MERGE,
    );
    for (let request = 0; request < 3; request += 1) await empty.route();
    expect(await empty.router.apply(order('set', 5, 1))).toMatchObject({
      kind: 'later',
      detail: expect.stringContaining('-green has no available pods'),
    });
    const kept = await routed(opened, { labels: { 'argocd.argoproj.io/instance': 'shop' } });
    expect(await kept.router.apply(order('set', 5, 1))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('Argo CD manages it as its application shop'),
    });
    await kept.patch({ metadata: { annotations: { 'firebreak.dev/allow-rollback': 'true' } } });
    expect((await kept.router.apply(order('set', 5, 1))).kind).toBe('in_progress');
    const third = await routed(opened);
    const refs = [...backendsOf(third.name), { service: 'legacy' }].map(({ service }) => ({ name: service, port: 80 }));
    await third.patch({ spec: { rules: [{ backendRefs: refs }] } });
    expect(await third.router.apply(order('set', 5, 1))).toEqual({
      kind: 'superseded',
      current: 'v1 and v2 and Service legacy',
    });
    await third.patch({ spec: { rules: [{ backendRefs: refs.slice(1) }] } });
    expect(await third.router.read(pair)).toMatchObject({
      kind: 'unknown',
      detail: expect.stringMatching(/but not \S+-blue$/),
    });
  });

  test('names missing permissions and objects', async () => {
    const { router } = await routed(opened);
    await opened.settings({ denied: ['patch httproutes.gateway.networking.k8s.io'] });
    expect(await router.apply(order('set', 5, 1))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('cannot patch resource "httproutes" in API group "gateway.networking.k8s.io"'),
    });
    await opened.settings();
    const none = gatewayTraffic(
      { kind: 'gateway-api', namespace: 'default', backends: backendsOf('none') },
      opened.options('none'),
    );
    expect(await none.read(pair)).toMatchObject({ kind: 'unknown', detail: expect.stringContaining('not found') });
  });
});

describe('Argo Rollouts', () => {
  let opened: Cluster;
  beforeAll(async () => {
    opened = await cluster();
  });
  afterAll(() => opened?.close());

  const settled = async (router: TrafficRouter, call: TrafficCall) => {
    let response = await router.apply(call);
    for (let tries = 0; response.kind === 'in_progress' && tries < 5; tries += 1) response = await router.apply(call);
    return response;
  };

  test('a step is begun once, as by kubectl argo rollouts promote', async () => {
    const { router, status } = await rollout(opened);
    expect(await router.apply(order('set', 5, 1))).toEqual({ kind: 'in_progress', id: null, handle: null });
    expect(await settled(router, order('set', 5, 1))).toEqual({ kind: 'succeeded', id: null });
    expect(await settled(router, order('set', 5, 1))).toEqual({ kind: 'succeeded', id: null });
    expect(await status()).toMatchObject({ phase: 'Paused', currentStepIndex: 2 });
  });

  test('a weight that is not that of the next step is refused', async () => {
    const { router, status } = await rollout(opened);
    expect(await router.apply(order('set', 25, 1))).toEqual({
      kind: 'refused',
      detail: expect.stringMatching(/^the next step of the Rollout is setWeight: 5, but the canary's is 25 %; /),
    });
    expect(await status()).toMatchObject({ currentStepIndex: 0 });
  });

  test('a promotion skips the remaining steps, and an abort is not overridden', async () => {
    const promoted = await rollout(opened);
    await settled(promoted.router, order('set', 5, 1));
    expect(await settled(promoted.router, order('promote', 100, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await promoted.status()).toMatchObject({ phase: 'Healthy' });
    const aborted = await rollout(opened);
    await settled(aborted.router, order('set', 5, 1));
    await aborted.patchStatus({ abort: true }); // as a failed analysis does
    await aborted.status();
    expect(await aborted.router.read(pair)).toEqual({ kind: 'split', stable: 'v1', canary: null, weight: 0 });
    expect(await aborted.router.apply(order('promote', 100, 2))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('was aborted'),
    });
    expect(await settled(aborted.router, order('abort', 0, 3))).toMatchObject({ kind: 'succeeded' });
  });

  test('does not resume a pause that people must end, and needs steps', async () => {
    const inconclusive = await rollout(opened);
    const pauseConditions = [{ reason: 'InconclusiveAnalysisRun', startTime: '2026-11-20T12:00:00Z' }];
    await inconclusive.patchStatus({ pauseConditions });
    expect(await inconclusive.router.apply(order('set', 5, 1))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('paused (InconclusiveAnalysisRun)'),
    });
    const { router } = await rollout(opened, []);
    expect(await router.read(pair)).toMatchObject({
      kind: 'unknown',
      detail: expect.stringContaining('no canary steps'),
    });
  });
});
