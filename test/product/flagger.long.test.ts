import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Product } from '../../functions/assembly/product.ts';
import { api as routes } from '../../entrances/http/app.ts';
import { Config } from '../../schemas/config/config.ts';
import { SetClock, silent } from '../support/fake-deps.ts';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { seen } from '../support/fixtures.ts';
import { BAD, environment, GOOD, Guarded, type Site } from './guarded.ts';

const flagger = (namespace: string) => environment('act', { deployer: { kind: 'flagger', namespace } });

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);

const api: Site = { service: 'checkout-api', environment: 'production' };
const cart: Site = { service: 'cart', environment: 'cart-prod' };

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      'checkout-api': { environments: { production: flagger('checkout'), staging: flagger('checkout') } },
      cart: { environments: { 'cart-prod': flagger('shop') } },
    },
    configFiles: EACH_ALONE,
    timeScale: 100, // an accepted rollback is awaited for half a minute
  });
});
afterAll(() => firebreak?.remove());

type Hook = { name: string; namespace: string; phase: string; checksum?: string; metadata?: Record<string, string> };

/** Returns a webhook of Flagger. */
function fixture(name: string): Hook {
  const text = readFileSync(new URL(`../fixtures/flagger/${name}.request.json`, import.meta.url), 'utf8');
  return JSON.parse(JSON.parse(text).body) as Hook;
}

const keys: string[] = [];

/** Creates a gate key as the admin. */
async function gateKey(grant: object = {}): Promise<string> {
  const name = `flagger ${keys.length}`;
  const { status, body } = await firebreak.post('/v1/tokens', { name, actions: ['flagger:gate'], ...grant });
  expect(status).toBe(201);
  keys.push(body.token);
  return body.token;
}

/** Sends as Flagger does, without extra headers. */
const send = async (hook: 'rollback' | 'event', body: unknown, key: string | undefined) => {
  const query = key === undefined ? '' : `?key=${key}`;
  const headers = { 'content-type': 'application/json' };
  const url = `${firebreak.url}/integrations/flagger/${hook}${query}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as any };
};

/** The sandbox's cluster with a canary, during the rollout of the bad version. */
async function rollingOut(namespace: string, name: string): Promise<void> {
  const analysis = {
    threshold: 1,
    maxWeight: 50,
    stepWeight: 10,
    webhooks: [{ name: 'f', type: 'rollback', url: 'http://f.test/integrations/flagger/rollback?key=elsewhere' }],
  };
  const deploy = (version: string) =>
    firebreak.post('/sandbox/kubernetes/deploy', { namespace, name, image: `shop/${name}:${version}` });
  await deploy(GOOD.version);
  expect(await firebreak.post('/sandbox/kubernetes/flagger/canary', { namespace, name, analysis })).toMatchObject({
    status: 200,
  });
  await checked(namespace, name, ({ phase }) => phase === 'Initialized');
  await deploy(BAD.version);
  await checked(namespace, name, ({ canaryWeight }) => canaryWeight === 10);
}

const check = async (namespace: string, name: string, answers: object = {}): Promise<any> =>
  (await firebreak.post('/sandbox/kubernetes/flagger/check', { namespace, name, answers })).body.status;

const checked = (namespace: string, name: string, is: (status: any) => boolean): Promise<unknown> =>
  seen(async () => is(await check(namespace, name)), `the canary ${namespace}/${name} as expected`);

/** Returns the webhook of Flagger's next check. */
async function question(namespace: string, name: string): Promise<Hook> {
  const { body } = await firebreak.get(`/sandbox/kubernetes/flagger/questions?namespace=${namespace}&name=${name}`);
  return body[0].body as Hook;
}

/** Sends an alert for the bad version and waits until the gate is open. Returns Flagger's webhook and the incident. */
async function wanted(at: Site, namespace: string, key: string): Promise<{ hook: Hook; incident: any }> {
  await rollingOut(namespace, at.service);
  const hook = { ...(await question(namespace, at.service)), metadata: { env: at.environment.toUpperCase() } };
  expect(await send('rollback', hook, key)).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
  await guarded.deployed(at, GOOD, BAD);
  await guarded.fire(at);
  await seen(async () => (await send('rollback', hook, key)).status === 200, 'an open gate');
  return { hook, incident: await guarded.judged(at) };
}

describe('authorization', () => {
  test('accepts a gate key in the URL, and refuses requests without a key', async () => {
    const hook = fixture('rollback-gate');
    expect(await send('rollback', hook, undefined)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(await send('event', hook, undefined)).toMatchObject({ status: 401 });
    expect(await send('rollback', hook, 'fb_nobody')).toMatchObject({ status: 401 });
    expect(await send('rollback', hook, '')).toMatchObject({ status: 401 });
    expect(await send('rollback', hook, await gateKey())).toMatchObject({ status: 403, body: { code: 'gate-closed' } });

    for (const actions of [['*'], ['flagger:gate', 'incidents:act'], ['incidents:read']]) {
      const answer = await send('event', fixture('event'), await gateKey({ actions }));
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  test('a gate key allows nothing else, in the URL or in a header', async () => {
    const key = await gateKey();
    expect(await firebreak.request('GET', `/v1/incidents?key=${key}`, undefined, { authorization: '' })).toMatchObject({
      status: 401,
    });
    const authorization = `Bearer ${key}`;
    expect(await firebreak.request('GET', '/v1/incidents', undefined, { authorization })).toMatchObject({
      status: 403,
    });
  });

  test('an invalid webhook is refused and never allowed', async () => {
    const key = await gateKey();
    for (const body of [{}, [], 'text', { ...fixture('rollback-gate'), name: 1 }])
      expect((await send('rollback', body, key)).status).toBe(422);
  });
});

describe('a requested rollback', () => {
  let key: string;
  let hook: Hook;
  let incident: any;

  beforeAll(async () => {
    key = await gateKey();
    ({ hook, incident } = await wanted(api, 'checkout', key));
  });

  test('opens the gate for this rollout', async () => {
    expect(await send('rollback', hook, key)).toEqual({
      status: 200,
      body: { incident_id: incident.id, ...api, from_version: BAD.version, to_version: GOOD.version },
    });
    expect(
      await send('rollback', { ...hook, ...fixture('rollback-gate'), checksum: hook.checksum }, key),
    ).toMatchObject({
      status: 200,
    });
  });

  test.each<[string, Partial<Hook>]>([
    ['another canary', { name: 'checkout-web' }],
    ['a canary in another namespace', { namespace: 'default' }],
    ['a canary in another environment', { metadata: { env: 'staging' } }],
    ['a canary whose promotion has started', { phase: 'Promoting' }],
  ])('keeps the gate closed for %s', async (_, other) => {
    const answer = await send('rollback', { ...hook, ...other }, key);
    expect(answer).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
  });

  test('keeps the gate closed if two canaries match', async () => {
    const { metadata: _, ...unclear } = hook;
    const detail = expect.stringContaining('production and staging') as string;
    expect(await send('rollback', unclear, key)).toMatchObject({ status: 403, body: { detail } });
    const ofProduction = await gateKey({ environments: ['production'] });
    expect(await send('rollback', unclear, ofProduction)).toMatchObject({ status: 200 });
    const ofOther = await gateKey({ services: ['cart'] });
    expect(await send('rollback', hook, ofOther)).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
  });

  test("is on the timeline once, as are Flagger's events", async () => {
    const event = fixture('event');
    expect(await send('event', event, key)).toMatchObject({ status: 202, body: { noted: 1 } });
    expect(await send('event', event, key)).toMatchObject({ status: 202 });
    const quiet = { ...event.metadata, eventMessage: 'Rollback hook firebreak not signaling a rollback' };
    expect(await send('event', { ...event, metadata: quiet }, key)).toMatchObject({ status: 202, body: { noted: 0 } });
    expect(await send('event', { ...event, name: 'unknown' }, key)).toMatchObject({ status: 202, body: { noted: 0 } });
    await guarded.awaitEntry(incident, 'flagger.event', /^Flagger: Canary failed!/);
    const told = (await guarded.timeline(incident)).filter(({ actor }) => actor === 'flagger');
    expect(told).toHaveLength(2);
    expect(told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['flagger.gate_opened', 'flagger.event']));
  });

  test('succeeds when Flagger has rolled back, and closes the gate', async () => {
    const { status } = await send('rollback', hook, key);
    expect(await check('checkout', api.service, { rollback: status })).toMatchObject({ phase: 'Failed' });
    await guarded.mitigated(api);
    expect(await send('rollback', hook, key)).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
    const [effect] = (await guarded.incidents(api))[0].effects.filter(({ kind }: any) => kind === 'roll-back');
    expect(effect).toMatchObject({ state: 'succeeded', class: 'convergent', target: /^Canary checkout\/checkout-api/ });
  });
});

describe('a rollback during a pause', () => {
  let key: string;
  let hook: Hook;

  beforeAll(async () => {
    key = await gateKey();
    ({ hook } = await wanted(cart, 'shop', key));
  });

  test('closes the gate for another rollout, until it is known to be the same rollout with another checksum', async () => {
    const other = { ...hook, checksum: '69bc4d7f8' };
    expect(await send('rollback', other, key)).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
    expect(await send('rollback', hook, key)).toMatchObject({ status: 403 });
    await seen(async () => (await send('rollback', hook, key)).status === 200, 'the gate open for the newest checksum');
  });

  test('closes the gate while automation is paused', async () => {
    await firebreak.put('/v1/automation', { paused: true, reason: 'a test' });
    expect(await send('rollback', hook, key)).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
    expect(await check('shop', 'cart', { rollback: 403 })).toMatchObject({ phase: 'Progressing' });
    await firebreak.put('/v1/automation', { paused: false });
    await seen(async () => (await send('rollback', hook, key)).status === 200, 'the open gate');
  });
});

describe('an unknown state', () => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const down = () => Promise.reject(new Error('no answer from the table'));
  const wish = {
    ...api,
    canary: 'checkout/checkout-api',
    incident_id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    key: 'an-act',
    from: '2026.5',
    to: '2026.4',
    rollout: '85d557f47b',
    checksum: '85d557f47b',
    other_checksum: null,
    at: '2026-11-20T11:00:00.001Z',
    state: 'open',
  };
  const EVERYWHERE = { sources: null, services: null, environments: null, expires_at: null };
  const place = { deployer: { kind: 'flagger', namespace: 'checkout' } };
  const sound = {
    clock,
    counters: { add: async () => undefined },
    log: silent,
    secrets: { get: async () => undefined },
    tokens: { find: async () => ({ id: 't', name: 'f', created_by: 'ada', actions: ['flagger:gate'], ...EVERYWHERE }) },
    config: {
      current: async () =>
        Config.parse({
          version: 'test',
          services: { 'checkout-api': { environments: { production: place } } },
          paging: {},
        }),
    },
    rollbackGates: { get: async () => wish },
    automation: { read: async () => ({ paused: false }) },
    effects: { get: async () => ({ state: 'accepted' }) },
    incidents: { note: async () => undefined },
    features: {},
  };
  const requested = async (ports: object): Promise<number> => {
    const deps = { ...sound, ...ports } as unknown as Product;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...fixture('rollback-gate'), checksum: wish.checksum });
    return (await routes(deps).request('/integrations/flagger/rollback?key=k', { method: 'POST', headers, body }))
      .status;
  };

  test('opens the gate only if everything is known', async () => {
    expect(await requested({})).toBe(200);
    expect(await requested({ incidents: { note: down } })).toBe(200); // the timeline entry is no condition
    expect(await requested({ effects: { get: async () => undefined } })).toBe(200);
    expect(await requested({ effects: { get: async () => ({ state: 'failed' }) } })).toBe(403);
    expect(await requested({ automation: { read: async () => ({ paused: true }) } })).toBe(403);
    expect(await requested({ rollbackGates: { get: async () => undefined } })).toBe(403);
    expect(await requested({ rollbackGates: { get: async () => ({ ...wish, at: '2026-11-20T11:00:00.000Z' }) } })).toBe(
      403,
    );
    expect(await requested({ rollbackGates: { get: async () => ({ ...wish, state: 'over' }) } })).toBe(403);
    expect(await requested({ rollbackGates: { get: async () => ({ ...wish, other_checksum: '69bc4d7f8' }) } })).toBe(
      403,
    );
  });

  test.each(['rollbackGates', 'effects', 'automation', 'config', 'tokens'])(
    'without %s responds with 503',
    async (port) => {
      expect(await requested({ [port]: { get: down, read: down, current: down, find: down } })).toBe(503);
    },
  );
});

test('no key is logged', () => {
  expect(keys.length).toBeGreaterThan(3);
  expect(firebreak.output).toContain('/integrations/flagger/rollback');
  for (const key of keys) expect(firebreak.output).not.toContain(key);
});
