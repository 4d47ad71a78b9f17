import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RerouteRequest, TrafficRoute, Weights } from '../../domain/rollback/reroute.ts';
import type { TargetResponse } from '../../domain/rollback/targets.ts';
import { sameName } from '../../integrations/aws/route53-api.ts';
import { route53Weights } from '../../integrations/aws/route53.ts';
import { httpRoute } from '../../integrations/http-cd/route.ts';
import { aws } from '../../sandbox/aws/aws.ts';
import { cd } from '../../sandbox/cd/cd.ts';
import type { StandIn } from '../../sandbox/core/stand-in.ts';
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
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
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

const worlds: Record<string, () => Promise<{ served: Served; world(): Promise<World> }>> = {
  http: async () => {
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
        return { route: { ...route, set: (request) => route.set(keyed(request)) }, elsewhere, sync: () => undefined };
      },
    };
  },
  route53: async () => {
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
};

describe.each(Object.entries(worlds))('traffic route %s', (_, start) => {
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
    expect(await follow(world, order(FOUND, HALF))).toEqual({ answer: { kind: 'succeeded', id: null }, seconds: 30 });
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
    expect(await world.route.set(order(FOUND, HALF))).toMatchObject({ kind: 'in_progress', handle: 'settled' });
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
    expect(await world.route.status?.('settled', order(FOUND, HALF))).toEqual({
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
