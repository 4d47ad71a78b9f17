import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { consoleApp } from '../../../entrances/console/routes.ts';
import { SessionTable } from '../../../core/stores/access/sessions.ts';
import { Table } from '../../../core/stores/table.ts';
import { signIn } from '../../../vendors/oidc/sign-in.ts';
import { PeopleFile } from '../../../schemas/people/people.ts';
import { FakeWorld, idleEngine } from '../../support/fake-deps.ts';
import { IdentityProvider, signInAt } from '../../support/identity-provider.ts';

const HOST = 'firebreak.example.com';
const RETURN = `https://${HOST}/login/oidc/return`;
const SECRET = 'a secret with : and %';

const provider = new IdentityProvider();
let world: FakeWorld;
let server: ReturnType<typeof consoleApp>;
let secret: string | undefined;

beforeAll(() => provider.start({ returnTo: RETURN, secret: SECRET }));
afterAll(() => provider.stop());

const groups = { sre: { roles: ['approver'] }, payments: { teams: ['payments'], roles: ['own-services'] } };

function people(more: object = {}, settings: object = {}): void {
  world.config = {
    ...world.config,
    people: PeopleFile.parse({
      people: { ada: { name: 'Ada L', email: 'Ada@example.com', roles: ['responder'] } },
      roles: { 'own-services': { actions: ['incidents:read'], services: 'own' } },
      signIn: { issuer: provider.url, clientId: 'firebreak', groups, ...settings },
      ...more,
    }),
  };
}

beforeEach(() => {
  world = new FakeWorld();
  world.engine = idleEngine();
  secret = SECRET;
  const secrets = { get: async (name: string) => (name === 'FIREBREAK_OIDC_CLIENT_SECRET' ? secret : 'admin') };
  provider.accounts.clear();
  people();
  server = consoleApp({
    ...world.deps,
    sessions: new SessionTable(new Table(world.store), world.clock, secrets),
    secrets,
    publicUrl: `https://${HOST}`,
    signIn: signIn({ clock: world.clock, secrets }),
    tokens: Object.assign(Object.create(null), { find: async () => undefined }),
    userCache: Object.assign(Object.create(null), { user: async () => undefined }),
  });
});

const get = (address: string, cookie = '') =>
  server.request(new URL(address, `https://${HOST}`).href, { headers: { host: HOST, accept: 'text/html', cookie } });

const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((one) => one.split(';')[0] ?? '')
    .filter((one) => !one.endsWith('='))
    .join('; ');

/** Signs in, with the sign-in page as the start. Null: the person declines at the provider. */
async function sign(account: string | null, next = '/console'): Promise<Response> {
  const begun = await get(`/login/oidc?${new URLSearchParams({ next }).toString()}`);
  expect(begun.status).toBe(302);
  const back = await signInAt(begun.headers.get('location') ?? '', account, RETURN);
  return get(back, cookieOf(begun));
}

const shownAs = async (response: Response): Promise<string | undefined> => {
  const page = await (await get('/console', cookieOf(response))).text();
  return /Signed in as <strong>([^<]*)</.exec(page)?.[1];
};

const problemOf = async (response: Response): Promise<string> =>
  /role="alert" id="problem">([^<]*)</.exec(await response.text())?.[1]?.replaceAll('&quot;', '"') ?? '';

const verified = (email: string, more: object = {}) => ({ email, email_verified: true, ...more });

describe('the sign-in with an identity provider', () => {
  test('is offered by its name, and leads back to the requested page', async () => {
    const page = await (await get('/login?next=/console/incidents/1')).text();
    expect(page).toContain(`Sign in with ${new URL(provider.url).host}`);
    expect(page).toContain('href="/login/oidc?next=%2Fconsole%2Fincidents%2F1"');
    provider.accounts.set('1', verified('ada@example.com'));
    const done = await sign('1', '/console/incidents/1');
    expect([done.status, done.headers.get('location')]).toEqual([303, '/console/incidents/1']);
    expect(await shownAs(done)).toBe('ada');
  });

  test('never leads elsewhere', async () => {
    provider.accounts.set('1', verified('ada@example.com'));
    expect((await sign('1', 'https://evil.example/')).headers.get('location')).toBe('/console');
  });

  test('sends PKCE, a state, and a nonce, new each time', async () => {
    const [one, two] = await Promise.all([get('/login/oidc'), get('/login/oidc')]);
    const asked = [one, two].map((response) => new URL(response.headers.get('location') ?? '').searchParams);
    for (const query of asked)
      expect(Object.fromEntries(query)).toMatchObject({
        response_type: 'code',
        client_id: 'firebreak',
        redirect_uri: RETURN,
        scope: 'openid email profile',
        code_challenge_method: 'S256',
      });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked[0]?.get(name)).not.toBe(asked[1]?.get(name));
    expect(one.headers.getSetCookie()[0]).toMatch(
      /^__Host-firebreak-sign-in=[\w-]+; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  test('a person who is not listed has the roles of their groups, under the verified address', async () => {
    provider.accounts.set('2', verified('bob@example.com', { groups: ['sre', 'other'] }));
    people({}, { scopes: ['openid', 'email', 'groups'] });
    const done = await sign('2');
    expect(await shownAs(done)).toBe('oidc:bob@example.com');
    expect(world.store.sessions).toMatchObject([
      { credential: 'person', name: 'oidc:bob@example.com', signed_in: { subject: '2', groups: ['sre'] } },
    ]);
  });

  test('what a session allows follows people.yaml at each request', async () => {
    provider.accounts.set('1', verified('ada@example.com'));
    const done = await sign('1');
    expect(await shownAs(done)).toBe('ada');
    people({ people: {} });
    expect((await get('/console', cookieOf(done))).headers.get('location')).toBe('/login');
  });

  test('ends with another issuer', async () => {
    provider.accounts.set('1', verified('ada@example.com'));
    const done = await sign('1');
    people({}, { issuer: 'https://login.example.com' });
    expect((await get('/console', cookieOf(done))).status).toBe(302);
  });

  test.each<[string, object]>([
    ['an unknown person', verified('eve@example.com', { groups: ['sre-wannabe', 'constructor'] })],
    ['an address that the provider did not verify', { email: 'ada@example.com', email_verified: false }],
    ['an address with a statement that is no boolean', { email: 'ada@example.com', email_verified: 'true' }],
    ['an address without a statement about it', { email: 'ada@example.com' }],
    ['no address', {}],
  ])('refuses %s', async (_, claims) => {
    provider.accounts.set('3', claims as Record<string, unknown>);
    people({}, { scopes: ['openid', 'email', 'groups'] });
    const refused = await sign('3');
    expect(refused.status).toBe(403);
    expect(await problemOf(refused)).toMatch(/is not listed in people\.yaml, and is in no group/);
    expect(world.store.sessions).toEqual([]);
  });

  test('accepts unverified addresses if the configuration says so', async () => {
    provider.accounts.set('1', { email: 'ada@example.com' });
    people({}, { unverifiedEmails: 'accept' });
    expect(await shownAs(await sign('1'))).toBe('ada');
  });

  test('a person who declines at the provider sees why there is no session', async () => {
    const refused = await sign(null);
    expect(refused.status).toBe(401);
    expect(await problemOf(refused)).toMatch(/refused the sign-in: End-User aborted interaction/);
  });

  test('an answer counts once, and only in the browser that began', async () => {
    provider.accounts.set('1', verified('ada@example.com'));
    const begun = await get('/login/oidc');
    const back = await signInAt(begun.headers.get('location') ?? '', '1', RETURN);
    expect((await get(back)).status).toBe(401);
    const other = await get('/login/oidc');
    const mixed = await get(back, cookieOf(other));
    expect([mixed.status, await problemOf(mixed)]).toEqual([401, expect.stringContaining('is not valid')]);
    expect((await get(back, cookieOf(begun))).status).toBe(303);
    const again = await get(back, cookieOf(begun));
    expect([again.status, await problemOf(again)]).toEqual([401, expect.stringContaining('refused Firebreak')]);
    expect(world.store.sessions).toHaveLength(1);
  });

  test('a wrong client secret is named with its setting', async () => {
    provider.accounts.set('1', verified('ada@example.com'));
    secret = 'wrong';
    const refused = await sign('1');
    expect(refused.status).toBe(401);
    expect(await problemOf(refused)).toContain('FIREBREAK_OIDC_CLIENT_SECRET');
  });

  test('a provider that does not answer leaves the token as a way in', async () => {
    people({}, { issuer: 'http://127.0.0.1:1' });
    const failed = await get('/login/oidc');
    expect(failed.status).toBe(502);
    const page = await failed.text();
    expect(page).toContain('127.0.0.1:1 could not be reached');
    expect(page).toContain('name="token"');
  });

  test('is absent without a configuration', async () => {
    people({ signIn: undefined });
    expect(await (await get('/login')).text()).not.toContain('/login/oidc');
    expect((await get('/login/oidc')).status).toBe(404);
    expect((await get('/login/oidc/return?code=1')).status).toBe(401);
  });
});

describe('the settings', () => {
  const problemsOf = (settings: object) =>
    PeopleFile.safeParse({ signIn: { clientId: 'firebreak', ...settings } }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );

  test.each<[object, string]>([
    [{ issuer: 'http://login.example.com' }, 'signIn.issuer: must be https, except on this machine'],
    [{ issuer: 'https://a.example', scopes: ['email'] }, 'signIn.scopes: must contain "openid"'],
    [
      { issuer: 'https://a.example', groups: { sre: { roles: ['boss'] } } },
      'signIn.groups.sre.roles: unknown role "boss"; known roles: viewer, responder, approver, admin',
    ],
  ])('%j is refused', (settings, problem) => {
    expect(problemsOf(settings)).toEqual([problem]);
  });
});
