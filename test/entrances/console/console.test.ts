import { beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256 } from '../../../core/stores/hash.ts';
import { BadCursor } from '../../../core/stores/cursors.ts';
import { api } from '../../../entrances/http/app.ts';
import { ASSETS } from '../../../entrances/console/assets.ts';
import type { AuditEntry } from '../../../core/domain/ports/audit.ts';
import { createLoginLink } from '../../../entrances/console/login.ts';
import { DEFAULT_ALLOWANCE } from '../../../entrances/http/middleware/rate-limit.ts';
import { PAGES } from '../../../entrances/console/pages/index.ts';
import { Action, type TokenRecord } from '../../../schemas/access/access.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { ROLES } from '../../../schemas/people/people.ts';
import { consoleWorld, tokenRecord } from '../../support/console-world.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import type { SessionTable } from '../../../core/stores/access/sessions.ts';

const HOST = 'firebreak.example.com';

let world: FakeWorld;
let sessions: SessionTable;
let tokens: Map<string, TokenRecord>;
let get: ReturnType<typeof consoleWorld>['get'];
let post: ReturnType<typeof consoleWorld>['post'];
let server: ReturnType<typeof consoleWorld>['server'];

beforeEach(() => {
  ({ world, sessions, tokens, get, post, server } = consoleWorld());
});

const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';

async function signedIn(token: string): Promise<{ cookie: string; form_key: string }> {
  const response = await post('/login', { token });
  expect(response.status).toBe(303);
  const cookie = cookieOf(response);
  const page = await (await get('/console', { cookie })).text();
  return { cookie, form_key: /name="form_key" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '' };
}

const PLACE = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

const incident = async (): Promise<IncidentId> =>
  (
    await world.deps.incidents.declare({
      ...PLACE,
      title: 'Payments fail',
      severity: 'warning',
      by: 'ada',
      trace: 'trace',
    })
  ).id;

test('other cookies do not get a session around the limit', async () => {
  const { cookie } = await signedIn('admin');
  const asset = ASSETS.icon.path;
  const ask = (n: number) => get(asset, { cookie: `junk=${n}; ${cookie}` });
  for (let n = 0; n < DEFAULT_ALLOWANCE.burst; n += 1) await ask(n);
  expect((await ask(9000)).status).toBe(429);
  expect((await get(asset)).status).toBe(200);
  expect((await get(asset, { cookie: (await signedIn('grace')).cookie })).status).toBe(200);
});

test.each(['token=jos\xe9', 'token=jos%E9'])('a form that is not UTF-8 is refused: %s', async (form) => {
  const response = await server.request('http://localhost/login', {
    method: 'POST',
    headers: { host: 'localhost', origin: 'http://localhost', 'content-type': 'application/x-www-form-urlencoded' },
    body: new Uint8Array(Buffer.from(form, 'latin1')),
  });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('The form is not UTF-8')]);
});

describe('the login', () => {
  test('/ leads to the console, and a browser without a session to the login and back', async () => {
    expect((await api(world.deps).request('/')).headers.get('location')).toBe('/console');
    const id = await incident();
    const sent = await get(`/console/incidents/${id}?kind=people`);
    expect([sent.status, sent.headers.get('location')]).toEqual([
      302,
      `/login?next=${encodeURIComponent(`/console/incidents/${id}?kind=people`)}`,
    ]);
    const next = `/console/incidents/${id}?kind=people`;
    expect((await post('/login', { token: 'grace', next })).headers.get('location')).toBe(next);
  });

  test('a program without a token gets 401, and one with a token a page', async () => {
    const headers = { accept: 'application/json' };
    expect((await get('/console', { headers })).status).toBe(401);
    expect((await get('/console', { headers: { accept: 'text/event-stream' } })).status).toBe(401);
    expect((await get('/console', { headers: { ...headers, authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await get('/console', { headers: { ...headers, authorization: 'Bearer vera' } })).status).toBe(200);
  });

  test.each(['https://evil.example', '//evil.example', '/\\evil.example', '/v1/tokens', '/console\n//evil.example'])(
    'a login never leads to %j',
    async (next) => {
      expect((await post('/login', { token: 'grace', next })).headers.get('location')).toBe('/console');
    },
  );

  test('the cookie is for this host over https only, and out of reach of scripts', async () => {
    const [cookie = ''] = (await post('/login', { token: 'grace' })).headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-firebreak=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  test('on one machine the cookie works over http, and belongs to the port', async () => {
    const [cookie = ''] = (await post('/login', { token: 'grace' }, { host: '127.0.0.1:8080' })).headers.getSetCookie();
    expect(cookie).toMatch(/^firebreak-8080=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test('the table never has the ID of a session', async () => {
    const { cookie } = await signedIn('grace');
    const id = cookie.split('=')[1] ?? '';
    expect(world.store.sessions.map(({ pk }) => pk)).toEqual([`SESSION#${sha256(id)}`]);
    expect(JSON.stringify(world.store.sessions)).not.toContain(id);
  });

  test('each login begins a new session, and ends the one before', async () => {
    const first = await signedIn('grace');
    const second = cookieOf(await post('/login', { token: 'vera' }, { cookie: first.cookie }));
    expect(second).not.toBe(first.cookie);
    expect((await get('/console', { cookie: first.cookie })).status).toBe(302);
    expect((await get('/console', { cookie: second })).status).toBe(200);
  });

  test.each([
    ['', 'Enter a token'],
    ['wrong', 'not valid'],
    ['ci', 'no permission to view incidents'],
  ])('the token %j is refused with a reason', async (token, reason) => {
    const response = await post('/login', { token });
    expect([response.status, response.headers.getSetCookie()]).toEqual([401, []]);
    expect(await response.text()).toContain(reason);
  });

  test('refused sign-ins are in the audit log, and nobody can fill it', async () => {
    const entries: AuditEntry[] = [];
    const guarded = consoleWorld(() => ({
      audit: Object.assign(Object.create(null), {
        append: async (more: AuditEntry[]) => void entries.push(...more),
      }),
    }));
    const { clock } = guarded.world;
    expect((await guarded.post('/login', { token: 'ci' })).status).toBe(401);
    for (let n = 0; n < 50; n += 1) await guarded.post('/login', { token: `wrong-${n}` });
    expect(entries).toMatchObject([
      { actor: 'ci', kind: 'sign_in.refused', text: expect.stringContaining('no permission'), detail: { attempts: 1 } },
    ]);
    expect(JSON.stringify(entries)).not.toContain('wrong-');
    clock.set(clock.millis + 600_000);
    await guarded.post('/login', { token: 'wrong' });
    expect(entries.slice(1)).toMatchObject([{ actor: 'unknown', detail: { by: 'token', attempts: 21 } }]);
  });

  test('a session ends when its token is revoked, and has the permissions that the token has now', async () => {
    const { cookie } = await signedIn('grace');
    const id = await incident();
    expect(await (await get(`/console/incidents/${id}`, { cookie })).text()).toContain('Resolve…');
    tokens.set('grace', tokenRecord('grace', ROLES.viewer.actions));
    expect(await (await get(`/console/incidents/${id}`, { cookie })).text()).not.toContain('Resolve…');
    tokens.delete('grace');
    expect((await get('/console', { cookie })).status).toBe(302);
  });

  describe('a session', () => {
    const later = (minutes: number) => world.clock.set(world.clock.millis + minutes * 60_000);

    test('ends after twelve hours, however much it is used', async () => {
      const { cookie } = await signedIn('grace');
      for (let halfHour = 1; halfHour < 28; halfHour += 1) {
        later(26);
        expect((await get('/console', { cookie })).status).toBe(200);
      }
      later(18);
      expect((await get('/console', { cookie })).status).toBe(302);
    });

    test('ends after 30 minutes in which only open pages asked for their changes', async () => {
      const { cookie, form_key } = await signedIn('grace');
      const poll = () => get('/console?since=1', { cookie, headers: { accept: 'text/event-stream' } });
      later(20);
      expect((await poll()).status).toBe(200);
      later(10);
      expect((await poll()).status).toBe(401);
      const id = await incident();
      const page = await get(`/console/incidents/${id}`, { cookie });
      expect([page.status, page.headers.get('location')]).toEqual([
        302,
        `/login?next=${encodeURIComponent(`/console/incidents/${id}`)}`,
      ]);
      const form = await post(`/console/incidents/${id}/actions/acknowledge`, { form_key }, { cookie });
      expect(form.status).toBe(401);
      expect(await form.text()).toContain(`href="/login?next=${encodeURIComponent(`/console/incidents/${id}`)}"`);
    });

    test('goes on while pages are opened or forms are sent, and stores that once a minute', async () => {
      const { cookie, form_key } = await signedIn('grace');
      const id = await incident();
      later(29);
      const touch = vi.spyOn(sessions, 'touch');
      await get('/console', { cookie });
      await get('/console', { cookie });
      expect(touch).toHaveBeenCalledOnce();
      later(29);
      await post(`/console/incidents/${id}/actions/acknowledge`, { form_key }, { cookie });
      later(29);
      expect((await get('/console', { cookie })).status).toBe(200);
    });

    test('of a bearer token has no end of its own', async () => {
      later(60);
      expect((await get('/console', { token: 'grace' })).status).toBe(200);
    });
  });

  test('signing out ends the session, and signing out everywhere all sessions of the person', async () => {
    const [one, two, three] = [await signedIn('grace'), await signedIn('grace'), await signedIn('grace')];
    const vera = await signedIn('vera');
    const out = await post('/logout', { form_key: one.form_key }, one);
    expect([out.status, out.headers.get('location')]).toEqual([303, '/login']);
    const status = async ({ cookie }: { cookie: string }) => (await get('/console', { cookie })).status;
    expect(await Promise.all([one, two, three, vera].map(status))).toEqual([302, 200, 200, 200]);
    await post('/logout', { form_key: two.form_key, everywhere: 'yes' }, two);
    expect(await Promise.all([one, two, three, vera].map(status))).toEqual([302, 302, 302, 200]);
  });

  test('a login link signs in once, and not by being opened', async () => {
    const path = await createLoginLink({ sessions, clock: world.clock });
    for (const _ of [1, 2]) expect((await get(path)).headers.getSetCookie()).toEqual([]);
    const link = path.split('/').at(-1) ?? '';
    const response = await post('/login/link', { link });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/console']);
    expect(await (await get('/console', { cookie: cookieOf(response) })).text()).toContain('admin');
    expect((await post('/login/link', { link })).status).toBe(401);
  });
});

describe('a form', () => {
  test('of another site is refused, also the login', async () => {
    const { cookie, form_key } = await signedIn('grace');
    const path = `/console/incidents/${await incident()}/actions/acknowledge`;
    const refused = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `https://${HOST}:8443` },
      { origin: 'nonsense' },
    ];
    for (const headers of refused) {
      expect((await post(path, { form_key }, { cookie, headers })).status).toBe(403);
      expect((await post('/login', { token: 'grace' }, { headers })).status).toBe(403);
    }
    const withoutOrigin = (headers: Record<string, string>) =>
      server.request(`https://${HOST}${path}`, {
        method: 'POST',
        headers: { host: HOST, cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ form_key }).toString(),
      });
    expect((await withoutOrigin({})).status).toBe(403);
    expect((await withoutOrigin({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await withoutOrigin({ 'sec-fetch-site': 'same-origin' })).status).toBe(303);
  });

  test('without the key of the session is refused', async () => {
    const [grace, vera] = [await signedIn('grace'), await signedIn('vera')];
    const path = `/console/incidents/${await incident()}/actions/acknowledge`;
    expect((await post(path, {}, grace)).status).toBe(403);
    expect((await post(path, { form_key: vera.form_key }, grace)).status).toBe(403);
    expect((await post('/logout', {}, grace)).status).toBe(403);
    expect((await post(path, { form_key: grace.form_key }, grace)).status).toBe(303);
  });

  test('without a session is refused', async () => {
    expect((await post(`/console/incidents/${await incident()}/actions/acknowledge`, {})).status).toBe(401);
  });

  test('can be sent by a program with a token', async () => {
    const id = await incident();
    const response = await server.request(`https://${HOST}/console/incidents/${id}/actions/acknowledge`, {
      method: 'POST',
      headers: { host: HOST, authorization: 'Bearer grace', 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(response.status).toBe(303);
  });
});

test('every action of every page needs the permission that it declares, before its form is read', async () => {
  const actions = PAGES.flatMap(({ path, actions: named = {} }) =>
    Object.entries(named).map(([name, { permission }]) => ({ path: `${path}/actions/${name}`, permission })),
  );
  expect(actions.length).toBeGreaterThan(40);
  for (const { path, permission } of actions) {
    tokens.set(
      'limited',
      tokenRecord(
        'limited',
        Action.options.filter((action) => action !== permission),
      ),
    );
    const response = await post(
      path.replaceAll(/:\w+/g, 'x'),
      { markdown: 'x'.repeat(1_000_000) },
      { token: 'limited' },
    );
    expect([path, response.status]).toEqual([path, 403]);
    expect(await response.text()).toContain(`lacks the permission ${permission}`);
  }
});

describe('actions on an incident', () => {
  test('are those of the API, under the name of the person', async () => {
    const grace = await signedIn('grace');
    const id = await incident();
    const act = async (name: string, fields: Record<string, string> = {}) => {
      const response = await post(
        `/console/incidents/${id}/actions/${name}`,
        { form_key: grace.form_key, ...fields },
        grace,
      );
      expect([name, response.status]).toEqual([name, 303]);
      return response.headers.get('location');
    };
    expect(await act('acknowledge')).toBe(`/console/incidents/${id}?done=acknowledge`);
    await act('take-command');
    await act('severity', { severity: 'critical' });
    await act('note', { text: 'Looked at the logs' });
    await act('pause', { note: 'Let me look' });
    await act('resume');
    await act('resolve', { note: 'False alarm' });
    const { incident: now, timeline } = (await world.deps.incidents.story(id, null)) ?? {};
    expect(now).toMatchObject({ severity: 'critical', roles: { commander: { name: 'grace' } } });
    expect(now?.handling?.acknowledged?.by).toBe('grace');
    const said = timeline?.map(({ entry: { actor, text } }) => `${actor}: ${text}`);
    for (const text of ['Looked at the logs', 'Paused the automation of this incident: Let me look', 'False alarm'])
      expect(said).toContain(`grace: ${text}`);
    const page = await (await get(`/console/incidents/${id}?done=note`, grace)).text();
    expect(page).toContain('Note added.');
  });

  test('say that automation is paused only while the incident is open', async () => {
    const id = await incident();
    await world.store.editIncident(id, { automation_paused: true });
    const badge = '>automation paused<';
    const page = async () => (await get(`/console/incidents/${id}`, await signedIn('grace'))).text();
    expect(await page()).toContain(badge);
    await world.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await page()).not.toContain(badge);
  });

  test('say what happens with firing alerts before a person resolves the incident', async () => {
    const id = await incident();
    await world.store.editIncident(id, { firing: 2 });
    const page = await (await get(`/console/incidents/${id}`, await signedIn('grace'))).text();
    expect(page).toContain(
      '2 alerts are still firing. Alerts that keep firing no longer page; alerts that start to fire later do.',
    );
  });

  test('are absent for a viewer, and refused', async () => {
    const vera = await signedIn('vera');
    const id = await incident();
    const page = await (await get(`/console/incidents/${id}`, vera)).text();
    expect(page).toContain('Payments fail');
    expect(page).not.toMatch(/\/actions\//);
    for (const name of ['acknowledge', 'take-command', 'severity', 'note', 'pause', 'rollback', 'publish', 'resolve']) {
      const fields = { form_key: vera.form_key, severity: 'info', text: 'a note' };
      const response = await post(`/console/incidents/${id}/actions/${name}`, fields, vera);
      expect([name, response.status]).toEqual([name, 403]);
    }
    expect(await world.deps.incidents.read(id)).toMatchObject({ severity: 'warning', automation_paused: false });
  });

  test('stay within the services of the person', async () => {
    const cora = await signedIn('cora');
    const id = await incident();
    expect((await get(`/console/incidents/${id}`, cora)).status).toBe(403);
    expect((await post(`/console/incidents/${id}/actions/resolve`, cora, cora)).status).toBe(403);
    expect(await (await get('/console', cora)).text()).not.toContain('Payments fail');
  });

  test('that are not possible say why, on the page of the incident', async () => {
    const grace = await signedIn('grace');
    const id = await incident();
    expect(await (await get(`/console/incidents/${id}`, grace)).text()).not.toContain('Publish on the status page');
    const unshown = await post(`/console/incidents/${id}/actions/publish`, grace, grace);
    expect([unshown.status, await unshown.text()]).toEqual([
      409,
      expect.stringContaining('has no component on the status page: set statusPage.components'),
    ]);
    const stale = await post(`/console/incidents/${id}/actions/approve`, { ...grace, digest: 'gone' }, grace);
    expect(stale.status).toBe(409);
    const page = await stale.text();
    expect(page).toContain('No question is waiting any more.');
    expect(page).toContain(`data-address="/console/incidents/${id}"`);
    const wrong = await post(`/console/incidents/${id}/actions/severity`, { ...grace, severity: 'huge' }, grace);
    expect(wrong.status).toBe(422);
    expect((await post(`/console/incidents/${id}/actions/explode`, grace, grace)).status).toBe(404);
  });
});

describe('pages', () => {
  test('have a strict policy, and are not stored', async () => {
    const { cookie } = await signedIn('grace');
    for (const path of ['/login', '/console', '/console/nowhere', `/console/incidents/${await incident()}`]) {
      const { headers } = await get(path, { cookie });
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'self'; script-src 'self';/,
      );
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
    }
  });

  test('load their files from addresses that contain the hash of the content, below 100 KB in all', async () => {
    const { cookie } = await signedIn('grace');
    const page = await (await get('/console', { cookie })).text();
    let bytes = page.length;
    for (const { path } of Object.values(ASSETS)) {
      if (path !== ASSETS.iconAsks.path) expect(page).toContain(path);
      const file = await get(path);
      expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
      bytes += (await file.text()).length;
    }
    expect(bytes).toBeLessThan(100_000);
  });

  test('that do not exist say so', async () => {
    const { cookie } = await signedIn('grace');
    for (const path of ['/console/nowhere', '/console/incidents/1', `/console/incidents/${'0'.repeat(26)}`]) {
      const response = await get(path, { cookie });
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    }
  });

  test('say that a part of a list does not exist, for example after a mistake in the address', async () => {
    const { cookie } = await signedIn('grace');
    world.deps.incidents.list = async () => Promise.reject(new BadCursor());
    const response = await get('/console/decisions?from=mistake', { cookie });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('no such part of the list'),
    ]);
  });

  test('send what changed as events, once', async () => {
    const { cookie } = await signedIn('grace');
    const version = /data-version="([0-9a-f]+)"/.exec(await (await get('/console', { cookie })).text())?.[1] ?? '';
    const events = async (headers: Record<string, string>, path = '/console') => {
      const response = await get(path, { cookie, headers: { accept: 'text/event-stream', ...headers } });
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      return response.text();
    };
    expect(await events({}, `/console?since=${version}`)).toMatch(/^retry: 5000\nevent: tick\ndata: \S+\n\n$/);
    await incident();
    const changed = await events({ 'last-event-id': version });
    expect(changed).toMatch(/^retry: 5000\nid: [0-9a-f]{16}\nevent: page\n(data: .*\n)+\nevent: tick\ndata: \S+\n\n$/);
    expect(changed).toContain('Payments fail');
    expect(changed).not.toMatch(/[^\n]\ndata(?!: )/);
    const next = /^id: (\w+)$/m.exec(changed)?.[1] ?? '';
    expect(await events({ 'last-event-id': next })).not.toContain('event: page');
  });

  test('filter the timeline without JavaScript', async () => {
    const { cookie } = await signedIn('grace');
    const id = await incident();
    const note = (text: string, kind = 'note') =>
      world.deps.incidents.note(id, text, { at: world.clock.now(), actor: 'ada', kind, text, detail: null });
    await note('looked at the graphs');
    await note('paged again', 'page.update');
    const entries = async (query: string) => {
      const page = await (await get(`/console/incidents/${id}${query}`, { cookie })).text();
      return [...page.matchAll(/<details class="what"[^>]*>\s*<summary>([^<]*)</g)].map(([, text]) => text);
    };
    expect(await entries('')).toHaveLength(3);
    expect(await entries('?kind=people')).toEqual(['looked at the graphs']);
    expect(await entries('?kind=pages')).toEqual(['paged again']);
    expect(await entries('?text=GRAPHS')).toEqual(['looked at the graphs']);
    expect(await entries('?kind=pages&text=graphs')).toEqual([]);
    expect(await entries('?kind=nonsense')).toHaveLength(3);
  });
});
