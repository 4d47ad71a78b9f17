import { CHANGE_SENDERS } from '../../../vendors/change-senders.ts';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../../core/stores/hash.ts';
import { Action } from '../../../schemas/access/access.ts';
import { alert, group, minutesAgo, twoDeployments } from '../../support/alerts.ts';
import { ADMIN_TOKEN, Firebreak, INGEST_TOKEN } from '../../support/firebreak.ts';
import { routed } from '../../support/fixtures.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  const place = { environments: { production: null, staging: null } };
  const configFiles = { 'people.yaml': 'people: { nora: { name: Nora Quist }, olaf: {} }' };
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: place, cart: place },
    timeScale: 1,
    configFiles,
  });
});
afterAll(() => firebreak.remove());

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const as = (secret: string, method: string, path: string, body?: unknown) =>
  firebreak.request(method, path, body, bearer(secret));

let tokensMade = 0;

/** Creates a token with all permissions by default. */
async function token(grant: object = {}): Promise<string> {
  tokensMade += 1;
  const { status, body } = await firebreak.post('/v1/tokens', { name: `test ${tokensMade}`, actions: ['*'], ...grant });
  expect(status).toBe(201);
  return body.token;
}

function idIn(path: string): string {
  const id = '0'.repeat(26);
  if (path.includes('/action-items')) return `${id}-00000000`;
  if (path.includes('/deployments')) return `chg_${id}`;
  return path.includes('/runbooks/runs') ? `${id}-r1` : id;
}

type Route = { method: string; path: string; open: boolean };

/** Every route of the OpenAPI description, with valid IDs. */
let routes: readonly Route[];
beforeAll(async () => {
  const { body } = await firebreak.request('GET', '/openapi.json', undefined, { authorization: '' });
  routes = Object.entries<Record<string, { security?: unknown[] }>>(body.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path: path
        .replace('{id}', idIn(path))
        .replace('{name}', '000')
        .replace('{number}', '1')
        .replace('{queue}', 'urgent'),
      open: security === undefined || security.length === 0,
    })),
  );
});

const call = ({ method, path }: Route, headers: Record<string, string>) =>
  firebreak.request(method, path, ['GET', 'DELETE'].includes(method) ? undefined : {}, headers);

/** Requires the sender's signature, so a token is useless. */
/** These systems sign nothing, and send a token. */
const SENT_WITH_TOKEN = CHANGE_SENDERS.filter(({ signature }) => signature === undefined).map(
  (sender): string => sender.path,
);
const isSigned = ({ path }: Route) =>
  /^\/integrations\/(.*\/webhook|slack\/.*)$/.test(path) && !SENT_WITH_TOKEN.includes(path);

const isReceiver = ({ path }: Route) => path.startsWith('/v1/alerts/');

describe('every route', () => {
  test('only these routes need no token', async () => {
    const open = routes.filter((route) => route.open).map(({ path }) => path);
    const isStatusPage = (path: string): boolean => /^\/status(?:[./]|$)/.test(path);
    expect(open.filter((path) => !isStatusPage(path)).toSorted()).toEqual([
      '/.well-known/jwks.json',
      '/healthz',
      '/openapi.json',
      '/readyz',
    ]);
    for (const path of open) {
      const { status } = await firebreak.request('GET', path, undefined, { authorization: '' });
      expect([path, status]).toEqual([path, path.startsWith('/status/{page}') ? 404 : 200]);
    }
  });

  const WRONG = [
    ['no credential', ''],
    ['an unknown token', 'Bearer nobody'],
    ['an unknown password', `Basic ${btoa('admin:nobody')}`],
    ['an unsupported scheme', `Digest ${ADMIN_TOKEN}`],
    ['a token without a scheme', ADMIN_TOKEN],
    ['a scheme without a token', 'Bearer '],
    ['an empty password', `Basic ${btoa('admin:')}`],
    ['the token as username', `Basic ${btoa(ADMIN_TOKEN)}`],
    ['a part of the token', `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
    ['the token with a suffix', `Bearer ${ADMIN_TOKEN}x`],
  ] as const;

  // Each route gets no credential, and one wrong one; each wrong one goes to a tenth of the routes.
  test.each(WRONG.map(([name, authorization], index) => ({ name, authorization, index })))(
    'responds with 401 to $name',
    async ({ authorization, index }) => {
      for (const [position, route] of routes.entries()) {
        if (route.open || (route.path === '/metrics' && authorization === '')) continue;
        if (index > 0 && position % (WRONG.length - 1) !== index - 1) continue;
        const answer = await call(route, { authorization });
        expect([route.method, route.path, answer.status]).toEqual([route.method, route.path, 401]);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        const challenge = route.path.startsWith('/integrations/slack/') ? 'Slack-Signature' : 'Bearer';
        expect(answer.headers.get('www-authenticate')).toBe(challenge);
      }
    },
  );

  test('accepts the token as Bearer in any case, or as the password of any user', async () => {
    for (const authorization of [
      `Bearer ${ADMIN_TOKEN}`,
      `bearer ${ADMIN_TOKEN}`,
      `Basic ${btoa(`grafana:${ADMIN_TOKEN}`)}`,
      `basic ${btoa(`:${ADMIN_TOKEN}`)}`,
    ]) {
      expect((await firebreak.request('GET', '/v1/automation', undefined, { authorization })).status).toBe(200);
    }
  });

  test('requires exactly one scope', async () => {
    const closed = routes.filter((route) => !route.open && !isSigned(route));
    const opens = async (route: Route, authorization: Record<string, string>): Promise<boolean> => {
      const { status } = await call(route, authorization);
      expect(status).not.toBe(401);
      return status !== 403;
    };
    const holderOf = async (actions: readonly string[]) => bearer(await token({ actions }));
    const none = await holderOf(['metrics:read']);
    const scopes = new Map<string, { alone: Record<string, string>; others: Record<string, string> }>();
    for (const action of Action.options) {
      const others = Action.options.filter((one) => one !== action);
      scopes.set(action, { alone: await holderOf([action]), others: await holderOf(others) });
    }
    const opened = new Map<string, string[]>();
    for (const route of closed) {
      // The refusal names the scope.
      const { status, body } = await call(route, none);
      const scope = status === 403 ? (/ lacks the permission (\S+)$/.exec(body.detail)?.[1] ?? '') : 'metrics:read';
      const holders = scopes.get(scope);
      if (holders === undefined) expect.fail(`no single scope opens ${route.method} ${route.path}`);
      const alone = await opens(route, holders.alone);
      const without = await opens(route, holders.others);
      expect([route, scope, { alone, without }]).toEqual([route, scope, { alone: true, without: false }]);
      opened.set(`${route.method} ${route.path}`, [scope]);
    }
    expect(opened.get('POST /v1/alerts/alertmanager')).toEqual(['alerts:write']);
    expect(opened.get('POST /api/v1/rollback')).toEqual(['rollback:request']);
  });

  test('refuses the ingest token, which can only send alerts', async () => {
    // Any other scope is refused by each route, as above.
    const some = routes.filter((route, index) => isReceiver(route) || isSigned(route) || index % 10 === 0);
    for (const route of some) {
      if (route.open) continue;
      const { status } = await call(route, bearer(INGEST_TOKEN));
      const expected = isReceiver(route) ? 422 : isSigned(route) ? 401 : 403;
      expect([route.method, route.path, status]).toEqual([route.method, route.path, expected]);
    }
  });
});

describe('a limited token', () => {
  const alertsOf = (...serviceEnvironments: [service: string, environment: string][]) =>
    group(
      serviceEnvironments.map(([service, environment], n) =>
        alert({
          labels: { service, environment },
          fingerprint: `${service}/${environment}/${n}`,
          startsAt: minutesAgo(1),
        }),
      ),
    );

  beforeAll(async () => {
    for (const service of ['checkout', 'cart']) {
      for (const deployment of twoDeployments(service)) await firebreak.post('/v1/deployments', deployment);
    }
    const alerts = alertsOf(['checkout', 'production'], ['checkout', 'staging'], ['cart', 'production']);
    await routed(firebreak, await firebreak.post('/v1/alerts/alertmanager', alerts));
  });

  const placesIn = ({ body }: { body: any }): string[] => {
    const places: string[] = body.items.map(({ service, environment }: any) => `${service}/${environment}`);
    return [...new Set(places)].toSorted();
  };

  test.each<[name: string, grant: object, incidents: string[], deployments: string[]]>([
    ['a service', { services: ['checkout'] }, ['checkout/production', 'checkout/staging'], ['checkout/production']],
    [
      'an environment',
      { environments: ['production'] },
      ['cart/production', 'checkout/production'],
      ['cart/production', 'checkout/production'],
    ],
    ['both', { services: ['cart'], environments: ['staging'] }, [], []],
    ['nothing', { services: [] }, [], []],
  ])('to %s sees only that', async (_, grant, incidents, deployments) => {
    const limited = await token(grant);
    expect(placesIn(await as(limited, 'GET', '/v1/incidents'))).toEqual(incidents);
    expect(placesIn(await as(limited, 'GET', '/v1/deployments'))).toEqual(deployments);
    const all = (await firebreak.get('/v1/incidents')).body.items;
    for (const { id, service, environment } of all) {
      const expected = incidents.includes(`${service}/${environment}`) ? 200 : 403;
      for (const part of ['', '/timeline', '/signals']) {
        expect((await as(limited, 'GET', `/v1/incidents/${id}${part}`)).status).toBe(expected);
      }
    }
  });

  test('finds all visible items across pages', async () => {
    const limited = await token({ services: ['checkout'], environments: ['staging'] });
    const { body } = await as(limited, 'GET', '/v1/incidents?limit=1');
    expect(placesIn({ body })).toEqual(['checkout/staging']);
  });

  test('to a service finds nothing of other services in any list', async () => {
    const cap = { mode: 'suggest', environments: { production: 'shadow', staging: 'suggest' } };
    await firebreak.put('/v1/automation', { services: { cart: cap, checkout: cap } });
    await firebreak.post('/v1/freezes', { service: 'cart', reason: 'a freeze of cart' });
    const limited = await token({ services: ['checkout'] });
    const told: string[] = [];
    const place = 'service=checkout&environment=production&version=v1';
    for (const { method, path } of routes) {
      // Routes for a single item are tested below, and the status page is for everybody.
      if (method !== 'GET' || /000|\/1$/.test(path) || path.startsWith('/status')) continue;
      const required = /freeze-check|argo-rollouts/.test(path) ? `?${place}` : '';
      const query = path === '/v1/metrics/pipelines' ? '?service=checkout' : required;
      const [all, theirs] = [await firebreak.get(`${path}${query}`), await as(limited, 'GET', `${path}${query}`)];
      expect([path, [200, 403]]).toEqual([path, expect.arrayContaining([theirs.status])]);
      if (path === '/openapi.json') continue;
      if (/\bcart\b/.test(JSON.stringify(all.body))) told.push(path);
      expect([path, JSON.stringify(theirs.body)]).toEqual([path, expect.not.stringMatching(/\bcart\b/)]);
    }
    expect(told).toEqual(
      expect.arrayContaining(['/metrics', '/v1/automation', '/v1/deployments', '/v1/freezes', '/v1/incidents']),
    );
  });

  test('sees the kill switch, and only the modes of its services and environments', async () => {
    const cap = { mode: 'suggest', environments: { production: 'shadow', staging: 'suggest' } };
    await firebreak.put('/v1/automation', { services: { cart: cap, checkout: cap }, reason: 'for a while' });
    const shownTo = async (grant: object) => (await as(await token(grant), 'GET', '/v1/automation')).body;
    expect(await shownTo({ services: ['checkout'], environments: ['staging'] })).toMatchObject({
      paused: false,
      reason: 'for a while',
      services: { checkout: { mode: 'suggest', environments: { staging: 'suggest' } } },
    });
    const { services } = await shownTo({ services: ['checkout'], environments: ['staging'] });
    expect(services).toEqual({ checkout: { mode: 'suggest', environments: { staging: 'suggest' } } });
    expect((await shownTo({ environments: ['production'] })).services).toEqual({
      cart: { mode: 'suggest', environments: { production: 'shadow' } },
      checkout: { mode: 'suggest', environments: { production: 'shadow' } },
    });
  });

  test('to a service can act only on that service', async () => {
    const limited = await token({ services: ['checkout'] });
    const { body } = await firebreak.get('/v1/incidents?service=cart');
    const [{ id }] = body.items;
    const [deployment] = (await firebreak.get('/v1/deployments?service=cart')).body.items;
    const attempts: [method: string, path: string, body?: unknown][] = [
      ['GET', '/v1/incidents?service=cart'],
      ['GET', '/v1/deployments?service=cart'],
      ['GET', `/v1/deployments/${deployment.id}`],
      ['PATCH', `/v1/deployments/${deployment.id}`, { status: 'failed' }],
      ['POST', '/v1/deployments', { service: 'cart', environment: 'production', version: 'v3' }],
      ['POST', '/v1/incidents', { service: 'cart', environment: 'production', title: 'mine' }],
      ['PATCH', `/v1/incidents/${id}`, { title: 'mine' }],
      ['POST', `/v1/incidents/${id}/timeline`, { text: 'mine' }],
      ['POST', `/v1/incidents/${id}/actions/resolve`, {}],
      ['POST', `/v1/incidents/${id}/actions/approve`, { digest: 'x' }],
    ];
    for (const [method, path, input] of attempts) {
      expect([path, (await as(limited, method, path, input)).status]).toEqual([path, 403]);
    }
    expect(
      (await as(limited, 'POST', '/v1/deployments', { service: 'checkout', environment: 'staging', version: 'v9' }))
        .status,
    ).toBe(201);
  });

  test('names, kinds, and statuses in another spelling are those of the catalogue and of Firebreak', async () => {
    const limited = await token({ services: ['checkout'], environments: ['staging'] });
    const spelled = {
      service: 'Checkout',
      environment: 'STAGING',
      kind: 'Hotfixes',
      status: 'Running',
      version: 'v10',
    };
    const { status, body } = await as(limited, 'POST', '/v1/deployments', spelled);
    expect([status, body]).toMatchObject([
      201,
      { service: 'checkout', environment: 'staging', kind: 'hotfix', status: 'started', warnings: [] },
    ]);
    const end = (word: string) => as(limited, 'PATCH', `/v1/deployments/${body.id}`, { status: word });
    expect((await end('Deployed')).body).toMatchObject({ status: 'succeeded' });
    expect(await end('ready')).toMatchObject({ status: 422, body: { code: 'invalid' } });
  });

  test('cannot access global resources', async () => {
    const id = 'tok_00000000000000000000';
    for (const grant of [{ services: ['checkout'] }, { environments: ['production'] }, { sources: ['grafana'] }]) {
      const limited = await token(grant);
      for (const [method, path] of [
        ['PUT', '/v1/automation'],
        ['GET', '/v1/quarantine'],
        ['POST', `/v1/quarantine/q_0/replay`],
        ['GET', '/v1/tokens'],
        ['DELETE', `/v1/tokens/${id}`],
      ] as const) {
        const input = method === 'PUT' ? { paused: false } : undefined;
        expect([path, (await as(limited, method, path, input)).status]).toEqual([path, 403]);
      }
    }
  });

  test.each([
    ['a source', { sources: ['grafana'] }, 403],
    ['its own source', { sources: ['alertmanager'] }, 202],
    ['another service', { services: ['cart'] }, 403],
    ['its own service', { services: ['checkout'] }, 202],
    ['another environment', { environments: ['staging'] }, 403],
    ['its own environment', { environments: ['production'] }, 202],
  ])('to %s that sends alerts gets %s', async (_, grant, status) => {
    const limited = await token({ actions: ['alerts:write'], ...grant });
    const answer = await as(limited, 'POST', '/v1/alerts/alertmanager', alertsOf(['checkout', 'production']));
    expect(answer.status).toBe(status);
  });

  test('to a service cannot send alerts of unknown services', async () => {
    const limited = await token({ actions: ['alerts:write'], services: ['checkout'] });
    const stranger = alertsOf(['stranger', 'production']);
    expect((await as(limited, 'POST', '/v1/alerts/alertmanager', stranger)).status).toBe(403);
    const nameless = group([alert({ labels: { service: '' }, fingerprint: 'nameless' })]);
    expect((await as(limited, 'POST', '/v1/alerts/alertmanager', nameless)).status).toBe(403);
  });

  test('cannot grant more permissions than it has', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const limited = await token({
      actions: ['tokens:write', 'incidents:read'],
      services: ['checkout'],
      expires_at: until,
    });
    const make = (grant: object) =>
      as(limited, 'POST', '/v1/tokens', {
        name: 'child',
        actions: ['incidents:read'],
        services: ['checkout'],
        expires_at: until,
        ...grant,
      });
    expect((await make({})).status).toBe(201);
    for (const more of [
      { actions: ['*'] },
      { actions: ['incidents:act'] },
      { services: null },
      { services: ['cart'] },
      { services: ['checkout', 'cart'] },
      { expires_at: null },
      { expires_at: new Date(Date.now() + 7_200_000).toISOString() },
    ]) {
      expect([more, (await make(more)).status]).toEqual([more, 403]);
    }
  });
});

describe('a token', () => {
  test('is shown once and stored as a hash', async () => {
    const { body } = await firebreak.post('/v1/tokens', { name: 'ci', actions: ['deployments:write'] });
    expect(body).toEqual({
      id: expect.stringMatching(/^tok_/),
      name: 'ci',
      actions: ['deployments:write'],
      sources: null,
      services: null,
      environments: null,
      expires_at: null,
      created_at: expect.stringMatching(/Z$/),
      created_by: 'admin',
      acts_as: 'ci',
      token: expect.any(String),
      warnings: [],
    });
    const list = await firebreak.get('/v1/tokens?limit=500');
    const { token: told, warnings: _, ...listed } = body;
    expect(list.body.items).toContainEqual(listed);
    expect(JSON.stringify(list.body)).not.toContain(told);
    expect(firebreak.output).not.toContain(told);
  });

  test('that is limited to an unknown alert source has a warning', async () => {
    const grant = { actions: ['alerts:write'], sources: ['alertmanger', 'grafana', 'nagios'] };
    const { body } = await firebreak.post('/v1/tokens', { name: 'typo', ...grant });
    expect(body.warnings).toEqual([
      'there is no alert source "alertmanger"; did you mean "alertmanager"?',
      'there is no alert source "nagios"; the sources are alertmanager, grafana, generic',
    ]);
  });

  test('that is expired or revoked is refused', async () => {
    const expired = await token({ expires_at: '2999-01-01T00:00:00Z' });
    const database = new DatabaseSync(join(firebreak.dataDir, 'firebreak.sqlite'), { timeout: 10_000 });
    const { changes } = database
      .prepare(
        "UPDATE items SET item = replace(item, '2999-01-01T', '2020-01-01T') WHERE instr(item, '2999-01-01T') > 0",
      )
      .run();
    database.close();
    expect(changes).toBeGreaterThan(0);
    expect((await as(expired, 'GET', '/v1/automation')).status).toBe(401);
    expect((await as(expired, 'POST', '/v1/alerts/alertmanager', group([]))).status).toBe(401);

    const { body } = await firebreak.post('/v1/tokens', { name: 'lost', actions: ['*'] });
    expect((await as(body.token, 'GET', '/v1/automation')).status).toBe(200);
    expect((await firebreak.request('DELETE', `/v1/tokens/${body.id}`)).status).toBe(204);
    expect((await as(body.token, 'GET', '/v1/automation')).status).toBe(401);
    expect((await firebreak.request('DELETE', `/v1/tokens/${body.id}`)).status).toBe(404);
  });

  test.each([
    ['no name', { actions: ['*'] }],
    ['no actions', { name: 'x', actions: [] }],
    ['an unknown action', { name: 'x', actions: ['everything'] }],
    ['an unknown key', { name: 'x', actions: ['*'], admin: true }],
    ['an invalid expiry time', { name: 'x', actions: ['*'], expires_at: 'soon' }],
    ['an expiry time in the past', { name: 'x', actions: ['*'], expires_at: '2020-01-01T00:00:00Z' }],
  ])('is not created with %s', async (_, grant) => {
    expect(await firebreak.post('/v1/tokens', grant)).toMatchObject({ status: 422, body: { code: 'invalid' } });
  });

  test('is refused with what to send instead', async () => {
    const said = async (grant: object) => (await firebreak.post('/v1/tokens', { name: 'x', ...grant })).body.detail;
    expect(await said({ actions: ['fly'] })).toMatch(/^json: actions\.0: must be one of .*, rollback:request, .*, \*$/);
    expect(await said({ actions: ['*'], expires_at: '2020-01-01T00:00:00Z' })).toBe(
      'json: expires_at: 2020-01-01T00:00:00.000Z is in the past; send a later time, or none for a token that does not expire',
    );
  });

  test('allows the services and environments that its names mean', async () => {
    const grant = { name: 'by usual names', actions: ['deployments:write'] };
    const limits = { services: ['CHECKOUT', 'checkout', 'unseen'], environments: ['prod', 'stage', 'lab'] };
    const { status, body } = await firebreak.post('/v1/tokens', { ...grant, ...limits });
    expect([status, body.services, body.environments]).toEqual([
      201,
      ['checkout', 'unseen'],
      ['production', 'staging', 'lab'],
    ]);
    const deploy = { service: 'checkout', environment: 'prod', version: 'usual' };
    expect((await as(body.token, 'POST', '/v1/deployments', deploy)).status).toBe(201);
    const limited = await token({ services: ['checkout'], environments: ['prod'] });
    const child = { ...grant, name: 'child by usual names', services: ['checkout'] };
    expect((await as(limited, 'POST', '/v1/tokens', { ...child, environments: ['prd'] })).status).toBe(201);
    expect((await as(limited, 'POST', '/v1/tokens', { ...child, environments: ['stg'] })).status).toBe(403);
  });

  test.each([
    'admin',
    ' Admin',
    'ＡＤＭＩＮ',
    'ad\u200bmin',
    'evaluation',
    'Calendar',
    'firebreak:x',
    'github:acme/shop (ada)',
    'Alertmanager',
    '\u200b',
  ])('cannot have the name %j, which is reserved for another actor', async (name) => {
    const answer = await firebreak.post('/v1/tokens', { name, actions: ['freezes:override'] });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid', detail: expect.stringContaining('name') } });
  });

  test('that was written into the file, or changed there, is refused', async () => {
    const made = await firebreak.post('/v1/tokens', { name: 'genuine', actions: ['tokens:read'] });
    const database = new DatabaseSync(join(firebreak.dataDir, 'firebreak.sqlite'), { timeout: 10_000 });
    const genuine = `TOKEN#${sha256(made.body.token)}`;
    const row = database.prepare('SELECT item FROM items WHERE pk = ?').get(genuine);
    const item = JSON.parse(String(row?.['item']));
    expect(item).toMatchObject({ name: 'genuine' });
    const write = (written: { pk: string }) =>
      database
        .prepare('INSERT OR REPLACE INTO items (pk, sk, list, list_key, item) VALUES (?, ?, ?, ?, ?)')
        .run(written.pk, item.sk, item.list ?? null, item.list_key ?? null, JSON.stringify(written));
    write({ ...item, pk: `TOKEN#${sha256('fb_forged')}`, actions: ['*'], name: 'forged' });
    expect((await as('fb_forged', 'GET', '/v1/tokens')).status).toBe(401);
    write({ ...item, actions: ['*'] });
    database.close();
    expect((await as(made.body.token, 'GET', '/v1/tokens')).status).toBe(401);
    const { body } = await firebreak.get('/v1/connections');
    const tokens = body.vendors.find((one: { name: string }) => one.name === 'tokens');
    expect(tokens).toMatchObject({ state: 'wrong', detail: expect.stringContaining('"forged"') });
  });

  test('can have the ID of a person in people.yaml only if that person or the admin token creates it', async () => {
    const nora = await token({ name: 'nora', actions: ['tokens:write', 'freezes:override'] });
    const named = (creator: string, name: string) =>
      as(creator, 'POST', '/v1/tokens', { name, actions: ['freezes:override'] });
    expect(await named(nora, 'Olaf')).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringContaining('only the admin token or a token of olaf') },
    });
    expect(await named(ADMIN_TOKEN, 'Nora Quist')).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('name the token "nora"') },
    });
    expect(await named(ADMIN_TOKEN, 'olaf')).toMatchObject({ status: 201, body: { acts_as: 'olaf' } });
    const laptop = await named(nora, 'laptop');
    expect(laptop).toMatchObject({ status: 201, body: { name: 'laptop', acts_as: 'laptop (token of nora)' } });
    expect((await named(nora, 'x (token of olaf)')).status).toBe(422);
    const { body } = await firebreak.get('/v1/tokens?limit=500');
    const listed = body.items.find(({ id }: { id: string }) => id === laptop.body.id);
    expect(listed).toMatchObject({ acts_as: 'laptop (token of nora)', created_by: 'nora' });
  });

  test('for a sender can have the name of the sender', async () => {
    expect(await token({ name: 'alertmanager', actions: ['alerts:write'] })).toEqual(expect.any(String));
  });

  test('that can decide has a unique name until it is revoked, as the list and the audit log show', async () => {
    const grant = { name: 'mallory', actions: ['freezes:override'] };
    const { body: first } = await firebreak.post('/v1/tokens', grant);
    expect(await firebreak.post('/v1/tokens', { ...grant, name: 'Mallory ' })).toMatchObject({
      status: 409,
      body: { code: 'name-taken', detail: expect.stringContaining(first.id) },
    });
    await firebreak.request('DELETE', `/v1/tokens/${first.id}`);
    expect((await firebreak.post('/v1/tokens', grant)).status).toBe(201);
    const { body: listed } = await firebreak.get('/v1/tokens?limit=500');
    const revoked = listed.items.find(({ id }: { id: string }) => id === first.id);
    expect(revoked).toMatchObject({ name: 'mallory', revoked_at: expect.any(String), revoked_by: 'admin' });
    const { body: log } = await firebreak.get('/v1/audit?limit=500');
    const ofToken = log.items.filter(({ detail }: { detail: { token?: string } }) => detail.token === first.id);
    expect(ofToken).toMatchObject([
      { kind: 'token.revoked', actor: 'admin', subject: 'mallory' },
      { kind: 'token.created', actor: 'admin', detail: { actions: ['freezes:override'] } },
    ]);
    expect((await firebreak.request('DELETE', `/v1/tokens/${first.id}`)).status).toBe(404);
  });

  test('does not get idempotent responses of another token with the same name', async () => {
    const twin = { name: 'twin', actions: ['deployments:write'] };
    const [mine, theirs] = [await token(twin), await token({ ...twin, services: ['cart'] })];
    const deployment = { service: 'checkout', environment: 'staging', version: 'v10', author: 'ada' };
    const post = (secret: string) =>
      firebreak.request('POST', '/v1/deployments', deployment, { ...bearer(secret), 'idempotency-key': 'one' });
    expect((await post(mine)).status).toBe(201);
    expect((await post(theirs)).status).toBe(403);
  });

  test('is listed in pages, newest first', async () => {
    const all = (await firebreak.get('/v1/tokens?limit=500')).body.items;
    expect(all.length).toBeGreaterThan(10);
    const ids: string[] = [];
    for (let path = '?limit=7'; path !== '';) {
      const { items, next_cursor } = (await firebreak.get(`/v1/tokens${path}`)).body;
      ids.push(...items.map(({ id }: { id: string }) => id));
      path = next_cursor === null ? '' : `?limit=7&cursor=${next_cursor}`;
    }
    expect(ids).toEqual(all.map(({ id }: { id: string }) => id));
    const made = all.map(({ created_at }: { created_at: string }) => created_at);
    expect(made).toEqual(made.toSorted().toReversed());
  });
});
