import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import type { LaunchDarklyView } from '../../launchdarkly/launchdarkly.ts';
import { calls, clock, folder, sandbox, setFault, start } from '../support.ts';

const TOKEN = 'api-01234567-89ab-cdef-0123-456789abcdef';
const SEMANTIC = 'application/json; domain-model=launchdarkly.semanticpatch';
const FLAG = '/api/v2/flags/default/new-basket';

type Shown = {
  _version: number;
  archived: boolean;
  environments: Record<string, { on: boolean; version: number; lastModified: number }>;
};
type Failure = { code: string; message: string; id: string };

async function call<T>(
  { urls }: StandIns,
  method: string,
  path: string,
  { body, token = TOKEN, type = SEMANTIC }: { body?: unknown; token?: string; type?: string } = {},
) {
  const response = await fetch(urls.launchdarkly + path, {
    method,
    headers: { authorization: token, 'ld-api-version': '20240415', 'content-type': type },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

const put = (standIns: StandIns, settings: object) =>
  sandbox<{ items: object[] }>(standIns, 'PUT', '/launchdarkly/flags', {
    environment: 'production',
    flag: 'new-basket',
    on: true,
    ...settings,
  });

const turn = (on: boolean, more: object = {}) => ({
  environmentKey: 'production',
  instructions: [{ kind: on ? 'turnFlagOn' : 'turnFlagOff' }],
  ...more,
});

describe('a flag', () => {
  test('has a state in each environment of its project', async () => {
    const standIns = await start();
    await put(standIns, { environment: 'test', on: false });
    await put(standIns, {});
    await put(standIns, { project: 'other', environment: 'live', flag: 'else' });
    const { body } = await call<Shown>(standIns, 'GET', FLAG);
    expect(body).toMatchObject({ key: 'new-basket', archived: false, kind: 'boolean' });
    expect(body.environments).toMatchObject({ production: { on: true, version: 2 }, test: { on: false, version: 1 } });
    const filtered = await call<Shown>(standIns, 'GET', `${FLAG}?env=test`);
    expect(Object.keys(filtered.body.environments)).toEqual(['test']);
    const both = await call<Shown>(standIns, 'GET', `${FLAG}?env=test&env=production`);
    expect(Object.keys(both.body.environments)).toEqual(['production', 'test']);
  });

  test('is switched by a semantic patch, in one environment, and gets new versions', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await put(standIns, { environment: 'test' });
    await put(standIns, {});
    time.forward(1000);
    const before = await call<Shown>(standIns, 'GET', FLAG);
    const { status, body } = await call<Shown>(standIns, 'PATCH', FLAG, { body: turn(false) });
    expect(status).toBe(200);
    expect(body._version).toBe(before.body._version + 1);
    expect(body.environments['production']).toMatchObject({ on: false, version: 3, lastModified: time.now() });
    expect(body.environments['test']).toEqual(before.body.environments['test']);
    expect((await call<Shown>(standIns, 'GET', FLAG)).body).toEqual(body);
  });

  test('stays unchanged if it already has the state', async () => {
    const standIns = await start();
    await put(standIns, {});
    const before = await call<Shown>(standIns, 'GET', FLAG);
    const { body } = await call<Shown>(standIns, 'PATCH', FLAG, { body: turn(true, { comment: 'again' }) });
    expect(body).toEqual(before.body);
    expect((await call<{ items: object[] }>(standIns, 'GET', '/api/v2/auditlog')).body.items).toHaveLength(1);
  });

  test('an unknown flag, environment, or route is a 404', async () => {
    const standIns = await start();
    await put(standIns, {});
    for (const path of ['/api/v2/flags/default/other', '/api/v2/flags/other/new-basket', '/api/v2/other'])
      expect(await call(standIns, 'GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const body = turn(false, { environmentKey: 'staging' });
    expect(await call(standIns, 'PATCH', FLAG, { body })).toMatchObject({ status: 404 });
  });

  test.each<[string, { body: unknown; type?: string }]>([
    ['a semantic patch without its content type', { body: turn(false), type: 'application/json' }],
    ['a JSON patch', { body: [{ op: 'replace', path: '/environments/production/on', value: false }] }],
    ['invalid JSON', { body: '{' }],
    ['no instructions', { body: turn(false, { instructions: [] }) }],
    ['an unknown instruction', { body: turn(false, { instructions: [{ kind: 'turnFlagOff' }, { kind: 'x' }] }) }],
    ['no environment', { body: { instructions: [{ kind: 'turnFlagOff' }] } }],
  ])('stays unchanged by %s', async (_, patch) => {
    const standIns = await start();
    await put(standIns, {});
    const { status, body } = await call<Failure>(standIns, 'PATCH', FLAG, patch);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect((await call<Shown>(standIns, 'GET', FLAG)).body.environments['production']?.on).toBe(true);
  });

  test('in an environment that requires approvals is refused with 405', async () => {
    const standIns = await start();
    await put(standIns, { requires_approval: true });
    const { status, body } = await call<Failure>(standIns, 'PATCH', FLAG, { body: turn(false) });
    expect({ status, code: body.code }).toEqual({ status: 405, code: 'method_not_allowed' });
    expect(body.message).toContain('require approval');
    expect((await put(standIns, { requires_approval: false })).items).toEqual([
      {
        project: 'default',
        environment: 'production',
        flag: 'new-basket',
        on: true,
        version: 2,
        archived: false,
        requires_approval: false,
      },
    ]);
    expect((await call(standIns, 'PATCH', FLAG, { body: turn(false) })).status).toBe(200);
  });

  test('survives a restart', async () => {
    const dir = folder();
    const before = await start({ dir });
    await put(before, { archived: true });
    await before.close();
    const after = await call<Shown>(await start({ dir }), 'GET', FLAG);
    expect(after.body).toMatchObject({ archived: true, environments: { production: { on: true } } });
  });
});

describe('the audit log', () => {
  type Entry = { date: number; comment?: string; member?: object; accesses: object[]; titleVerb: string };
  const entries = async (standIns: StandIns, query = '') =>
    (await call<{ items: Entry[] }>(standIns, 'GET', `/api/v2/auditlog${query}`)).body.items;

  test('has every change, newest first, with its comment and author', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await put(standIns, {});
    time.forward(1000);
    await call(standIns, 'PATCH', FLAG, { body: turn(false, { comment: 'INC-42' }) });
    const [ours, theirs, ...others] = await entries(standIns);
    expect(others).toEqual([]);
    expect(ours).toMatchObject({ date: time.now(), comment: 'INC-42', titleVerb: 'turned off the flag' });
    expect(ours?.accesses).toEqual([{ action: 'updateOn', resource: 'proj/default:env/production:flag/new-basket' }]);
    expect(ours?.member).toBeUndefined();
    expect(theirs).toMatchObject({ member: { firstName: 'Ada' } });
    expect(theirs?.comment).toBeUndefined();
    expect(await entries(standIns, `?after=${time.now() - 1}`)).toHaveLength(1);
    expect(await entries(standIns, `?before=${time.now()}`)).toHaveLength(1);
  });

  test('is filtered by resource, and returns at most 20 entries', async () => {
    const standIns = await start();
    for (let i = 0; i < 12; i += 1) await put(standIns, { on: i % 2 === 0 });
    for (let i = 0; i < 12; i += 1) await put(standIns, { on: i % 2 === 0, flag: 'new-basket-2' });
    const count = async (spec: string) =>
      (await entries(standIns, `?limit=20&spec=${encodeURIComponent(spec)}`)).length;
    expect(await count('proj/default:env/production:flag/new-basket')).toBe(12);
    expect(await count('proj/default:env/*:flag/*')).toBe(20);
    expect(await count('proj/default')).toBe(20);
    expect(await count('proj/default:env/test:flag/*')).toBe(0);
    expect(await count('proj/default:env/production:flag/new.basket')).toBe(0);
    expect(await entries(standIns)).toHaveLength(10);
    for (const limit of ['0', '21', 'many'])
      expect((await call(standIns, 'GET', `/api/v2/auditlog?limit=${limit}`)).status).toBe(400);
  });
});

test('the view shows flags, and changes, newest first', async () => {
  const standIns = await start({ now: clock().now });
  await put(standIns, {});
  await call(standIns, 'PATCH', FLAG, { body: turn(false, { comment: 'INC-42' }) });
  const { views } = await sandbox<{ views: { launchdarkly: LaunchDarklyView } }>(standIns, 'GET', '/state');
  const at = { project: 'default', environment: 'production', flag: 'new-basket' };
  const when = '2026-11-20T06:48:00.000Z';
  expect(views.launchdarkly).toEqual({
    flags: [{ ...at, on: false, version: 3, archived: false, requires_approval: false }],
    changes: [
      { ...at, on: false, comment: 'INC-42', member: null, at: when },
      { ...at, on: true, comment: null, member: 'Ada', at: when },
    ],
  });
});

describe('credentials', () => {
  test.each(['', `Bearer ${TOKEN}`])('%j is invalid: the header contains the token alone', async (token) => {
    const standIns = await start();
    expect(await call(standIns, 'GET', FLAG, { token })).toMatchObject({
      status: 401,
      body: { code: 'unauthorized' },
    });
  });

  test('are redacted', async () => {
    const standIns = await start();
    await call(standIns, 'GET', FLAG);
    expect((await calls(standIns))[0]?.headers.authorization).toBe('api-…cdef');
  });
});

describe('limits', () => {
  test('are in headers, and shorter with the time scale', async () => {
    const time = clock();
    const standIns = await start({ now: time.now, timeScale: 10 });
    const told = async () => {
      const { headers } = await call(standIns, 'GET', FLAG);
      return ['global-remaining', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)));
    };
    const reset = time.now() + 1000;
    expect(await told()).toEqual([199, reset]);
    time.forward(999);
    expect(await told()).toEqual([198, reset]);
    time.forward(1);
    expect(await told()).toEqual([199, reset + 1000]);
  });

  test('respond 429 with the end of the window, for all tokens, and without an effect', async () => {
    const dir = folder();
    const time = clock();
    const before = await start({ dir, now: time.now });
    await put(before, {});
    await call(before, 'GET', FLAG);
    await before.close();
    const db = new DatabaseSync(join(dir, 'standins.sqlite'));
    db.exec('update launchdarkly_window set used = 199');
    db.close();

    const standIns = await start({ dir, now: time.now });
    expect((await call(standIns, 'GET', FLAG)).status).toBe(200);
    const limited = await call<Failure>(standIns, 'PATCH', FLAG, { body: turn(false), token: 'api-other' });
    expect({ status: limited.status, code: limited.body.code }).toEqual({ status: 429, code: 'rate_limited' });
    expect(limited.headers.get('x-ratelimit-reset')).toBe(String(time.now() + 10_000));
    expect(limited.headers.get('retry-after')).toBeNull();
    time.forward(10_000);
    expect((await call<Shown>(standIns, 'GET', FLAG)).body.environments['production']?.on).toBe(true);
  });

  test('by IP address are a fault, with Retry-After', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'launchdarkly', fault: { kind: 'rate_limit' }, times: 1 });
    const { status, headers } = await call(standIns, 'GET', FLAG);
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
  });
});
