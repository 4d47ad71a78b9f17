import { describe, expect, test } from 'vitest';
import { flagsFor } from '../../../vendors/rollback-targets.ts';
import type { TargetResponse, FlagRequest, Flags } from '../../../core/domain/rollback/targets.ts';
import { launchDarklyFlags } from '../../../vendors/launchdarkly/flags.ts';
import { FlagsConfig } from '../../../schemas/rollback/targets.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { calls, sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { conforms, troubles } from './conformance.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Reply, vendor } from '../server.ts';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const TOKEN = 'api-00000000-0000-0000-0000-000000000000';
const secrets = { get: async (name: string) => (name === 'LAUNCHDARKLY_TOKEN' ? TOKEN : undefined) };
const serviceEnvironment = { service: 'checkout-api' as ServiceName, environment: 'production' as EnvironmentName };

const flagsAt = (apiUrl: string, more: { environment?: string; token?: string } = {}): Flags =>
  launchDarklyFlags({
    apiUrl,
    project: 'shop',
    environment: 'production',
    token: 'LAUNCHDARKLY_TOKEN',
    secrets,
    clock,
    ...more,
  });

const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.flag-off.1';
const request: FlagRequest = {
  ...serviceEnvironment,
  flag: 'new-basket',
  on: false,
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId,
  reason: 'INC-42 HighErrorBurnRate',
  key: KEY,
};

const flagJson = (on: boolean, more: object = {}) =>
  JSON.stringify({ key: 'new-basket', archived: false, environments: { production: { on } }, ...more });
const ON: Reply = { body: flagJson(true) };
const OFF: Reply = { body: flagJson(false) };
const NO_CHANGES: Reply = { body: '{"items":[]}' };

const said = (text: string) => expect.stringContaining(text) as string;

/** Starts a stand-in where the flag is on, with additional settings. */
async function open(more: object = {}) {
  const standIns = await start();
  const at = { project: 'shop', environment: 'production', flag: request.flag };
  const put = (settings: object) => sandbox(standIns, 'PUT', '/launchdarkly/flags', { ...at, ...settings });
  await put({ on: true, ...more });
  return { standIns, put, flags: flagsAt(standIns.urls.launchdarkly) };
}

describe('LaunchDarkly conforms to the flag contract', () => {
  conforms(async () => {
    const { standIns, put, flags } = await open();
    const api = async <T>(path: string): Promise<T> => {
      const headers = { authorization: TOKEN };
      return (await (await fetch(`${standIns.urls.launchdarkly}/api/v2/${path}`, { headers })).json()) as T;
    };
    type Shown = { environments: { production: { on: boolean } } };
    return {
      flags,
      request,
      ...troubles(standIns, 'launchdarkly', 'PATCH'),
      isOn: async () => (await api<Shown>('flags/shop/new-basket')).environments.production.on,
      async changes() {
        const { items } = await api<{ items: { member?: object }[] }>('auditlog?limit=20');
        return items.filter(({ member }) => member === undefined).length;
      },
      person: async (on) => void (await put({ on })),
    };
  });
});

describe('requests', () => {
  test('the flag, its history, and then the change, with a readable comment', async () => {
    const { url, received } = await vendor(ON, NO_CHANGES, OFF);
    expect(await flagsAt(`${url}/`).set(request)).toEqual({ kind: 'succeeded', id: null });
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v2/flags/shop/new-basket?env=production',
      'GET /api/v2/auditlog?spec=proj%2Fshop%3Aenv%2Fproduction%3Aflag%2Fnew-basket&limit=20',
      'PATCH /api/v2/flags/shop/new-basket',
    ]);
    for (const { headers } of received)
      expect(headers).toMatchObject({ authorization: TOKEN, 'ld-api-version': '20240415', accept: 'application/json' });
    expect(received[2]?.headers['content-type']).toBe('application/json; domain-model=launchdarkly.semanticpatch');
    expect(JSON.parse(received[2]?.body ?? '')).toEqual({
      environmentKey: 'production',
      comment: `INC-42 HighErrorBurnRate [firebreak ${KEY}]`,
      instructions: [{ kind: 'turnFlagOff' }],
    });
  });

  test('turns the flag on', async () => {
    const { url, received } = await vendor(OFF, NO_CHANGES, ON);
    expect(await flagsAt(url).set({ ...request, on: true })).toMatchObject({ kind: 'succeeded' });
    expect(JSON.parse(received[2]?.body ?? '')).toMatchObject({ instructions: [{ kind: 'turnFlagOn' }] });
  });

  test('only the flag if it has the requested state', async () => {
    const { url, received } = await vendor(OFF);
    expect(await flagsAt(url).set(request)).toEqual({ kind: 'succeeded', id: null });
    expect(received).toHaveLength(1);
  });

  test('none for an environment with an invalid key', async () => {
    const { url, received } = await vendor(ON);
    const flags = flagsAt(url, { environment: 'pro*' });
    expect(await flags.set(request)).toEqual({
      kind: 'refused',
      detail: said('the environment "pro*" is not a valid key'),
    });
    expect(received).toEqual([]);
  });

  test('none without the token', async () => {
    const { url, received } = await vendor(ON);
    const answer = await flagsAt(url, { token: 'SHOP_TOKEN' }).set(request);
    expect(answer).toEqual({ kind: 'refused', detail: said('SHOP_TOKEN is not set') });
    expect(received).toEqual([]);
  });
});

describe('an unreadable audit log', () => {
  test.each<[string, Reply]>([
    ['forbidden', { status: 403 }],
    ['limited', { status: 429 }],
    ['broken', { status: 500 }],
    ['in another form', { body: '[]' }],
  ])("%s: doesn't delay the mitigation", async (_, reply) => {
    const { url, received } = await vendor(ON, reply, OFF);
    expect(await flagsAt(url).set(request)).toMatchObject({ kind: 'succeeded' });
    expect(received).toHaveLength(3);
  });

  test("a key that starts with this key, or a key within a comment, doesn't match", async () => {
    const items = [{ comment: `x [firebreak ${KEY}0]` }, { comment: `[firebreak ${KEY}] says Ada` }, {}];
    const { url } = await vendor(ON, { body: JSON.stringify({ items }) }, OFF);
    expect(await flagsAt(url).set(request)).toMatchObject({ kind: 'succeeded' });
  });
});

describe('an audit log with the key', () => {
  const CHANGED: Reply = { body: JSON.stringify({ items: [{ comment: `INC-42 [firebreak ${KEY}]` }] }) };
  const BROKEN: Reply = { status: 500 };

  test.each<[string, Reply, TargetResponse]>([
    ['the earlier attempt took effect after the first read', OFF, { kind: 'succeeded', id: null }],
    ['a person changed the flag later', ON, { kind: 'superseded', current: 'on' }],
    ['the flag is unreadable', BROKEN, { kind: 'later', detail: said('500'), afterSeconds: null }],
  ])('changes nothing and reads the flag once more: %s', async (_, reply, expected) => {
    const { url, received } = await vendor(ON, CHANGED, reply);
    expect(await flagsAt(url).set(request)).toEqual(expected);
    expect(received.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });
});

describe('the response to a change', () => {
  const error = (code: string, message: string) => JSON.stringify({ code, message, id: 'x' });
  test.each<[string, Reply, TargetResponse]>([
    ['not done', ON, { kind: 'failed', detail: said('new-basket') }],
    ['not readable', { body: '<html>' }, { kind: 'later', detail: said('not in the form'), afterSeconds: null }],
    [
      'at the same time as another one',
      { status: 409, body: error('optimistic_locking_error', 'Conflict. Optimistic lock error. Try again later.') },
      { kind: 'later', detail: said('Optimistic lock'), afterSeconds: null },
    ],
    [
      'limited until a time',
      { status: 429, headers: { 'x-ratelimit-reset': String(clock.millis + 7_000) } },
      { kind: 'later', detail: said('429'), afterSeconds: 7 },
    ],
    [
      'limited until a time that is past',
      { status: 429, headers: { 'x-ratelimit-reset': String(clock.millis - 7_000) } },
      { kind: 'later', detail: said('429'), afterSeconds: 0 },
    ],
    [
      'limited for so long',
      { status: 429, headers: { 'retry-after': '30', 'x-ratelimit-reset': '1' } },
      { kind: 'later', detail: said('429'), afterSeconds: 30 },
    ],
    ['limited', { status: 429 }, { kind: 'later', detail: said('429'), afterSeconds: 10 }],
    ['broken', { status: 502, body: '<html>' }, { kind: 'later', detail: said('502'), afterSeconds: null }],
    ['half an answer', { cut: 200 }, { kind: 'later', detail: said('PATCH'), afterSeconds: null }],
    [
      'against a scheduled change',
      { status: 400, body: error('invalid_request', 'conflicts with a scheduled change') },
      { kind: 'refused', detail: said('conflicts with a scheduled change') },
    ],
    [
      'a token that is none',
      { status: 401, body: error('unauthorized', 'Invalid access token') },
      refusedWith('Invalid'),
    ],
    [
      'a token that may not',
      {
        status: 403,
        body: JSON.stringify({
          code: 'forbidden',
          message: 'Access to the requested resource was denied',
          access: { action: 'updateOn', resource: 'proj/shop:env/production:flag/new-basket' },
        }),
      },
      refusedWith('denied (updateOn on proj/shop:env/production:flag/new-basket)'),
    ],
    [
      'gone',
      { status: 404, body: error('not_found', 'Invalid resource identifier') },
      refusedWith('no flag "new-basket" in environment "production" of project "shop"'),
    ],
  ])('%s', async (_, reply, expected) => {
    const { url, received } = await vendor(ON, NO_CHANGES, reply);
    expect(await flagsAt(url).set(request)).toEqual(expected);
    expect(received).toHaveLength(3);
  });

  test('a required approval is reported, and nothing changes', async () => {
    const { flags, put } = await open({ requires_approval: true });
    const answer = await flags.set(request);
    expect(answer).toEqual(refusedWith('Flag configuration updates require approval'));
    expect(answer).toEqual(refusedWith('request it at LaunchDarkly'));
    await put({ on: true, requires_approval: false });
    expect(await flags.set(request)).toMatchObject({ kind: 'succeeded' });
  });

  function refusedWith(text: string): TargetResponse {
    return { kind: 'refused', detail: said(text) };
  }
});

describe('the response to a read', () => {
  test('an unknown environment of the project is refused by name', async () => {
    const { standIns } = await open();
    for (const environment of ['staging', 'constructor'])
      expect(await flagsAt(standIns.urls.launchdarkly, { environment }).read(request.flag)).toEqual({
        kind: 'refused',
        detail: `project "shop" has no environment "${environment}" at LaunchDarkly`,
      });
  });

  test('an archived flag is refused, because it switches nothing', async () => {
    const { flags } = await open({ archived: true });
    expect(await flags.set(request)).toEqual({ kind: 'refused', detail: said('archived') });
  });

  test('a rate limit and a server error are "later", all other errors are refused', async () => {
    const { standIns, flags } = await open();
    const answers = [];
    for (const fault of [
      { kind: 'rate_limit' },
      { kind: 'status', status: 500 },
      { kind: 'status', status: 401 },
      { kind: 'status', status: 302 },
    ] as const) {
      await setFault(standIns, { vendor: 'launchdarkly', fault, times: 1 });
      answers.push((await flags.read(request.flag)).kind);
    }
    expect(answers).toEqual(['later', 'later', 'refused', 'refused']);
    expect(await flagsAt(await nobody()).read(request.flag)).toMatchObject({ kind: 'later' });
  });

  test('a change takes at most 15 seconds', async () => {
    const limits = impatient();
    const { url } = await vendor(ON, NO_CHANGES, 'hang');
    expect(await flagsAt(url).set(request)).toMatchObject({ kind: 'later', detail: said('in time') });
    expect(limits).toEqual([5_000, 5_000, 5_000]);
  });

  test("results don't contain the token", async () => {
    const { url } = await vendor({ status: 403, body: '{"message":"no"}' });
    const answers = [await flagsAt(url).set(request), await flagsAt(await nobody()).set(request)];
    expect(JSON.stringify(answers)).not.toContain(TOKEN);
  });
});

describe('the configuration', () => {
  test('defaults the project and environment', async () => {
    const standIns = await start();
    const known: Record<string, string> = {
      LAUNCHDARKLY_API_URL: standIns.urls.launchdarkly,
      LAUNCHDARKLY_TOKEN: TOKEN,
    };
    const parts = {
      serviceEnvironment: serviceEnvironment,
      clock,
      standIns: standInsAt([]),
      secrets: { get: async (name: string) => known[name] },
    };
    for (const config of [{}, { project: 'shop', environment: 'live' }])
      await (await flagsFor(FlagsConfig.parse({ kind: 'launchdarkly', ...config }), parts))?.read('a');
    const asked = (await calls(standIns, '?vendor=launchdarkly')).map(({ path, query }) => `${path}?${query}`);
    expect(asked).toEqual(['/api/v2/flags/shop/a?env=live', '/api/v2/flags/default/a?env=production']);
  });

  test('requires a token; a named token that is not set is refused by name', async () => {
    const parts = {
      serviceEnvironment: serviceEnvironment,
      clock,
      standIns: standInsAt([]),
      secrets: { get: async () => undefined },
    };
    expect(await flagsFor(FlagsConfig.parse({ kind: 'launchdarkly' }), parts)).toBeUndefined();
    const named = FlagsConfig.parse({ kind: 'launchdarkly', auth: { bearer: 'SHOP_TOKEN' } });
    expect(await (await flagsFor(named, parts))?.read('a')).toEqual({ kind: 'refused', detail: said('SHOP_TOKEN') });
  });
});
