import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../support/firebreak.ts';

const fixture = (path: string): any =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/${path}.json`, import.meta.url), 'utf8'));

let firebreak: Firebreak;
const flagger = { deployer: { kind: 'flagger', namespace: 'checkout' } };
const serviceEnvironment = { service: 'checkout-api', environment: 'production' };

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      'checkout-api': { environments: { production: flagger, staging: flagger } },
      plain: { environments: { 'plain-live': {} } },
      two: { environments: { a: {}, b: {} }, defaultEnvironment: 'b' },
    },
    timeScale: 1,
  });
});
afterAll(() => firebreak?.remove());

async function frozen(at: { service: string; environment: string }, run: () => Promise<void>): Promise<void> {
  const { status, body } = await firebreak.post('/v1/freezes', { ...at, reason: 'the error budget is spent' });
  expect(status).toBe(201);
  await run();
  expect((await firebreak.request('DELETE', `/v1/freezes/${body.id}`)).status).toBe(200);
}

const tokenFor = async (actions: string[], grant: object = {}): Promise<string> =>
  (await firebreak.post('/v1/tokens', { name: 'cd', actions, ...grant })).body.token;

describe('a rollback that a person or another system records', () => {
  const at = { service: 'plain', environment: 'plain-live' };
  const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const records = (version: string, minutes: number, more: object = {}) =>
    firebreak.post('/v1/deployments', { ...at, version, started_at: minutesAgo(minutes), ...more });
  const pins = async () => (await firebreak.get('/v1/versions/pinned')).body.items;
  const check = async (version: string) => (await firebreak.post('/v1/freeze-check', { ...at, version })).body;

  test('pins the version that it removed, once, until a person lifts the pin', async () => {
    await records('v1', 300);
    await records('v2', 60);
    const back = { kind: 'rollback', author: 'bo', finished_at: minutesAgo(1) };
    const started_at = minutesAgo(2);
    expect((await records('v1', 2, { ...back, started_at })).status).toBe(201);
    const [pin, ...others] = await pins();
    expect([pin, others]).toMatchObject([
      {
        ...at,
        version: 'v2',
        rolled_back_to: 'v1',
        incident_id: null,
        reason: 'rolled back to v1 by bo',
        state: 'pinned',
      },
      [],
    ]);
    expect(JSON.stringify(await check('v2'))).toContain(`firebreak pins lift ${pin.id}`);
    expect((await firebreak.request('DELETE', `/v1/versions/pinned/${pin.id}`)).status).toBe(200);
    expect((await records('v1', 2, { ...back, started_at })).status).toBe(200);
    expect(await pins()).toEqual([]);
    // A flag is no version, and a newer version is no way back.
    await records('basket 3 (off)', 1, { kind: 'flag' });
    await records('v3', 1);
    await records('v3', 0.5, { kind: 'rollback', previous_version: 'v1' });
    expect(await pins()).toEqual([]);
  });
});

describe('the web metric of Argo Rollouts', () => {
  const measure = async (path: string, token: string, method = 'GET') => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(firebreak.url + path, { method, headers });
    return { status: answer.status, body: (await answer.json()) as any };
  };

  test.each(['pass', 'freeze'])('responds as documented: %s', async (name) => {
    const { request, response } = fixture(`argo-rollouts/web-metric-${name}.exchange`);
    const documented = JSON.parse(response.body).data;
    const token = await tokenFor(['freezes:check']);
    const ask = async () => {
      const { status, body } = await measure(request.path, token);
      expect({ status, data: body.data }).toMatchObject({
        status: response.status,
        data: {
          ...documented,
          reasons: documented.reasons.map(() => expect.stringContaining('the error budget is spent')),
        },
      });
    };
    await (name === 'freeze' ? frozen(serviceEnvironment, ask) : ask());
  });

  test('requires permission to check the service', async () => {
    const { request } = fixture('argo-rollouts/web-metric-pass.exchange');
    expect((await measure(request.path, 'nobody')).status).toBe(401);
    expect((await measure(request.path, await tokenFor(['freezes:read']))).status).toBe(403);
    expect((await measure(request.path, await tokenFor(['freezes:check'], { services: ['other'] }))).status).toBe(403);
    const path = '/integrations/argo-rollouts/analysis?service=checkout-api';
    expect((await measure(path, await tokenFor(['freezes:check']))).status).toBe(422);
  });

  test('uses an override by POST once per version, and never by GET', async () => {
    const token = await tokenFor(['freezes:check']);
    const path = (version: string) =>
      `/integrations/argo-rollouts/analysis?service=checkout-api&environment=production&version=${version}`;
    const { body: freeze } = await firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'a sale' });
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    await firebreak.post(`/v1/freezes/${freeze.id}/overrides`, { reason: 'needed', expires_at, uses: 1 });
    const uses = async () => (await firebreak.get(`/v1/freezes/${freeze.id}`)).body.overrides[0].used_by.length;
    expect(await measure(path('v1'), token)).toMatchObject({ body: { data: { ok: true } } });
    expect(await uses()).toBe(0);
    for (const method of ['POST', 'POST'])
      expect(await measure(path('v1'), token, method)).toMatchObject({ status: 200, body: { data: { ok: true } } });
    expect(await uses()).toBe(1);
    expect(await measure(path('v2'), token, 'POST')).toMatchObject({ status: 200, body: { data: { ok: false } } });
    await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);
  });
});

describe('the gates of Flagger', () => {
  const send = async (body: unknown, key: string | undefined, gate = 'gate') => {
    const url = `${firebreak.url}/integrations/flagger/${gate}${key === undefined ? '' : `?key=${key}`}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as any };
  };
  const hook = (name: string) => JSON.parse(fixture(`flagger/${name}.request`).body);
  const canary = (name: string, metadata?: object) => ({
    name,
    namespace: 'any',
    phase: 'Progressing',
    ...(metadata && { metadata }),
  });

  test.each(['confirm-rollout', 'confirm-promotion', 'no-metadata-old'])(
    '%s: open, and closed during a freeze',
    async (name) => {
      const key = await tokenFor(['flagger:gate'], { services: ['checkout-api'] });
      expect(await send(hook(name), key)).toMatchObject({ status: 200, body: { allowed: true } });
      await frozen(serviceEnvironment, async () => {
        const answer = await send(hook(name), key);
        expect(answer).toMatchObject({ status: 423, body: { allowed: false, verdict: 'freeze' } });
        expect(answer.body.reasons[0].text).toContain('the error budget is spent');
      });
      expect(await send(hook(name), key)).toMatchObject({ status: 200 });
    },
  );

  test('a canary in two environments waits if one is frozen', async () => {
    const key = await tokenFor(['flagger:gate']);
    await frozen({ service: 'checkout-api', environment: 'staging' }, async () => {
      expect(await send(hook('no-metadata-old'), key)).toMatchObject({ status: 423 });
      expect(await send(hook('confirm-rollout'), key)).toMatchObject({ status: 200 });
    });
  });

  test("the metadata selects the service, otherwise the canary's name", async () => {
    const key = await tokenFor(['flagger:gate']);
    await frozen({ service: 'plain', environment: 'plain-live' }, async () => {
      expect(await send(canary('plain'), key)).toMatchObject({ status: 423 });
      expect(await send(canary('plain', { env: 'qa' }), key)).toMatchObject({ status: 200 });
      expect(await send(canary('web', { service: 'plain' }), key)).toMatchObject({ status: 423 });
      expect(await send(canary('web', { service: 'plain', environment: 'plain-live' }), key)).toMatchObject({
        status: 423,
      });
    });
    await frozen({ service: 'two', environment: 'b' }, async () => {
      expect(await send(canary('two'), key)).toMatchObject({ status: 423 });
      expect(await send(canary('two', { environment: 'a' }), key)).toMatchObject({ status: 200 });
    });
    // It is not in the catalogue, but known nevertheless.
    const heardOf = { service: 'unheard-of', environment: 'production', version: 'v1' };
    await firebreak.post('/v1/deployments', heardOf);
    await frozen({ service: 'unheard-of', environment: 'production' }, async () => {
      expect(await send(canary('unheard-of'), key)).toMatchObject({ status: 423 });
    });
  });

  test.each(['gate', 'rollout', 'confirm-promotion'])('answers %s of a canary with the longest name', async (name) => {
    const metadata = { service: 'plain', environment: 'plain-live' };
    const [longest, longer] = await Promise.all(
      [245, 246].map((length) => firebreak.post(`/integrations/flagger/${name}`, canary('n'.repeat(length), metadata))),
    );
    expect(longest?.status).toBeLessThan(500);
    expect(longer).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(/^json: name: must have at most 245 characters/) },
    });
  });

  test('requires a key for the gate', async () => {
    const refused = { status: 401, body: { detail: expect.stringContaining('at the end of the URL as ?key=TOKEN') } };
    expect(await send(hook('confirm-rollout'), undefined)).toMatchObject(refused);
    expect(await send(hook('confirm-rollout'), 'nobody')).toMatchObject(refused);
    expect((await send(hook('confirm-rollout'), await tokenFor(['flagger:gate', 'freezes:check']))).status).toBe(403);
    const other = await tokenFor(['flagger:gate'], { services: ['plain'] });
    expect(await send(hook('confirm-rollout'), other)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await send({}, await tokenFor(['flagger:gate']))).status).toBe(422);
  });

  test('the rollback gate ignores freezes', async () => {
    const key = await tokenFor(['flagger:gate']);
    await frozen(serviceEnvironment, async () => {
      const answer = await send(hook('rollback-gate'), key, 'rollback');
      expect(answer).toMatchObject({ status: 403, body: { code: 'gate-closed' } });
    });
  });

  test('checks the version of the recorded deployment in progress', async () => {
    const key = await tokenFor(['flagger:gate']);
    await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: '2026.6', status: 'started' });
    await send({ ...hook('confirm-rollout'), checksum: 'abc' }, key);
    const { body } = await firebreak.get('/v1/audit?limit=100');
    const decisions = body.items.filter(({ kind }: any) => kind === 'freeze.decision');
    const asked = await Promise.all(
      decisions.map(({ detail }: any) => firebreak.get(`/v1/freeze-decisions/${detail.decision}`)),
    );
    expect(asked.map(({ body: decision }) => decision.request)).toContainEqual(
      expect.objectContaining({
        ...serviceEnvironment,
        version: '2026.6',
        deployment_id: 'flagger abc checkout/checkout-api',
      }),
    );
  });
});
