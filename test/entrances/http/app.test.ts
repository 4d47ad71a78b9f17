import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actingCheckout, alert, group, minutesAgo } from '../../support/alerts.ts';
import { ADMIN_TOKEN, Firebreak } from '../../support/firebreak.ts';
import { routed, seen } from '../../support/fixtures.ts';
import { NAMES, requests } from './object-names.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  const shadow = { environments: { production: null } };
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: { ...actingCheckout, declared: shadow, patched: shadow, failing: shadow, listed: shadow },
  });
});
afterAll(() => firebreak.remove());

const TIME = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);

/** Reads all items of a list, page by page. */
async function turned(path: string, limit: number): Promise<any[]> {
  const items: any[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await firebreak.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    expect(status).toBe(200);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    items.push(...body.items);
    if (body.next_cursor === null) return items;
    cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
  }
}

const problem = (status: number, code: string) => ({
  status,
  body: {
    type: expect.stringMatching(/^(urn|https):/),
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
    request_id: expect.any(String),
  },
});

const HALF = '"\\ud800"'; // a lone surrogate, as JSON can spell it
const NESTED = `${'['.repeat(40)}${']'.repeat(40)}`;
const NOWHERE = '0'.repeat(26);
const cursorOf = (key: object) => Buffer.from(JSON.stringify(key)).toString('base64url');

describe('an invalid request gets problem details', () => {
  test.each<[name: string, method: string, path: string, body: unknown, status: number, code: string]>([
    ['an unknown path', 'GET', '/v1/nothing', undefined, 404, 'not-found'],
    ['an unknown path outside of the API', 'GET', '/../../etc/passwd', undefined, 404, 'not-found'],
    ['a wrong method', 'DELETE', '/v1/incidents', undefined, 404, 'not-found'],
    ['a GET of a receiver', 'GET', '/v1/alerts/alertmanager', undefined, 404, 'not-found'],
    ['an unknown receiver', 'POST', '/v1/alerts/nagios', {}, 404, 'not-found'],
    ['a body that is not JSON', 'POST', '/v1/deployments', '{', 400, 'not-json'],
    ['no body', 'POST', '/v1/deployments', undefined, 422, 'invalid'],
    ['an empty body', 'POST', '/v1/deployments', {}, 422, 'invalid'],
    ['a list as the body', 'POST', '/v1/deployments', [], 422, 'invalid'],
    [
      'a lone surrogate',
      'POST',
      '/v1/deployments',
      `{"service":${HALF},"environment":"p","version":"1"}`,
      422,
      'invalid',
    ],
    [
      'a lone surrogate in free text',
      'POST',
      '/v1/deployments',
      `{"service":"a","environment":"p","version":"1","author":${HALF}}`,
      422,
      'invalid',
    ],
    [
      'an unknown key',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: '1', vresion: '2' },
      422,
      'invalid',
    ],
    [
      'an unknown kind',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: '1', kind: 'push' },
      422,
      'invalid',
    ],
    [
      'an invalid time',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: '1', started_at: '1763625600' },
      422,
      'invalid',
    ],
    [
      'a day that the calendar lacks',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: '1', started_at: '2026-02-30T10:00:00Z' },
      422,
      'invalid',
    ],
    [
      'a blank version, as of an unset variable',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: ' ' },
      422,
      'invalid',
    ],
    [
      'a link with a script',
      'POST',
      '/v1/deployments',
      { service: 'a', environment: 'p', version: '1', url: 'javascript:alert(1)' },
      422,
      'invalid',
    ],
    ['a body that is too large', 'PUT', '/v1/automation', { reason: 'x'.repeat(300_000) }, 413, 'body-too-large'],
    ['a boolean that is a text', 'PUT', '/v1/automation', { paused: 'yes' }, 422, 'invalid'],
    ['an unknown mode', 'PUT', '/v1/automation', { mode: 'yolo' }, 422, 'invalid'],
    [
      'an unknown mode of a service',
      'PUT',
      '/v1/automation',
      { services: { checkout: { mode: 'yolo' } } },
      422,
      'invalid',
    ],
    ['an incident without a title', 'POST', '/v1/incidents', { service: 'a', environment: 'p' }, 422, 'invalid'],
    [
      'an incident with a blank title',
      'POST',
      '/v1/incidents',
      { service: 'a', environment: 'p', title: ' \n' },
      422,
      'invalid',
    ],
    [
      'an incident with an invisible title',
      'POST',
      '/v1/incidents',
      { service: 'a', environment: 'p', title: '\u200b' },
      422,
      'invalid',
    ],
    [
      'an unknown severity',
      'POST',
      '/v1/incidents',
      { service: 'a', environment: 'p', title: 't', severity: 'dreadful' },
      422,
      'invalid',
    ],
    ['an unknown incident', 'GET', `/v1/incidents/${NOWHERE}`, undefined, 404, 'unknown-incident'],
    ['an incident with an invalid ID', 'GET', '/v1/incidents/1', undefined, 404, 'not-found'],
    [
      'the timeline of an unknown incident',
      'GET',
      `/v1/incidents/${NOWHERE}/timeline`,
      undefined,
      404,
      'unknown-incident',
    ],
    [
      'a note to an unknown incident',
      'POST',
      `/v1/incidents/${NOWHERE}/timeline`,
      { text: 'hello' },
      404,
      'unknown-incident',
    ],
    [
      'an action on an unknown incident',
      'POST',
      `/v1/incidents/${NOWHERE}/actions/resolve`,
      {},
      404,
      'unknown-incident',
    ],
    [
      'an approval for an unknown incident',
      'POST',
      `/v1/incidents/${NOWHERE}/actions/approve`,
      { digest: 'x' },
      404,
      'unknown-incident',
    ],
    ['an approval without a digest', 'POST', `/v1/incidents/${NOWHERE}/actions/approve`, {}, 422, 'invalid'],
    ['an unknown action', 'POST', `/v1/incidents/${NOWHERE}/actions/explode`, {}, 404, 'not-found'],
    ['an unknown deployment', 'GET', `/v1/deployments/chg_${NOWHERE}`, undefined, 404, 'unknown-deployment'],
    [
      'a patch of an unknown deployment',
      'PATCH',
      `/v1/deployments/chg_${NOWHERE}`,
      { status: 'failed' },
      404,
      'unknown-deployment',
    ],
    ['an unknown status', 'GET', '/v1/incidents?status=over', undefined, 422, 'invalid'],
    ['a limit of 0', 'GET', '/v1/incidents?limit=0', undefined, 422, 'invalid'],
    ['a limit that is too large', 'GET', '/v1/incidents?limit=100000', undefined, 422, 'invalid'],
    ['a limit that is not a number', 'GET', '/v1/deployments?limit=ten', undefined, 422, 'invalid'],
    ['an invalid cursor', 'GET', '/v1/incidents?cursor=next', undefined, 400, 'bad-cursor'],
    [
      'a cursor of another list',
      'GET',
      `/v1/incidents?cursor=${cursorOf({ pk: 'x', sk: 'x', list: 'CHANGES', list_key: 'x' })}`,
      undefined,
      400,
      'bad-cursor',
    ],
    [
      'a cursor with wrong types',
      'GET',
      `/v1/incidents?cursor=${cursorOf({ pk: 1, sk: {} })}`,
      undefined,
      400,
      'bad-cursor',
    ],
    [
      'a cursor into another partition',
      'GET',
      `/v1/deployments?service=a&environment=b&cursor=${cursorOf({ pk: 'AUTOMATION', sk: 'x' })}`,
      undefined,
      400,
      'bad-cursor',
    ],
    ['an invalid cursor of the quarantine', 'GET', '/v1/quarantine?cursor=q_0', undefined, 400, 'bad-cursor'],
    ['an invalid cursor of the tokens', 'GET', '/v1/tokens?cursor=0', undefined, 400, 'bad-cursor'],
  ])('%s', async (_, method, path, body, status, code) => {
    const answer = await firebreak.request(method, path, body);
    expect(answer).toMatchObject(problem(status, code));
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-request-id')).toBe(answer.body.request_id);
  });

  test('of a page that the background thread reads gets the same status', async () => {
    expect((await firebreak.request('GET', '/console/incidents?from=next')).status).toBe(400);
  });

  test.each([
    ['unlimited nesting', `{"text":"a","detail":${NESTED}}`],
    ['a number out of range', '{"text":"a","detail":1e400}'],
    ['an integer beyond the safe range', '{"text":"a","detail":[12345678901234567890]}'],
    ['a lone surrogate in a key', `{"text":"a","detail":{${HALF}:1}}`],
    ['no text', '{"text":""}'],
  ])('a note with %s', async (_, body) => {
    expect(await firebreak.request('POST', `/v1/incidents/${NOWHERE}/timeline`, body)).toMatchObject(
      problem(422, 'invalid'),
    );
  });

  test.each([
    [`{"commits":[{"sha":"a"},{"sha":${HALF}}]}`, 'commits.1.sha: contains half of a surrogate pair'],
    [`{"a":{"b":[12345678901234567890]}}`, 'a.b.0: the number 12345678901234567000 is outside the supported range'],
    [`{"a":{${HALF}:1}}`, 'a: a key contains half of a surrogate pair'],
    ['{"a":{"__proto__":1}}', 'a: the key __proto__ is not supported'],
    [HALF, 'contains half of a surrogate pair'],
  ])('the place of what cannot be stored: %j', async (body, detail) => {
    const { body: answer } = await firebreak.request('POST', '/v1/deployments', body);
    expect(answer.detail).toMatch(new RegExp(`^${detail.replaceAll('.', '\\.')}`));
  });

  test('a JSON body with another content type', async () => {
    const answer = await firebreak.request('POST', '/v1/deployments', '{}', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject(problem(415, 'unsupported-media-type'));
    expect(answer.body.detail).toBe('Content-Type is text/plain; send the body with Content-Type: application/json');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('every response', () => {
  test.each(['/v1/incidents', '/healthz', '/v1/nothing', '/openapi.json'])(
    'of %s echoes the request ID',
    async (path) => {
      const mine = await firebreak.request('GET', path, undefined, { 'x-request-id': 'ci/4711:attempt=2' });
      expect(mine.headers.get('x-request-id')).toBe('ci/4711:attempt=2');
      const own = await firebreak.get(path);
      expect(own.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
      expect(own.headers.get('cache-control')).toBe('no-store');
    },
  );

  test('has a generated request ID if the given one is not safe for logs', async () => {
    for (const id of ['two words', '{"level":"error"}', 'x'.repeat(500)]) {
      const { headers } = await firebreak.request('GET', '/healthz', undefined, { 'x-request-id': id });
      expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    }
  });
});

describe('the OpenAPI description', () => {
  const CONTRACT = [
    'POST /v1/alerts/alertmanager',
    'POST /v1/alerts/grafana',
    'PUT /v1/alerts/grafana',
    'POST /v1/alerts/generic',
    'POST /api/v1/rollback',
    'POST /v1/deployments',
    'GET /v1/deployments',
    'PATCH /v1/deployments/{id}',
    'GET /v1/deployments/{id}',
    'POST /v1/incidents',
    'GET /v1/incidents',
    'GET /v1/incidents/{id}',
    'PATCH /v1/incidents/{id}',
    'GET /v1/incidents/{id}/timeline',
    'POST /v1/incidents/{id}/timeline',
    ...['rollback', 'approve', 'reject', 'abort', 'pause', 'resume', 'resolve', 'mark-wrong', 'turn-flag-on'].map(
      (action) => `POST /v1/incidents/{id}/actions/${action}`,
    ),
    'GET /v1/incidents/{id}/evidence',
    'GET /v1/incidents/{id}/evidence/{name}',
    'GET /v1/automation',
    'PUT /v1/automation',
    'GET /v1/quarantine',
    'POST /v1/quarantine/{id}/replay',
    ...['commands', 'interactions', 'events'].map((place) => `POST /integrations/slack/${place}`),
    'GET /healthz',
    'GET /readyz',
    'GET /metrics',
    'GET /openapi.json',
  ];

  test('describes each route with its summary, request, responses, and security', async () => {
    const { body } = await firebreak.get('/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Firebreak' } });
    const operations = Object.entries<Record<string, any>>(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    );
    expect(operations.map(({ name }) => name)).toEqual(expect.arrayContaining(CONTRACT));
    for (const { name, operation } of operations) {
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/\w/)]);
      expect([name, Object.keys(operation.responses).some((status) => status.startsWith('2'))]).toEqual([name, true]);
      // Slack's endpoints respond to Slack only, so they have no 403.
      if (operation.security === undefined || name.includes('/integrations/slack/')) continue;
      expect([name, operation.responses]).toEqual([
        name,
        expect.objectContaining({ 401: expect.anything(), 403: expect.anything() }),
      ]);
    }
  });

  test('contains every referenced schema', async () => {
    const { body } = await firebreak.get('/openapi.json');
    const text = JSON.stringify(body);
    const referred = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(referred.length).toBeGreaterThan(20);
    expect(Object.keys(body.components.schemas)).toEqual(expect.arrayContaining([...new Set(referred)]));
  });
});

describe('health', () => {
  test('shows the reason only to callers with a token', async () => {
    const open = await firebreak.request('GET', '/readyz', undefined, { authorization: '' });
    expect(open).toMatchObject({ status: 200, body: { ready: true } });
    expect(Object.keys(open.body)).toEqual(['ready']);
    const told = await firebreak.get('/readyz');
    expect(told.body).toMatchObject({ ready: true, checks: { table: 'ok' }, config: { problems: [] } });
    expect((await firebreak.request('GET', '/readyz', undefined, { authorization: 'Bearer x' })).body).toEqual({
      ready: true,
    });
  });

  async function expectRollbackIsNoDeploy(): Promise<void> {
    const serviceEnvironment = { service: 'turned-back', environment: 'production' };
    const at = (minutes: number) => ({ started_at: minutesAgo(minutes + 1), finished_at: minutesAgo(minutes) });
    const first = at(120);
    await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'v1', ...first });
    await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'v2', ...at(20) });
    await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'v1', kind: 'rollback', ...at(3) });
    const nowhere = { service: 'began-by-a-rollback', environment: 'production' };
    await firebreak.post('/v1/deployments', { ...nowhere, version: 'v1', kind: 'rollback', ...at(3) });
    const timesOf = async (service: string): Promise<string[]> => {
      const text = await (await fetch(`${firebreak.url}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith('firebreak_deployment_timestamp_seconds'));
      return lines.filter((line) => line.includes(`"${service}"`));
    };
    // A scrape of the last second is reused.
    await expect
      .poll(() => timesOf('turned-back'))
      .toEqual([
        `firebreak_deployment_timestamp_seconds{service="turned-back",environment="production",version="v1"} ${Date.parse(first.finished_at) / 1000}`,
      ]);
    expect(await timesOf('began-by-a-rollback')).toEqual([]);
  }

  test('metrics are open on this machine and have the time of each deployment', async () => {
    const finished_at = minutesAgo(3);
    await firebreak.post('/v1/deployments', {
      service: 'me"tric\\',
      environment: 'production',
      version: 'v7\nb',
      started_at: minutesAgo(5),
      finished_at,
    });
    const scraped = async (): Promise<string> => {
      const answer = await fetch(`${firebreak.url}/metrics`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toContain('version=0.0.4');
      return answer.text();
    };
    await expect
      .poll(scraped)
      .toContain(
        `firebreak_deployment_timestamp_seconds{service="me\\"tric\\\\",environment="production",version="v7\\nb"} ${Date.parse(finished_at) / 1000}\n`,
      );
    const body = await scraped();
    expect(body).toMatch(/^firebreak_automation_paused 0$/m);
    await expectRollbackIsNoDeploy();
    for (const line of body.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) (firebreak|process|nodejs|pipeline|time|deployment|rollback)_\w+ .+|(firebreak|process|nodejs|pipeline|time|deployment|rollback)_\w+(\{.*\})? -?[\d.e+-]+)$/,
      );
    }
  });
});

describe('deployments', () => {
  const serviceEnvironment = { service: 'ledger', environment: 'production' };

  test('are recorded with the given fields; the others are null', async () => {
    const { status, body } = await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'bare' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^chg_/),
      ...serviceEnvironment,
      warnings: ['the catalogue has no service "ledger"'],
      version: 'bare',
      kind: 'deploy',
      status: 'succeeded',
      commit: null,
      committed_at: null,
      commits: [],
      started_at: TIME,
      finished_at: TIME,
      author: null,
      url: null,
      has_migration: null,
      rollback_safe_to: null,
      previous_version: null,
      canary_weight: null,
      rolled_back_by: null,
      made_for: null,
      recorded_at: TIME,
    });
    expect((await firebreak.get(`/v1/deployments/${body.id}`)).body).toEqual({ ...body, watch: null });
  });

  test('a repeated record returns the same deployment with 200', async () => {
    const told = {
      ...serviceEnvironment,
      version: 'v5',
      kind: 'hotfix',
      status: 'started',
      commit: 'abc',
      committed_at: '2026-11-20T09:00:00+02:00',
      commits: [{ sha: 'abc', committed_at: '2026-11-20T07:00:00.123456Z' }, { sha: 'def' }],
      started_at: '2026-11-20T07:30:00Z',
      author: 'Zoë',
      url: 'https://ci.example.com/1',
      has_migration: false,
      rollback_safe_to: 'v4',
      previous_version: 'v4',
    };
    const first = await firebreak.post('/v1/deployments', told);
    expect(first).toMatchObject({
      status: 201,
      body: {
        ...told,
        committed_at: '2026-11-20T07:00:00.000Z',
        started_at: '2026-11-20T07:30:00.000Z',
        finished_at: null,
        commits: [
          { sha: 'abc', committed_at: '2026-11-20T07:00:00.123Z' },
          { sha: 'def', committed_at: null },
        ],
      },
    });
    const again = await firebreak.post('/v1/deployments', told);
    expect(again).toMatchObject({ status: 200, body: first.body });
    const sameInstant = await firebreak.post('/v1/deployments', {
      ...told,
      started_at: '2026-11-20T08:30:00.000+01:00',
      author: 'Ada',
    });
    expect(sameInstant).toMatchObject({ status: 200, body: { id: first.body.id, author: 'Zoë' } });
    const end = {
      ...told,
      status: 'succeeded',
      finished_at: '2026-11-20T07:34:00Z',
      canary_weight: 0.5,
      author: 'Ada',
    };
    const ended = await firebreak.post('/v1/deployments', end);
    const finished_at = '2026-11-20T07:34:00.000Z';
    expect(ended.status).toBe(200);
    expect(ended.body).toEqual({ ...first.body, status: 'succeeded', finished_at, canary_weight: 0.5 });
    expect((await firebreak.post('/v1/deployments', { ...end, status: 'failed' })).body).toEqual(ended.body);
    expect((await firebreak.post('/v1/deployments', told)).body).toEqual(ended.body);
    for (const other of [
      { version: 'v6' },
      { kind: 'deploy' },
      { started_at: '2026-11-20T07:30:01Z' },
      { environment: 'staging' },
    ]) {
      expect((await firebreak.post('/v1/deployments', { ...told, ...other })).status).toBe(201);
    }
  });

  test('are updated as reported', async () => {
    const { body: begun } = await firebreak.post('/v1/deployments', {
      ...serviceEnvironment,
      version: 'v8',
      status: 'started',
    });
    const patch = (change: object) => firebreak.request('PATCH', `/v1/deployments/${begun.id}`, change);
    expect(await patch({ has_migration: true, author: 'Ada' })).toMatchObject({
      status: 200,
      body: { status: 'started', finished_at: null, has_migration: true },
    });
    const ended = await patch({ status: 'succeeded' });
    expect(ended.body).toEqual({
      ...begun,
      status: 'succeeded',
      finished_at: TIME,
      has_migration: true,
      author: 'Ada',
    });
    expect((await firebreak.get(`/v1/deployments/${begun.id}`)).body).toEqual({ ...ended.body, watch: null });
    expect(await patch({ version: 'v9' })).toMatchObject(problem(422, 'invalid'));
    expect(await patch({ author: null })).toMatchObject({ status: 200, body: { author: null } });
  });

  test('cannot end before they started', async () => {
    const times = { started_at: '2026-11-20T07:30:00.000Z', finished_at: '2026-11-20T07:29:59.999Z' };
    const refused = await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'v10', ...times });
    expect(refused).toMatchObject(problem(422, 'invalid'));
    expect(refused.body.detail).toMatch(
      /finished_at \(2026-11-20T07:29:59.999Z\).*started_at \(2026-11-20T07:30:00.000Z\)/,
    );

    const { body: begun } = await firebreak.post('/v1/deployments', {
      ...serviceEnvironment,
      version: 'v10',
      status: 'started',
      started_at: times.started_at,
    });
    const patch = (change: object) => firebreak.request('PATCH', `/v1/deployments/${begun.id}`, change);
    const late = await patch({ status: 'succeeded', finished_at: times.finished_at });
    expect(late).toMatchObject(problem(422, 'invalid'));
    expect(late.body.detail).toMatch(
      /finished_at \(2026-11-20T07:29:59.999Z\).*started_at \(2026-11-20T07:30:00.000Z\)/,
    );
    expect((await firebreak.get(`/v1/deployments/${begun.id}`)).body).toEqual({ ...begun, watch: null });
    expect(await patch({ status: 'succeeded', finished_at: times.started_at })).toMatchObject({
      status: 200,
      body: { started_at: times.started_at, finished_at: times.started_at },
    });
  });

  test('an empty variable of a CI system counts as absent', async () => {
    const texts = { commit: '', author: ' ', url: '', previous_version: '', rollback_safe_to: '' };
    const unknownOnes = { commit: null, author: null, url: null, previous_version: null, rollback_safe_to: null };
    const { status, body } = await firebreak.post('/v1/deployments', {
      ...serviceEnvironment,
      version: 'v14',
      ...texts,
    });
    expect([status, body]).toEqual([201, expect.objectContaining(unknownOnes)]);
    const said = {
      commit: 'a1',
      author: 'Ada',
      url: 'https://ci.test/1',
      rollback_safe_to: 'v1',
      previous_version: 'v2',
    };
    const patch = (change: object) => firebreak.request('PATCH', `/v1/deployments/${body.id}`, change);
    expect((await patch(said)).body).toMatchObject(said);
    expect((await patch({ status: 'succeeded', ...texts })).body).toMatchObject(said);
    expect((await patch({ url: 'ftp://ci.test' })).status).toBe(422);
  });

  describe('with times in the future', () => {
    const told = { ...serviceEnvironment, version: 'v11' };
    const at = minutesAgo(-1500);
    const commit = { sha: 'a', committed_at: minutesAgo(1) };

    test.each([
      ['started_at', { started_at: at }],
      ['started_at', { started_at: at, finished_at: '9999-12-31T23:59:59Z' }],
      ['finished_at', { started_at: minutesAgo(1), finished_at: at }],
      ['finished_at', { finished_at: at }],
      ['committed_at', { committed_at: at }],
      ['commits.1.committed_at', { commits: [commit, { sha: 'b', committed_at: at }] }],
    ])('%s beyond the tolerance is refused, with both times', async (name, times) => {
      const refused = await firebreak.post('/v1/deployments', { ...told, ...times });
      expect(refused).toMatchObject(problem(422, 'invalid'));
      expect(refused.body.detail).toContain(`${name} (${at}) is 25 hours ahead`);
      expect(refused.body.detail).toMatch(/Firebreak's clock \(\d{4}-\d\d-\d\dT/);
      const here = `service=${serviceEnvironment.service}&environment=${serviceEnvironment.environment}`;
      const { items } = (await firebreak.get(`/v1/deployments?${here}`)).body;
      expect(items.map(({ version }: any) => version)).not.toContain('v11');
    });

    test('are accepted within the tolerance', async () => {
      const taken = { ...told, version: 'v12', started_at: minutesAgo(-14), committed_at: minutesAgo(-120) };
      expect((await firebreak.post('/v1/deployments', taken)).status).toBe(201);
    });

    test('cannot end in the future', async () => {
      const { body: begun } = await firebreak.post('/v1/deployments', { ...told, version: 'v13', status: 'started' });
      const patch = (change: object) => firebreak.request('PATCH', `/v1/deployments/${begun.id}`, change);
      const refused = await patch({ status: 'succeeded', finished_at: minutesAgo(-16) });
      expect(refused).toMatchObject(problem(422, 'invalid'));
      expect(refused.body.detail).toMatch(/finished_at .* 16 minutes ahead of Firebreak's clock/);
      expect((await firebreak.get(`/v1/deployments/${begun.id}`)).body).toEqual({ ...begun, watch: null });
      expect((await patch({ status: 'succeeded', finished_at: minutesAgo(-14) })).status).toBe(200);
    });
  });

  test.each(['succeeded', 'failed', 'cancelled'])('that have %s cannot start again', async (status) => {
    const told = { ...serviceEnvironment, version: `again-${status}`, status: 'started' };
    const { body: begun } = await firebreak.post('/v1/deployments', told);
    const patch = (change: object) => firebreak.request('PATCH', `/v1/deployments/${begun.id}`, change);
    expect((await patch({ status: 'started' })).status).toBe(200);
    const { body: ended } = await patch({ status });
    const refused = await patch({ status: 'started', author: 'Ada' });
    expect(refused).toMatchObject(problem(409, 'deployment-ended'));
    expect(refused.body.detail).toContain(`has ${status === 'cancelled' ? 'been cancelled' : status}`);
    expect(await patch({ status })).toMatchObject({ status: 200, body: ended });
  });

  test('that succeeded can be corrected to failed', async () => {
    const { body: one } = await firebreak.post('/v1/deployments', { ...serviceEnvironment, version: 'late-failure' });
    expect(await firebreak.request('PATCH', `/v1/deployments/${one.id}`, { status: 'failed' })).toMatchObject({
      status: 200,
      body: { status: 'failed' },
    });
  });

  test('that fail create one signal of their service', async () => {
    const labels = { service: 'failing', action: 'notify' };
    await routed(
      firebreak,
      await firebreak.post('/v1/alerts/alertmanager', group([alert({ labels, fingerprint: 'failing' })])),
    );
    const failed = { service: 'failing', environment: 'production', version: 'v2', status: 'failed' };
    const { body } = await firebreak.post('/v1/deployments', { ...failed, started_at: minutesAgo(1) });
    await firebreak.request('PATCH', `/v1/deployments/${body.id}`, { status: 'failed', author: 'Ada' });
    const { body: begun } = await firebreak.post('/v1/deployments', { ...failed, version: 'v3', status: 'started' });
    await firebreak.request('PATCH', `/v1/deployments/${begun.id}`, { status: 'failed' });
    const one = await seen(
      async () =>
        (await firebreak.get('/v1/incidents?service=failing')).body.items.find((found: any) => found.signal_count >= 3),
      'both failures in the incident',
    );
    const signals = (await firebreak.get(`/v1/incidents/${one.id}/signals`)).body.items;
    expect(signals.map(({ title }: any) => title).toSorted()).toEqual([
      'The deploy of v2 failed',
      'The deploy of v3 failed',
      'checkout answers with errors',
    ]);
  });

  test('can have names of the maximum length', async () => {
    const name = '支'.repeat(256);
    const long = { service: name, environment: name, version: name };
    expect((await firebreak.post('/v1/deployments', { ...long, service: `${name}支` })).status).toBe(422);
    const { status, body } = await firebreak.post('/v1/deployments', long);
    expect(status).toBe(201);
    const query = `service=${encodeURIComponent(name)}&environment=${encodeURIComponent(name)}`;
    const listed = (await firebreak.get(`/v1/deployments?${query}`)).body.items;
    expect(listed).toEqual([{ ...body, rolled_back_by_number: null }]);
  });

  test.each(['', '?service=listed', '?service=listed&environment=production'])(
    'are listed completely, newest first: %s',
    async (query) => {
      for (let n = 0; n < 12; n += 1) {
        await firebreak.post('/v1/deployments', {
          service: 'listed',
          environment: n % 3 === 0 ? 'staging' : 'production',
          version: `v${n}`,
          started_at: `2026-10-${10 + n}T00:00:00Z`,
        });
      }
      const items = await seen(async () => {
        const found = await turned(`/v1/deployments${query}`, 5);
        return (
          found.filter(({ service }) => service === 'listed').length >= (query.includes('environment') ? 8 : 12) &&
          found
        );
      }, 'all of them');
      const starts = items.map(({ started_at }): string => started_at);
      expect(starts).toEqual(starts.toSorted().toReversed());
      expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    },
  );
});

describe('Idempotency-Key', () => {
  const post = (path: string, body: unknown, key: string) =>
    firebreak.request('POST', path, body, { 'idempotency-key': key });

  test('a repeated request gets the first response', async () => {
    const deployment = { service: 'keyed', environment: 'production', version: 'v1' };
    const first = await post('/v1/deployments', deployment, 'k1');
    const again = await post('/v1/deployments', deployment, 'k1');
    expect(first.status).toBe(201);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await post('/v1/deployments', { ...deployment, version: 'v2' }, 'k1')).toMatchObject(
      problem(422, 'idempotency-key-reused'),
    );
    expect((await post('/v1/deployments', { ...deployment, version: 'v2' }, 'k2')).status).toBe(201);
  });

  test.each<[what: string, path: string, body: object, ids: () => Promise<unknown[]>]>([
    [
      'a deployment without times',
      '/v1/deployments',
      { service: 'keyed', environment: 'staging', version: 'v1' },
      () => turned('/v1/deployments?service=keyed&environment=staging', 100),
    ],
    [
      'an incident, even if it is over',
      '/v1/incidents',
      { service: 'keyed', environment: 'staging', title: 'Keyed' },
      () => turned('/v1/incidents?service=keyed', 100),
    ],
    [
      'a token',
      '/v1/tokens',
      { name: 'keyed', actions: ['incidents:read'] },
      async () => (await turned('/v1/tokens', 100)).filter(({ name }) => name === 'keyed'),
    ],
  ])('a request whose response was never stored creates once: %s', async (what, path, body, ids) => {
    const first = await post(path, body, 'never stored');
    expect(first.status).toBe(201);
    if (path === '/v1/incidents') await firebreak.resolve(first.body.id);
    firebreak.forgetResponses();
    const again = await post(path, body, 'never stored');
    expect([200, 201]).toContain(again.status);
    expect(again.body.id).toBe(first.body.id);
    expect(await ids()).toHaveLength(1);
  });

  test('a note and an update whose responses were never stored are there once', async () => {
    const title = { service: 'keyed', environment: 'notes', title: 'Keyed' };
    const { body: incident } = await firebreak.post('/v1/incidents', title);
    for (const call of ['timeline', 'updates']) {
      const path = `/v1/incidents/${incident.id}/${call}`;
      const texts = async () =>
        (await turned(`/v1/incidents/${incident.id}/timeline`, 100)).filter(({ text }) => text.includes(`by ${call}`));
      const ofFirst = await post(path, { text: `by ${call}` }, 'never stored');
      firebreak.forgetResponses();
      const ofSecond = await post(path, { text: `by ${call}` }, 'never stored');
      expect([ofFirst.status, ofSecond.status]).toEqual([ofFirst.status, ofFirst.status]);
      expect(await texts()).toHaveLength(1);
    }
  });

  test('a repeated request for a token gets the same secret, which is stored nowhere', async () => {
    const token = { name: 'kept', actions: ['incidents:read'] };
    const first = await post('/v1/tokens', token, 'k10');
    const again = await post('/v1/tokens', token, 'k10');
    expect(again).toMatchObject({ status: 201, body: first.body });
    const authorization = `Bearer ${first.body.token}`;
    expect((await firebreak.request('GET', '/v1/incidents', undefined, { authorization })).status).toBe(200);
    const other = await post('/v1/tokens', { ...token, name: 'other' }, 'k11');
    expect(other.body.token).not.toBe(first.body.token);
    const database = new DatabaseSync(join(firebreak.dataDir, 'firebreak.sqlite'), { timeout: 10_000 });
    const found = database.prepare('SELECT count(*) AS n FROM items WHERE instr(item, ?) > 0');
    expect(found.get(first.body.token)).toEqual({ n: 0 });
    database.close();
  });

  test('a refused request can be corrected', async () => {
    expect((await post('/v1/deployments', { service: 'keyed' }, 'k3')).status).toBe(422);
    expect(
      (await post('/v1/deployments', { service: 'keyed', environment: 'production', version: 'v4' }, 'k3')).status,
    ).toBe(201);
  });

  test('parallel requests execute once', async () => {
    const { body } = await firebreak.post('/v1/incidents', {
      service: 'declared',
      environment: 'keyed',
      title: 'By hand',
    });
    const notes = await Promise.all(
      Array.from({ length: 5 }, () => post(`/v1/incidents/${body.id}/timeline`, { text: 'Once' }, 'k5')),
    );
    expect(notes.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    for (const { status } of notes) expect([201, 409]).toContain(status);
    expect((await turned(`/v1/incidents/${body.id}/timeline`, 50)).filter(({ text }) => text === 'Once')).toHaveLength(
      1,
    );
  });

  test('sends one update to stakeholders, and the description of the API names it', async () => {
    const declared = { service: 'declared', environment: 'updated', title: 'By hand' };
    const { body } = await firebreak.post('/v1/incidents', declared);
    const path = `/v1/incidents/${body.id}/updates`;
    const sent = [await post(path, { text: 'We look' }, 'k7'), await post(path, { text: 'We look' }, 'k7')];
    expect(sent.map(({ status }) => status)).toEqual([200, 200]);
    const { items } = (await firebreak.get(`/v1/incidents/${body.id}/timeline`)).body;
    expect(items.filter(({ text }: any) => text === 'We look')).toHaveLength(1);
    const { paths } = (await firebreak.get('/openapi.json')).body;
    const accepting = Object.keys(paths).filter((one) =>
      paths[one].post?.parameters?.some(({ in: where, name }: any) => where === 'header' && name === 'Idempotency-Key'),
    );
    expect(accepting).toContain('/v1/incidents/{id}/updates');
    expect(accepting).not.toContain('/v1/alerts/alertmanager');
  });

  test('is ignored by receivers, which deduplicate by episode', async () => {
    const send = () =>
      post(
        '/v1/alerts/alertmanager',
        group([
          alert({ labels: { service: 'again', severity: 'none', action: '' }, startsAt: '2026-11-20T07:00:00Z' }),
        ]),
        'k6',
      );
    const receipts = [await send(), await send()].map(({ body }) => body.receipt);
    expect(new Set(receipts).size).toBe(2);
  });

  test('is refused if it is too long', async () => {
    expect(await post('/v1/deployments', {}, 'k'.repeat(256))).toMatchObject(problem(400, 'bad-idempotency-key'));
  });
});

describe('incidents', () => {
  test('have every key, regardless of who opened them', async () => {
    const input = { service: 'declared', environment: 'production', title: 'Customers cannot pay' };
    const { status, body } = await firebreak.post('/v1/incidents', input);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      firing: 0,
      number: expect.any(Number),
      ...input,
      severity: 'critical',
      status: 'open',
      status_text: 'open',
      closed_as: null,
      not_reopenable: null,
      opened_at: TIME,
      resolved_at: null,
      signal_count: 0,
      page_contradiction: null,
      parent_id: null,
      channel: null,
      roles: {},
      suspects: [],
      cause: null,
      cleared: [],
      earlier_problems: [],
      decisions: expect.any(Array),
      effects: expect.any(Array),
    });
    expect(await firebreak.post('/v1/incidents', { ...input, title: 'Again' })).toMatchObject({
      status: 200,
      body: { id: body.id, title: input.title },
    });
    for (const name of [`INC-${body.number}`, `inc-${body.number}`, `${body.number}`]) {
      expect(await firebreak.get(`/v1/incidents/${name}`)).toMatchObject({ status: 200, body: { id: body.id } });
      expect(await firebreak.get(`/v1/incidents/${name}/timeline`)).toMatchObject({ status: 200 });
      const noted = await firebreak.post(`/v1/incidents/${name}/timeline`, { text: `by ${name}` });
      expect(noted.status).toBe(201);
    }
    for (const text of ['  ', '\u200b'])
      expect((await firebreak.post(`/v1/incidents/${body.id}/timeline`, { text })).status).toBe(422);
    expect(await firebreak.get('/v1/incidents/INC-99999')).toMatchObject(problem(404, 'not-found'));
    const judged = await seen(async () => {
      const found = (await firebreak.get(`/v1/incidents/${body.id}`)).body;
      return found.decisions.length > 0 && found.effects.some(({ state }: any) => state === 'succeeded') && found;
    }, 'a decision and a page');
    expect(judged.decisions[0]).toEqual({
      id: expect.any(String),
      kind: 'none',
      because: 'no_confident_suspect',
      at: TIME,
      digest: expect.stringMatching(/^[\da-f]{64}$/),
      state: 'final',
      from_version: null,
      to_version: null,
      reasons: expect.arrayContaining([{ code: 'no_confident_suspect', text: expect.any(String) }]),
      answered_by: null,
      target: null,
      approvals: { needed: 1, given: [] },
    });
    expect(judged.effects[0]).toEqual({
      key: expect.any(String),
      kind: 'page',
      target: 'pagerduty',
      class: 'keyed',
      state: 'succeeded',
      at: TIME,
      detail: expect.any(String),
      stand_in: true,
    });
    const { body: decision } = await firebreak.get(`/v1/incidents/${body.id}/decisions/1`);
    expect(decision).toMatchObject({
      decision: judged.decisions[0],
      inputs: { evidence: { incident_id: body.id }, guard: { state: 'read', paused: false } },
    });
  });

  test('are corrected, and the timeline shows it', async () => {
    const { body } = await firebreak.post('/v1/incidents', {
      service: 'patched',
      environment: 'production',
      title: 'Slow',
      severity: 'warning',
    });
    const path = `/v1/incidents/${body.id}`;
    // The severity that it has already is confirmed, which is no change.
    expect(await firebreak.request('PATCH', path, { severity: 'warning' })).toMatchObject({ status: 200 });
    expect(await firebreak.request('PATCH', path, { title: 'Slow for all', severity: 'critical' })).toMatchObject({
      status: 200,
      body: { title: 'Slow for all', severity: 'critical' },
    });
    expect(await firebreak.request('PATCH', path, { status: 'resolved' })).toMatchObject(problem(422, 'invalid'));
    // Without a change, there is nothing to record.
    expect(await firebreak.request('PATCH', path, {})).toMatchObject({
      status: 200,
      body: { title: 'Slow for all', severity: 'critical' },
    });
    const { items: entries } = (await firebreak.get(`${path}/timeline`)).body;
    expect(
      entries
        .filter(({ kind }: { kind: string }) => kind === 'incident.changed')
        .map(({ text }: { text: string }) => text),
    ).toEqual(['Changed title to Slow for all, severity to critical']);
    const note = await firebreak.post(`${path}/timeline`, {
      text: 'Looking at the database',
      detail: { graph: [1, 2.5, null, 'ü'] },
    });
    expect(note).toMatchObject({
      status: 201,
      body: {
        at: TIME,
        actor: 'admin',
        kind: 'note',
        text: 'Looking at the database',
        detail: { graph: [1, 2.5, null, 'ü'] },
      },
    });
    // Only Firebreak may write entries of its own kinds.
    for (const kind of ['automation.paused', 'page.escalated', 'resolve.requested'])
      expect(await firebreak.post(`${path}/timeline`, { text: 'Trust me', kind })).toMatchObject(
        problem(422, 'invalid'),
      );
    expect(await firebreak.post(`${path}/timeline`, { text: 'No detail', kind: 'note' })).toMatchObject({
      status: 201,
      body: { detail: null },
    });

    const whole = await turned(`${path}/timeline`, 100);
    expect(whole).toEqual(expect.arrayContaining([note.body]));
    expect(whole.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['incident.opened', 'incident.changed', 'note']),
    );
    expect(whole.filter(({ kind }) => kind === 'incident.changed')).toHaveLength(1);
    const times = whole.map(({ at }): string => at);
    expect(times).toEqual(times.toSorted().toReversed());
    for (const entry of whole)
      expect(Object.keys(entry).toSorted()).toEqual(['actor', 'actor_name', 'at', 'detail', 'kind', 'text']);

    await firebreak.post(`${path}/actions/resolve`, { note: 'over' });
    const resolved = await seen(async () => {
      const found = (await firebreak.get(path)).body;
      return found.status === 'resolved' && found;
    }, 'it resolved');
    expect(whole.map(({ kind }) => kind)).not.toContain('incident.resolved'); // only after a person resolves it
    expect(resolved.resolved_at).toEqual(TIME);
    expect(await firebreak.request('PATCH', path, { title: 'Late' })).toMatchObject(problem(409, 'incident-resolved'));
    expect((await firebreak.post(`${path}/timeline`, { text: 'Afterthought' })).status).toBe(201);
  });

  test('are listed completely, newest first, and by status', async () => {
    const all = await turned('/v1/incidents', 2);
    expect(all.length).toBeGreaterThanOrEqual(4);
    const ids = all.map(({ id }): string => id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    expect(new Set(ids).size).toBe(ids.length);
    const resolved = await turned('/v1/incidents?status=resolved', 1);
    expect(resolved.map(({ service }) => service)).toContain('patched');
    expect(await turned('/v1/incidents?service=patched', 10)).toHaveLength(1);
    expect(await turned('/v1/incidents?service=nobody', 10)).toEqual([]);
  });
});

test('use snake_case names, and UTC times with milliseconds', async () => {
  const { id } = await seen(
    async () =>
      (await firebreak.get('/v1/incidents')).body.items.find(
        ({ signal_count, decisions }: any) => signal_count > 0 && decisions.length > 0,
      ),
    'an incident of an alert with a decision',
  );
  const paths = ['', '/timeline', '/signals', '/decisions/1'].map((part) => `/v1/incidents/${id}${part}`);
  for (const path of [...paths, '/v1/incidents', '/v1/deployments', '/v1/automation', '/v1/quarantine', '/v1/tokens']) {
    const { status, body: answer } = await firebreak.get(path);
    expect([path, status]).toEqual([path, 200]);
    for (const [key, value] of named(answer)) {
      expect([path, key]).toEqual([path, expect.stringMatching(/^[a-z][a-z0-9_]*$/)]);
      if (key.endsWith('_at') && value !== null) expect([path, key, value]).toEqual([path, key, TIME]);
    }
  }
});

/** Returns all keys, including nested ones. */
function named(value: unknown): [key: string, value: unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(named);
  return Object.entries(value).flatMap(([key, inner]) => [[key, inner] as [string, unknown], ...named(inner)]);
}

test('the automation settings have every key, and omitted fields stay unchanged', async () => {
  const none = { paused: false, reason: null, by: null, at: null, mode: null, services: {}, demoted: {} };
  const { body: before } = await firebreak.get('/v1/automation');
  expect(Object.keys(before).toSorted()).toEqual(Object.keys(none).toSorted());
  const services = {
    checkout: { mode: 'approve', environments: { staging: 'shadow' } },
    cart: { mode: null, environments: {} },
  };
  const set = await firebreak.put('/v1/automation', {
    paused: true,
    reason: 'Freeze',
    services: { ...services, cart: {} },
  });
  expect(set).toMatchObject({
    status: 200,
    body: { paused: true, reason: 'Freeze', by: 'admin', at: TIME, mode: null, services },
  });
  expect((await firebreak.get('/v1/automation')).body).toEqual(set.body);
  expect((await firebreak.request('GET', '/metrics')).body).toMatch(/^firebreak_automation_paused 1$/m);
  const freed = await firebreak.put('/v1/automation', { paused: false });
  expect(freed.body).toMatchObject({ paused: false, services });
  const more = { services: { declared: { mode: 'suggest' } }, reason: null };
  expect((await firebreak.put('/v1/automation', more)).body).toMatchObject({
    paused: false,
    reason: null,
    services: { ...services, declared: { mode: 'suggest', environments: {} } },
  });
  expect((await firebreak.put('/v1/automation', { services: {} })).body.services).toHaveProperty('checkout');
  const lifted = { checkout: null, cart: null, declared: null };
  expect((await firebreak.put('/v1/automation', { services: lifted })).body.services).toEqual({});
});

test('the automation of a service that nobody knows is not set', async () => {
  const set = (services: object) => firebreak.put('/v1/automation', { services });
  for (const [services, said] of [
    [{ chekout: { mode: 'shadow' } }, 'services.chekout: there is no service "chekout"; did you mean "checkout"?'],
    [
      { checkout: { environments: { producton: 'shadow' } } },
      'services.checkout.environments.producton: checkout has no environment "producton"; did you mean "production"?',
    ],
    [{ 'quite-another': { mode: 'suggest' } }, 'services.quite-another: there is no service "quite-another"'],
  ] as const) {
    const refused = await set(services);
    expect(refused).toMatchObject(problem(422, 'invalid'));
    expect(refused.body.detail).toContain(said);
  }
  expect((await firebreak.get('/v1/automation')).body.services).toEqual({});
  // A name that a deployment has is known, and stays so while it is set.
  await firebreak.post('/v1/deployments', { service: 'chekout', environment: 'lab', version: 'v1' });
  expect((await set({ chekout: { mode: 'shadow', environments: { lab: 'shadow' } } })).status).toBe(200);
  expect((await set({ chekout: null })).body.services).toEqual({});
});

test('the automation of an environment is set by each of its usual names, also of one that may be added later', async () => {
  const set = (services: object) => firebreak.put('/v1/automation', { services });
  const shadow = await set({ Checkout: { environments: { prod: 'shadow', Production: 'act' } } });
  expect(shadow.body.services).toEqual({ checkout: { mode: null, environments: { production: 'shadow' } } });
  const twice = await set({ checkout: { mode: 'act' }, Checkout: { mode: 'shadow' } });
  expect(twice).toMatchObject(problem(422, 'invalid'));
  expect(twice.body.detail).toContain('services.Checkout: this is checkout, which is also set; set it once');
  const later = await set({ checkout: { environments: { moon: 'shadow' } } });
  expect(later.body.services.checkout.environments).toEqual({ production: 'shadow', moon: 'shadow' });
  const lifted = await set({ checkout: { environments: { PRD: null, moon: null } } });
  expect(lifted.body.services).toEqual({ checkout: { mode: null, environments: {} } });
  expect((await set({ checkout: null })).body.services).toEqual({});
});

describe('a body that is not UTF-8', () => {
  const deploy = { service: 'latin', environment: 'production', version: 'v1', author: 'José' };
  const post = async (path: string, bytes: Buffer, type = 'application/json') => {
    const response = await fetch(`${firebreak.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': type },
      body: new Uint8Array(bytes),
    });
    const { code, detail, id } = (await response.json()) as Record<string, string>;
    return { status: response.status, code, detail, id };
  };
  const latin = Buffer.from(JSON.stringify(deploy), 'latin1');
  const utf8 = Buffer.from(JSON.stringify(deploy));
  const utf16 = Buffer.from(JSON.stringify(deploy), 'utf16le');
  const WIDE = 'application/json; charset=utf-16';

  test.each(['/v1/deployments', '/v1/alerts/generic'])('is refused by %s, with the reason', async (path) => {
    expect(await post(path, latin)).toMatchObject({
      status: 400,
      code: 'not-json',
      detail: expect.stringContaining('not UTF-8'),
    });
    for (const bytes of [utf16, utf8])
      expect(await post(path, bytes, WIDE)).toMatchObject({
        status: 415,
        detail: expect.stringMatching(/charset is utf-16; send UTF-8/),
      });
    expect(JSON.stringify((await firebreak.get('/v1/deployments?service=latin')).body.items)).toBe('[]');
  });

  test('is kept in quarantine by a receiver, and one in ASCII or UTF-8 is accepted with another charset', async () => {
    const { body } = await firebreak.get('/v1/quarantine');
    const details = body.items.map(({ detail }: { detail: string }) => detail);
    expect(details).toEqual(expect.arrayContaining([expect.stringMatching(/charset is utf-16; send UTF-8/)]));
    expect(await post('/v1/deployments', utf8, 'application/json; charset=ISO-8859-1')).toMatchObject({ status: 201 });
  });
});

describe('a name can be any text, including names of object properties', () => {
  test.each(['constructor', ''])('"%s" causes no server error, nor does a name that is too long', async (text) => {
    const name = text || 'x'.repeat(300);
    const serviceEnvironment = { service: name, environment: name };
    const query = `service=${name}&environment=${name}`;
    const hook = { name: 'cart', namespace: 'shop', phase: 'Progressing', metadata: serviceEnvironment };
    const answers = await Promise.all([
      firebreak.get(`/v1/freeze-check?${query}&version=${name}`),
      firebreak.get(`/v1/freeze-check/gate?${query}`),
      firebreak.post('/v1/freeze-check', { ...serviceEnvironment, version: 'v1' }),
      firebreak.post('/v1/freeze-check/verify', { ...serviceEnvironment, version: 'v1', token: name }),
      firebreak.get(`/v1/freeze-decisions/${name}`),
      firebreak.post('/v1/deployments', { ...serviceEnvironment, version: name, previous_version: name }),
      firebreak.get(`/v1/deployments?${query}`),
      firebreak.get(`/v1/incidents?service=${name}&status=${name}`),
      firebreak.get(`/v1/incidents?service=${name}`),
      firebreak.post('/v1/freezes', { ...serviceEnvironment, team: name, reason: 'a test' }),
      firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'a test', until: '2020-01-01T00:00:00Z' }),
      firebreak.get(`/v1/slos/${name}`),
      firebreak.put('/v1/automation', { services: { [name]: { mode: name } } }),
      firebreak.post('/v1/drills', serviceEnvironment),
      firebreak.post('/integrations/flagger/gate', hook),
      firebreak.post('/integrations/flagger/rollback', hook),
      firebreak.post('/integrations/flagger/event', hook),
      firebreak.get(`/integrations/argo-rollouts/analysis?${query}&version=${name}`),
      firebreak.get(`/v1/reports/shadow?service=${name}`),
    ]);
    const ours = answers.flatMap(({ status, body }, n) => (status >= 500 ? [{ n, status, body }] : []));
    expect(ours).toEqual([]);
    const labels = { service: name, environment: name, action: '' };
    expect((await firebreak.post('/v1/alerts/alertmanager', group([alert({ labels })]))).status).toBe(202);
  });

  test.each(NAMES)('%s is a name like any other for all entries', async (name) => {
    const failed: string[] = [];
    for (const [method, path, body] of requests(name)) {
      const { status } = await firebreak.request(method, path, body);
      if (status >= 500) failed.push(`${status} ${method} ${path} ${JSON.stringify(body ?? null).slice(0, 200)}`);
    }
    expect(failed).toEqual([]);
  });
});
