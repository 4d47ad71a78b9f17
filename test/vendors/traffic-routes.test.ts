import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RerouteRequest, TrafficRoute, Weights } from '../../core/domain/rollback/reroute.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { sameName } from '../../vendors/aws/route53-api.ts';
import { route53Weights } from '../../vendors/aws/route53.ts';
import { gatewayRoute } from '../../vendors/gateway-api/route.ts';
import { httpRoute } from '../../vendors/http-cd/route.ts';
import { aws } from '../../packages/sandbox/aws/aws.ts';
import { cd } from '../../packages/sandbox/cd/cd.ts';
import type { StandIn } from '../../packages/sandbox/core/stand-in.ts';
import { kubernetes } from '../../packages/sandbox/kubernetes/kubernetes.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../schemas/config/names.ts';
import { RouteConfig } from '../../schemas/rollback/reroute.ts';
import { Timestamp } from '../../schemas/time/time.ts';

const serviceEnvironment = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };
const FOUND = { eu: 100, us: 0 };
const HALF = { eu: 50, us: 50 };
const targets = { eu: {}, us: {} };

const order = (from: Weights, to: Weights, key = 'shift'): RerouteRequest => ({
  ...serviceEnvironment,
  incident: IncidentId.parse(`01TESTJN${'0'.repeat(18)}`),
  reason: 'checkout fails: <shift> & drain',
  key,
  from,
  to,
});

type Served = {
  url: string;
  close(): void;
  /** Sets the time of the stand-in, in seconds from its start. */
  at(seconds: number): void;
  control(method: string, path: string, body?: object): Promise<Response>;
};

async function served(standIn: StandIn): Promise<Served> {
  const db = new DatabaseSync(':memory:');
  db.exec(standIn.tables);
  let now = Date.parse('2026-11-20T12:00:00Z');
  const start = now;
  const deps = { db, now: () => now, timeScale: 1 };
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
    at: (seconds) => void (now = start + seconds * 1000),
    control: async (method, path, body) =>
      sandbox.request(path, {
        method,
        ...(body && { body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json' },
      }),
  };
}

type World = { route: TrafficRoute; elsewhere(weights: Weights): Promise<void>; sync(): void };

/** How a route waits for its traffic: the handle of a repeated change, and the longest pause in seconds. */
type Waiting = { handle: string; seconds: number };

const httpAt = (url: string): TrafficRoute => {
  const config = RouteConfig.parse({ kind: 'http', url: `${url}/api/v1/route`, targets });
  if (config.kind !== 'http') throw new Error('not of kind http');
  return httpRoute(config, {
    serviceEnvironment,
    secrets: { get: async () => undefined },
    clock: { now: () => Timestamp.parse('2026-11-20T12:00:00.000Z') },
  });
};

const route53At = (url: string, record: string, more: object = {}): TrafficRoute => {
  const config = RouteConfig.parse({ kind: 'route53', hostedZone: 'Z1', record, targets, ...more });
  if (config.kind !== 'route53') throw new Error('not of kind route53');
  return route53Weights(config, { region: undefined, roleArn: undefined, endpoint: url });
};

const HTTP_ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes';

const gatewayAt = (url: string, route: string, more: object = {}): TrafficRoute => {
  const config = RouteConfig.parse({ kind: 'gateway-api', namespace: 'shop', route, targets, ...more });
  if (config.kind !== 'gateway-api') throw new Error('not of kind gateway-api');
  const clock = { now: () => Timestamp.parse('2026-11-20T12:00:00.000Z') };
  const secrets = { get: async () => 'a-token' };
  return gatewayRoute(config, { cluster: { url, tokenName: 'KUBERNETES_TOKEN', secrets, clock }, service: 'checkout' });
};

const onCluster = async ({ url }: Served, method: string, path: string, body?: object): Promise<any> => {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { authorization: 'Bearer an-administrator', 'content-type': type };
  return (await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })).json();
};

type Ref = { name: string; port: number; weight?: number };
const refsOf = (weights: Record<string, number | undefined>): Ref[] =>
  Object.entries(weights).map(([name, weight]) => ({ name, port: 80, ...(weight !== undefined && { weight }) }));

const addRoute = (one: Served, name: string, rules: object[], more: object = {}) =>
  onCluster(one, 'POST', HTTP_ROUTES, {
    metadata: { name, ...more },
    spec: { parentRefs: [{ name: 'shop' }], rules },
  });

const worlds: Record<string, { start: () => Promise<{ served: Served; world(): Promise<World> }>; waiting: Waiting }> =
  {
    http: {
      waiting: { handle: 'settled', seconds: 30 },
      start: async () => {
        const one = await served(cd);
        const elsewhere = async (weights: Weights) =>
          void (await one.control('PUT', '/routes', { ...serviceEnvironment, weights, settle_seconds: 30 }));
        let count = 0;
        return {
          served: one,
          world: async () => {
            count += 1;
            const prefix = `world-${count}`;
            await elsewhere(FOUND);
            const route = httpAt(one.url);
            const keyed = (request: RerouteRequest) => ({ ...request, key: `${prefix}.${request.key}` });
            return {
              route: { ...route, set: (request) => route.set(keyed(request)) },
              elsewhere,
              sync: () => undefined,
            };
          },
        };
      },
    },
    'gateway-api': {
      waiting: { handle: 'written', seconds: 0 },
      start: async () => {
        const one = await served(kubernetes);
        let count = 0;
        return {
          served: one,
          world: async () => {
            count += 1;
            const name = `route-${count}`;
            let seconds = count * 100;
            const rules = (weights: Weights) => [
              { backendRefs: refsOf(weights) },
              { matches: [{ path: { value: '/static' } }], backendRefs: refsOf({ cdn: undefined }) },
              { backendRefs: refsOf(weights) },
            ];
            await addRoute(one, name, rules(FOUND));
            const sync = () => one.at((seconds += 10));
            sync();
            return {
              route: gatewayAt(one.url, name),
              elsewhere: async (weights) => {
                await onCluster(one, 'PATCH', `${HTTP_ROUTES}/${name}`, { spec: { rules: rules(weights) } });
                sync();
              },
              sync,
            };
          },
        };
      },
    },
    route53: {
      waiting: { handle: 'settled', seconds: 30 },
      start: async () => {
        const one = await served(aws);
        process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
        process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';
        let count = 0;
        return {
          served: one,
          world: async () => {
            count += 1;
            const name = `api-${count}.example.com`;
            const elsewhere = async (weights: Weights) => {
              for (const type of ['A', 'AAAA'])
                await one.control('PUT', '/route53/records', { zone: 'Z1', name, type, ttl: 30, weights });
            };
            await elsewhere(FOUND);
            one.at(count * 100);
            return {
              route: route53At(one.url, name, { types: ['A', 'AAAA'] }),
              elsewhere,
              sync: () => one.at(count * 100 + 3),
            };
          },
        };
      },
    },
  };

describe.each(Object.entries(worlds))('traffic route %s', (_, { start, waiting }) => {
  let started: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started?.served.close());

  const weights = async ({ route }: World) => route.read();
  const found = (of: Weights) => ({ kind: 'weights', weights: of });

  /** Follows a change as the workflow does. Returns the last response, and the longest pause that was asked for. */
  const follow = async ({ route, sync }: World, request: RerouteRequest) => {
    let answer: TargetResponse = await route.set(request);
    let seconds = 0;
    for (let left = 5; left > 0 && answer.kind === 'in_progress'; left -= 1) {
      seconds = Math.max(seconds, answer.afterSeconds ?? 0);
      sync();
      answer = await (answer.handle === null || route.status === undefined
        ? route.set(request)
        : route.status(answer.handle, request));
    }
    return { answer, seconds };
  };

  test('sets the weights, and waits until the traffic follows them', async () => {
    const world = await started.world();
    expect(await weights(world)).toEqual(found(FOUND));
    expect(await follow(world, order(FOUND, HALF))).toMatchObject({
      answer: { kind: 'succeeded' },
      seconds: waiting.seconds,
    });
    expect(await weights(world)).toEqual(found(HALF));
  });

  test('restores exactly the weights that it found', async () => {
    const world = await started.world();
    await world.elsewhere({ eu: 3, us: 4 });
    await follow(world, order({ eu: 3, us: 4 }, { eu: 0, us: 100 }));
    await follow(world, order({ eu: 0, us: 100 }, { eu: 3, us: 4 }, 'back'));
    expect(await weights(world)).toEqual(found({ eu: 3, us: 4 }));
  });

  test('a repeat changes nothing, and still waits', async () => {
    const world = await started.world();
    await world.route.set(order(FOUND, HALF));
    expect(await world.route.set(order(FOUND, HALF))).toMatchObject({
      kind: 'in_progress',
      handle: waiting.handle,
    });
    expect((await follow(world, order(FOUND, HALF))).answer.kind).toBe('succeeded');
    expect(await weights(world)).toEqual(found(HALF));
  });

  test('keeps weights that someone else has set', async () => {
    const world = await started.world();
    await world.elsewhere({ eu: 90, us: 10 });
    expect(await world.route.set(order(FOUND, HALF))).toEqual({ kind: 'superseded', current: 'eu 90, us 10' });
    expect(await weights(world)).toEqual(found({ eu: 90, us: 10 }));
  });

  test('reports weights that someone else set while the traffic followed', async () => {
    const world = await started.world();
    await world.route.set(order(FOUND, HALF));
    await world.elsewhere({ eu: 90, us: 10 });
    expect(await world.route.status?.(waiting.handle, order(FOUND, HALF))).toEqual({
      kind: 'superseded',
      current: 'eu 90, us 10',
    });
  });
});

describe('kind: route53', () => {
  let one: Served;
  beforeAll(async () => {
    one = await served(aws);
  });
  afterAll(() => one?.close());

  const records = async () => ((await (await one.control('GET', '/route53/records')).json()) as { items: any[] }).items;
  const changes = async () => ((await (await one.control('GET', '/route53/changes')).json()) as { items: any[] }).items;
  const put = (name: string, more: object = {}) =>
    one.control('PUT', '/route53/records', { zone: 'Z1', name, weights: FOUND, ...more });

  test('keeps all other fields of the records, and names the action in the comment of the change', async () => {
    await put('kept.example.com', { health_check: 'hc-1' });
    const before = await records();
    const route = route53At(one.url, 'kept.example.com');
    expect(await route.set(order(FOUND, HALF, 'k1'))).toMatchObject({
      kind: 'in_progress',
      handle: expect.stringMatching(/^C\d+$/),
    });
    const withoutWeights = (all: any[]) => all.map((record) => ({ ...record, weight: null }));
    const after = await records();
    expect(withoutWeights(after)).toEqual(withoutWeights(before));
    expect((await changes()).at(-1)).toMatchObject({ comment: 'checkout fails: <shift> & drain [firebreak k1]' });
    await route.set({ ...order(HALF, FOUND, 'k2'), reason: 'because '.repeat(100) });
    expect((await changes()).at(-1)).toMatchObject({ comment: expect.stringMatching(/^.{240}… \[firebreak k2\]$/) });
  });

  test('is not done before all servers have the change', async () => {
    await put('late.example.com');
    const route = route53At(one.url, 'late.example.com');
    const begun = await route.set(order(FOUND, HALF));
    if (begun.kind !== 'in_progress' || begun.handle === null) throw new Error(`not begun: ${begun.kind}`);
    expect(await route.status?.(begun.handle, order(FOUND, HALF))).toMatchObject({
      kind: 'in_progress',
      handle: begun.handle,
    });
    one.at(3);
    expect(await route.status?.(begun.handle, order(FOUND, HALF))).toMatchObject({
      kind: 'in_progress',
      handle: 'settled',
      afterSeconds: 60,
    });
  });

  test.each([
    ['Throttling', 'later', /400 Throttling: Rate exceeded/],
    ['PriorRequestNotComplete', 'busy', /PriorRequestNotComplete/],
    ['AccessDenied', 'refused', /AccessDenied/],
  ] as const)('%s is %s', async (code, kind, detail) => {
    await put('refused.example.com');
    const route = route53At(one.url, 'refused.example.com');
    await one.control('POST', '/route53/refusals', { code, message: 'Rate exceeded' });
    expect(await route.set(order(FOUND, HALF))).toMatchObject({ kind, detail: expect.stringMatching(detail) });
    expect(await route.read()).toMatchObject({ weights: FOUND });
  });

  test('refuses zones and records that do not exist, records without weights, and different weights by type', async () => {
    await put('mixed.example.com');
    await put('mixed.example.com', { type: 'AAAA', weights: HALF });
    const read = (record: string, more = {}) => route53At(one.url, record, more).read();
    expect(await read('kept.example.com', { hostedZone: 'Z404' })).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('NoSuchHostedZone'),
    });
    expect(await read('none.example.com')).toMatchObject({
      detail: 'the hosted zone has no record none.example.com A',
    });
    expect(await read('mixed.example.com', { types: ['A', 'AAAA'] })).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('different weights'),
    });
  });

  test('refuses weights that Route 53 does not have', async () => {
    await put('high.example.com');
    expect(await route53At(one.url, 'high.example.com').set(order(FOUND, { eu: 1, us: 300 }))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('from 0 to 255'),
    });
  });

  test('a record that changes between read and write is not replaced', async () => {
    await put('race.example.com');
    const raced = await served({
      ...aws,
      app: (deps) => {
        const app = aws.app(deps);
        const own = aws.sandbox(deps);
        const { fetch } = app;
        return Object.assign(app, {
          fetch: async (request: Request, ...rest: never[]) => {
            if (request.method === 'POST')
              await own.request('/route53/records', {
                method: 'PUT',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify({ zone: 'Z1', name: 'race.example.com', weights: { eu: 80, us: 20 } }),
              });
            return fetch(request, ...rest);
          },
        });
      },
    });
    try {
      await raced.control('PUT', '/route53/records', { zone: 'Z1', name: 'race.example.com', weights: FOUND });
      const route = route53At(raced.url, 'race.example.com');
      expect(await route.set(order(FOUND, HALF))).toEqual({ kind: 'superseded', current: 'eu 80, us 20' });
      expect(await route.read()).toEqual({ kind: 'weights', weights: { eu: 80, us: 20 } });
    } finally {
      raced.close();
    }
  });

  test('names are compared as Route 53 writes them', () => {
    expect(sameName('*.Example.com', String.raw`\052.example.com.`)).toBe(true);
    expect(sameName('a.example.com', 'b.example.com')).toBe(false);
  });
});

describe('kind: http', () => {
  test('refuses a route without targets of the order, and an unknown route', async () => {
    const one = await served(cd);
    try {
      const route = httpAt(one.url);
      expect(await route.read()).toMatchObject({ kind: 'refused', detail: expect.stringContaining('unknown route') });
      await one.control('PUT', '/routes', { ...serviceEnvironment, weights: FOUND });
      expect(await route.set(order(FOUND, { eu: 50, us: 25, ap: 25 }))).toMatchObject({
        kind: 'refused',
        detail: expect.stringContaining('the targets are eu, us'),
      });
      expect(await route.set(order(FOUND, HALF))).toEqual({ kind: 'succeeded', id: null });
    } finally {
      one.close();
    }
  });
});

describe('kind: gateway-api', () => {
  let one: Served;
  let seconds = 0;
  beforeAll(async () => {
    one = await served(kubernetes);
  });
  afterAll(() => one?.close());
  const pass = () => one.at((seconds += 10));
  const weightsIn = async (name: string): Promise<number[][]> =>
    (await onCluster(one, 'GET', `${HTTP_ROUTES}/${name}`)).spec.rules.map(({ backendRefs }: { backendRefs: Ref[] }) =>
      backendRefs.map(({ weight = 1 }) => weight),
    );

  test('changes each rule that has the targets, and keeps other backends and rules', async () => {
    const shared = refsOf({ eu: 90, us: 0, ap: 10 });
    await addRoute(one, 'kept', [
      { backendRefs: shared },
      { backendRefs: refsOf({ cdn: 1 }) },
      { backendRefs: shared },
    ]);
    const route = gatewayAt(one.url, 'kept');
    expect(await route.read()).toEqual({ kind: 'weights', weights: { eu: 90, us: 0, ap: 10 } });
    const [from, to] = [
      { eu: 90, us: 0, ap: 10 },
      { eu: 45, us: 45, ap: 10 },
    ];
    expect(await route.set(order(from, to))).toMatchObject({ kind: 'in_progress', handle: 'written' });
    expect(await weightsIn('kept')).toEqual([[45, 45, 10], [1], [45, 45, 10]]);
    pass();
    expect(await route.status?.('written', order(from, to))).toMatchObject({ kind: 'succeeded' });
  });

  test('has the weight 1 for a backend without a weight', async () => {
    await addRoute(one, 'unweighted', [{ backendRefs: refsOf({ eu: undefined, us: 0 }) }]);
    expect(await gatewayAt(one.url, 'unweighted').read()).toEqual({ kind: 'weights', weights: { eu: 1, us: 0 } });
  });

  test('names a backend of another namespace or kind with both', async () => {
    const cluster = { group: 'net.gke.io', kind: 'ServiceImport', name: 'us', port: 80, weight: 0 };
    await addRoute(one, 'clusters', [{ backendRefs: [...refsOf({ eu: 100 }), cluster] }]);
    const named = { targets: { eu: {}, 'net.gke.io/ServiceImport/us': {} } };
    expect(await gatewayAt(one.url, 'clusters', named).read()).toEqual({
      kind: 'weights',
      weights: { eu: 100, 'net.gke.io/ServiceImport/us': 0 },
    });
  });

  test.each([
    ['rejects', 'no gateway accepts the route: no listener allows routes of this namespace'],
    ['misses-backend', 'the gateway cannot use a backend: a backend Service does not exist'],
  ])('fails if the gateway %s it', async (gateway, detail) => {
    await addRoute(one, `route-${gateway}`, [{ backendRefs: refsOf(FOUND) }]);
    pass();
    const route = gatewayAt(one.url, `route-${gateway}`);
    await one.control('PUT', '/settings', { gateway });
    try {
      expect(await route.set(order(FOUND, HALF))).toMatchObject({ kind: 'in_progress' });
      pass();
      expect(await route.status?.('written', order(FOUND, HALF))).toEqual({ kind: 'failed', detail });
    } finally {
      await one.control('PUT', '/settings', { gateway: 'accepts' });
    }
  });

  test('refuses what it could not restore, and what would be changed back', async () => {
    const rule = (weights: Weights) => ({ backendRefs: refsOf(weights) });
    await addRoute(one, 'mixed', [rule(FOUND), rule(HALF)]);
    await addRoute(one, 'partial', [rule(FOUND), rule({ eu: 1 })]);
    await addRoute(one, 'twice', [{ backendRefs: [...refsOf(FOUND), ...refsOf({ eu: 1 })] }]);
    await addRoute(one, 'managed', [rule(FOUND)], { labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } });
    const detailOf = async (name: string) =>
      (await gatewayAt(one.url, name).read()) as { kind: string; detail: string };
    expect(await detailOf('mixed')).toMatchObject({
      kind: 'refused',
      detail:
        'HTTPRoute shop/mixed has different weights in its rules: rule 1: eu 100, us 0; rule 2: eu 50, us 50. Set the same weights first',
    });
    expect(await detailOf('partial')).toMatchObject({
      detail: 'rule 2 of HTTPRoute shop/partial has the backend eu, but not us',
    });
    expect(await detailOf('twice')).toMatchObject({ detail: 'rule 1 of HTTPRoute shop/twice has a backend twice' });
    expect(await detailOf('none')).toMatchObject({ kind: 'refused', detail: expect.stringContaining('404') });
    const managed = gatewayAt(one.url, 'managed');
    expect(await managed.set(order(FOUND, HALF))).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('Flux manages it with the Kustomization shop'),
    });
    expect(await weightsIn('managed')).toEqual([[100, 0]]);
  });

  test('weights that change between read and write are not replaced', async () => {
    await addRoute(one, 'race', [{ backendRefs: refsOf(FOUND) }]);
    let tokens = 0;
    const secrets = {
      get: async () => {
        tokens += 1;
        // The second call of the attempt is the patch.
        if (tokens === 2)
          await onCluster(one, 'PATCH', `${HTTP_ROUTES}/race`, {
            spec: { rules: [{ backendRefs: refsOf({ eu: 80, us: 20 }) }] },
          });
        return 'a-token';
      },
    };
    const config = RouteConfig.parse({ kind: 'gateway-api', namespace: 'shop', route: 'race', targets });
    if (config.kind !== 'gateway-api') throw new Error('not of kind gateway-api');
    const clock = { now: () => Timestamp.parse('2026-11-20T12:00:00.000Z') };
    const cluster = { url: one.url, tokenName: 'KUBERNETES_TOKEN', secrets, clock };
    const route = gatewayRoute(config, { cluster, service: 'checkout' });
    expect(await route.set(order(FOUND, HALF))).toMatchObject({ kind: 'later' });
    expect(await route.set(order(FOUND, HALF))).toEqual({ kind: 'superseded', current: 'eu 80, us 20' });
  });
});
