import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { matches } from '../../vendors/oidc/claims.ts';
import { identityTokens } from '../../vendors/oidc/identity-tokens.ts';
import type { Identity } from '../../schemas/access/identity-claims.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { SetClock } from '../support/fake-deps.ts';

/** An issuer of identity tokens with a real HTTP server. */
class Issuer {
  readonly asked: string[] = [];
  readonly keys: JWK[] = [];
  url = '';
  /** Fields that override those of its discovery document. */
  says: Record<string, unknown> = {};
  /** The status of all responses. */
  status = 200;
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    const body = request.url?.startsWith('/.well-known/')
      ? { issuer: this.url, jwks_uri: `${this.url}/keys`, ...this.says }
      : { keys: this.keys };
    response.writeHead(this.status, { 'content-type': 'application/json', location: `${this.url}/elsewhere` });
    response.end(JSON.stringify(body));
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Creates a key, and publishes it unless `secret` is set. */
  async key(kid: string, alg = 'RS256', secret = false): Promise<Signs> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    if (!secret) this.keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
    return (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

type Signs = (claims: Record<string, unknown>, header?: object) => Promise<string>;

let issuer: Issuer;
let clock: SetClock;
let sign: Signs;
let tokens: ReturnType<typeof identityTokens>;

beforeEach(async () => {
  issuer = new Issuer();
  await issuer.start();
  clock = new SetClock('2026-11-20T12:00:00.000Z');
  sign = await issuer.key('one');
  tokens = identityTokens({ clock });
});
afterEach(() => issuer.stop());

const forward = (seconds: number): void => clock.set(clock.millis + seconds * 1000);

/** Returns claims in GitHub Actions' format. */
const claims = (more: object = {}): Record<string, unknown> => {
  const now = millisOf(clock.now()) / 1000;
  return {
    iss: issuer.url,
    aud: 'firebreak',
    sub: 'repo:acme/checkout:environment:production',
    repository: 'acme/checkout',
    workflow_ref: 'acme/checkout/.github/workflows/deploy.yml@refs/heads/main',
    run_attempt: 2,
    iat: now,
    nbf: now,
    exp: now + 300,
    ...more,
  };
};

const identity = (more: Partial<Identity> = {}): Identity => ({
  issuer: issuer.url,
  audience: 'firebreak',
  claims: { repository: 'acme/checkout' },
  ...more,
});

const problem = (words: RegExp) => ({ ok: false, problem: expect.stringMatching(words) as string });

describe('an accepted token', () => {
  test('is signed by an issuer of the policy, for this audience, valid now, with the required claims', async () => {
    expect(await tokens.verify(await sign(claims()), [identity()])).toEqual({
      ok: true,
      subject:
        'repo:acme/checkout:environment:production ' +
        '(workflow acme/checkout/.github/workflows/deploy.yml@refs/heads/main)',
    });
  });

  test.each<[string, object, Record<string, string>]>([
    ['an audience among others', { aud: ['sigstore', 'firebreak'] }, {}],
    ['a wildcard', {}, { sub: 'repo:acme/*:environment:prod*' }],
    ['a claim that is a number', {}, { run_attempt: '2' }],
    ['one of a list', { groups: ['devs', 'release'] }, { groups: 'release' }],
    ['no claims wanted', {}, {}],
  ])('%s', async (_, more, expected) => {
    expect(await tokens.verify(await sign(claims(more)), [identity({ claims: expected })])).toMatchObject({ ok: true });
  });

  test('can use ES256, and can match any of several identities', async () => {
    const other = await issuer.key('two', 'ES256');
    const accepted = [identity({ audience: 'somebody' }), identity({ claims: {} })];
    expect(await tokens.verify(await other(claims()), accepted)).toMatchObject({ ok: true });
  });
});

describe('a refused token', () => {
  test.each<[string, object, Partial<Identity>, RegExp]>([
    ['for another audience', { aud: 'sigstore' }, {}, /^its audience is "sigstore", not "firebreak"$/],
    ['without an audience', { aud: undefined }, {}, /^its audience is missing, not "firebreak"$/],
    ['expired', { exp: 1_700_000_000 }, {}, /^it expired at 2023-11-14T22:13:20\.000Z$/],
    ['without an end', { exp: undefined }, {}, /^its claim exp is missing or wrong$/],
    ['not valid yet', { nbf: 4_000_000_000 }, {}, /^it is not valid yet$/],
    ['issued in the future', { iat: 4_000_000_000 }, {}, /^it is not valid yet$/],
    ['another repository', { repository: 'acme/other' }, {}, /^its claim repository is "acme\/other", not "acme\/ch/],
    ['no such claim', {}, { claims: { project_path: 'acme/*' } }, /^its claim project_path is missing, not "acme\/\*"/],
    ['a claim that is an object', { repository: {} }, {}, /^its claim repository is \{\}/],
    ['a claim of every object', {}, { claims: { toString: '*' } }, /^its claim toString is missing/],
    ['a pattern is no regular expression', {}, { claims: { repository: 'acme/.+' } }, /^its claim repository is/],
  ])('%s', async (_, more, expected, words) => {
    expect(await tokens.verify(await sign(claims(more)), [identity(expected)])).toEqual(problem(words));
  });

  test('is forged: modified, signed with another key of the same ID, or with an unpublished key', async () => {
    const good = await sign(claims());
    const [header, , signature] = good.split('.');
    const altered = Buffer.from(JSON.stringify(claims({ repository: 'acme/other' }))).toString('base64url');
    const accepted = [identity({ claims: {} })];
    expect(await tokens.verify(`${header}.${altered}.${signature}`, accepted)).toEqual(
      problem(/^its signature is invalid/),
    );
    const forger = await issuer.key('one', 'RS256', true);
    expect(await tokens.verify(await forger(claims()), accepted)).toEqual(problem(/^its signature is invalid/));
    const unknown = await issuer.key('unknown', 'RS256', true);
    expect(await tokens.verify(await unknown(claims()), accepted)).toEqual(problem(/^its issuer does not publish/));
  });

  test('is unsigned, or uses a forbidden algorithm', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${part({ alg: 'none' })}.${part(claims())}.`;
    expect(await tokens.verify(none, [identity()])).toMatchObject({ ok: false });
    const secret = new TextEncoder().encode(JSON.stringify(issuer.keys[0]));
    const hmac = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    expect(await tokens.verify(hmac, [identity()])).toEqual(problem(/^it is signed neither with RS256 nor ES256$/));
    const other = await issuer.key('three', 'RS512');
    expect(await tokens.verify(await other(claims()), [identity()])).toEqual(problem(/^it is signed neither/));
  });

  test.each(['', 'token', 'a.b.c', 'x'.repeat(20_000)])('is not a token: %.10s', async (text) => {
    expect(await tokens.verify(text, [identity()])).toEqual(problem(/^it is not a signed token/));
  });
});

describe('requests to issuers', () => {
  test('go only to issuers of the policy, regardless of the claims of a token', async () => {
    const elsewhere = new Issuer();
    await elsewhere.start();
    const theirs = await elsewhere.key('one');
    const token = await theirs(claims({ iss: elsewhere.url }));
    expect(await tokens.verify(token, [identity()])).toEqual(problem(/^its issuer is .*; Firebreak accepts http/));
    expect(await tokens.verify(token, [])).toEqual(problem(/Firebreak accepts no identities/));
    expect(await tokens.verify(await theirs(claims({ iss: `${issuer.url}/` })), [identity()])).toMatchObject({
      ok: false,
    });
    expect([...elsewhere.asked, ...issuer.asked]).toEqual([]);
    await elsewhere.stop();
  });

  test("fail if the issuer's document names another issuer", async () => {
    issuer.says = { issuer: 'https://token.example.com' };
    expect(await tokens.verify(await sign(claims()), [identity()])).toEqual(
      problem(/belongs to the issuer https:\/\/token/),
    );
  });

  test.each([
    ['plain http to another machine', 'http://keys.example.com/jwks', /http is allowed only for this machine/],
    ['a file', 'file:///etc/passwd', /it is not an https URL/],
    ['a password', 'https://user:secret@keys.example.com/jwks', /contains a user name or a password/],
  ])("for keys don't go to %s", async (_, jwks_uri, words) => {
    issuer.says = { jwks_uri };
    expect(await tokens.verify(await sign(claims()), [identity()])).toEqual(problem(words));
  });

  test("don't follow redirects", async () => {
    issuer.status = 302;
    expect(await tokens.verify(await sign(claims()), [identity()])).toEqual(problem(/answered 302$/));
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration']);
  });

  test('are cached for ten minutes, and repeated for an unknown key at most twice a minute', async () => {
    const verify = async (by: Signs) => (await tokens.verify(await by(claims()), [identity()])).ok;
    expect([await verify(sign), await verify(sign)]).toEqual([true, true]);
    expect(issuer.asked).toHaveLength(2);

    const next = await issuer.key('next');
    expect(await verify(next)).toBe(false); // the last request was a moment ago
    expect(issuer.asked).toHaveLength(2);
    forward(31);
    expect(await verify(next)).toBe(true);
    expect(issuer.asked).toHaveLength(4);

    issuer.keys.length = 0; // all keys are revoked
    forward(601);
    expect(await verify(sign)).toBe(false);
  });

  test("are replaced by the last response for an hour while the issuer doesn't respond", async () => {
    const verify = async () => tokens.verify(await sign(claims()), [identity()]);
    expect(await verify()).toMatchObject({ ok: true });
    issuer.status = 500;
    forward(1800);
    expect(await verify()).toMatchObject({ ok: true });
    forward(1801);
    expect(await verify()).toEqual(problem(/answered 500$/));
    expect(issuer.asked).toHaveLength(4);
    expect(await verify()).toEqual(problem(/answered 500$/)); // without another request
    expect(issuer.asked).toHaveLength(4);
    issuer.status = 200;
    forward(6);
    expect(await verify()).toMatchObject({ ok: true });
  });
});

test.each<[string, string, boolean]>([
  ['acme/checkout', 'acme/checkout', true],
  ['acme/checkout', 'acme/*', true],
  ['acme/checkout', '*', true],
  ['', '*', true],
  ['acme/checkout', '*/checkout', true],
  ['acme/checkout', 'a*e/c*t', true],
  ['acme/checkout', 'acme/checkout*', true],
  ['acme/checkout', 'acme/check*out', true],
  ['aba', 'ab*ba', false],
  ['abcabc', 'a*b*c*a*c', true],
  ['abc', 'a*c*b', false],
  ['acme/checkout-evil', 'acme/checkout', false],
  ['evil/acme/checkout', 'acme/*', false],
  ['acmeXcheckout', 'acme.checkout', false],
  ['acme/checkout\n', 'acme/checkout', false],
])('%s matches the pattern %s: %s', (text, pattern, is) => expect(matches(text, pattern)).toBe(is));
