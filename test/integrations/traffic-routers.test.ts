import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrafficCall, TrafficRouter } from '../../domain/canary/traffic.ts';
import { lambdaAliasTraffic } from '../../integrations/aws/lambda-traffic.ts';
import { httpTraffic } from '../../integrations/http-cd/traffic.ts';
import { aws } from '../../sandbox/aws/aws.ts';
import { cd } from '../../sandbox/cd/cd.ts';
import type { StandIn } from '../../sandbox/core/stand-in.ts';
import { CanaryId } from '../../schemas/canary/canary.ts';
import { EnvironmentName, ServiceName, Version } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';

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
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
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

const worlds: Record<string, () => Promise<{ world: () => Promise<World>; close(): void }>> = {
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

  test('raises the share, and promotes', async () => {
    const { router } = await started.world();
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: null, weight: 0 });
    expect(await router.apply(order('set', 5, 1))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: 'v2', weight: 5 });
    expect(await router.apply(order('set', 100, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await router.apply(order('promote', 100, 3))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v2', canary: null, weight: 0 });
  });

  test('gives all traffic back, and a repeat changes nothing', async () => {
    const { router } = await started.world();
    await router.apply(order('set', 50, 1));
    expect(await router.apply(order('abort', 0, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await router.apply(order('abort', 0, 2))).toMatchObject({ kind: 'succeeded' });
    expect(await read(router)).toEqual({ kind: 'split', stable: 'v1', canary: null, weight: 0 });
  });

  test('changes nothing if other versions have the traffic', async () => {
    const { router, elsewhere } = await started.world();
    await router.apply(order('set', 5, 1));
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
