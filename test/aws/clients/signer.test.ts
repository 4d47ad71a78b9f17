import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { es256Signer } from '../../../aws/clients/signer.ts';
import { SetClock, silent } from '../../support/fake-deps.ts';

const newKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const pkcs8 = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
const sec1 = (key: KeyObject): string => String(key.export({ type: 'sec1', format: 'pem' }));
const jwk = (key: KeyObject): string => JSON.stringify(key.export({ format: 'jwk' }));

const own = newKey();

let clock: SetClock;
let secrets: Map<string, string>;
let warnings: string[];

beforeEach(() => {
  clock = new SetClock('2026-11-20T12:00:00.500Z');
  secrets = new Map([['FIREBREAK_SIGNING_KEY', pkcs8(own)]]);
  warnings = [];
});

const newSigner = () =>
  es256Signer({
    secrets: { get: async (name) => secrets.get(name) },
    clock,
    log: { ...silent, warn: (_, fields) => void warnings.push(String(fields?.['problem'])) },
  });

const NOW = 1_795_176_000; // 2026-11-20T12:00:00Z
const claims = { aud: 'deployment', service: 'checkout', version: 'v42' };

async function signed(lifetimeSeconds = 600): Promise<string> {
  const token = await newSigner().sign(claims, lifetimeSeconds);
  if (token === null) throw new Error('nothing was signed');
  return token;
}

/** As somebody else would sign. */
async function forged(change: { key?: KeyObject; alg?: string; kid?: string; claims?: object } = {}): Promise<string> {
  const { key = own, alg = 'ES256', kid = await calculateJwkThumbprint(await exportJWK(own)) } = change;
  return new SignJWT({ iss: 'firebreak', iat: NOW, exp: NOW + 600, ...change.claims })
    .setProtectedHeader({ alg, kid })
    .sign(key);
}

const problemOf = async (token: string): Promise<string> => {
  const verified = await newSigner().verify(token);
  return verified.ok ? 'none' : verified.problem;
};

describe('what is signed', () => {
  test('says what it was to say, by whom and how long', async () => {
    expect(await newSigner().verify(await signed())).toEqual({
      ok: true,
      claims: { ...claims, iss: 'firebreak', iat: NOW, exp: NOW + 600 },
    });
  });

  test('cannot say that somebody else has issued it, or at another time', async () => {
    const token = await newSigner().sign({ iss: 'x', iat: 1, exp: 9e9 }, 60);
    expect(await newSigner().verify(token ?? '')).toEqual({
      ok: true,
      claims: { iss: 'firebreak', iat: NOW, exp: NOW + 60 },
    });
  });

  test('can be verified by everybody who has the public keys', async () => {
    const { keys } = await newSigner().jwks();
    const [key] = keys;
    expect(key).toEqual({
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String) as string,
      y: expect.any(String) as string,
      kid: await calculateJwkThumbprint(await exportJWK(own)),
      alg: 'ES256',
      use: 'sig',
    });
    const { payload, protectedHeader } = await jwtVerify(await signed(), createLocalJWKSet({ keys }), {
      issuer: 'firebreak',
      currentDate: new Date(clock.millis),
    });
    expect([payload['version'], protectedHeader]).toEqual(['v42', { alg: 'ES256', typ: 'JWT', kid: key?.['kid'] }]);
  });
});

describe('what is refused, in words', () => {
  test('what has expired, from that second on', async () => {
    const token = await signed(600);
    clock.set(clock.millis + 599_000);
    expect(await problemOf(token)).toBe('none');
    clock.set(clock.millis + 1_000);
    expect(await problemOf(token)).toBe('it expired at 2026-11-20T12:10:00.000Z');
  });

  test('what reads as the same and is another text', async () => {
    const token = await signed();
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const respelt = `${token.slice(0, -1)}${letters[letters.indexOf(token.slice(-1)) + 1] ?? ''}`;
    expect(Buffer.from(respelt, 'base64url')).toEqual(Buffer.from(token, 'base64url'));
    expect(await problemOf(respelt)).toContain('its encoding is invalid');
    expect(await problemOf(`${token}=`)).toContain('its encoding is invalid');
  });

  test('what was altered', async () => {
    const [header, body = '', signature] = (await signed()).split('.');
    const text = Buffer.from(body, 'base64url').toString().replace('v42', 'v43');
    const altered = [header, Buffer.from(text).toString('base64url'), signature].join('.');
    expect(await problemOf(altered)).toBe('its signature is invalid: it was forged or altered');
  });

  test('what another key has signed in our name', async () => {
    expect(await problemOf(await forged({ key: newKey() }))).toBe('its signature is invalid: it was forged or altered');
    expect(await problemOf(await forged({ key: newKey(), kid: 'theirs' }))).toBe(
      'it is signed with an unknown key (theirs)',
    );
  });

  test('what says that it needs no signature, or another kind', async () => {
    const [, body] = (await signed()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await problemOf(`${none}.${body}.`)).toBe('it is not signed with ES256');
    const secret = Buffer.from(JSON.stringify((await newSigner().jwks()).keys[0])); // the public key as a shared secret
    expect(await problemOf(await forged({ alg: 'HS256', key: createSecretKey(secret) }))).toBe(
      'it is not signed with ES256',
    );
    expect(await problemOf(await forged({ alg: 'ES384', key: newKey('P-384') }))).toBe('it is not signed with ES256');
  });

  test.each([
    ['of somebody else', { iss: 'grafana' }, 'it was not issued by firebreak'],
    ['without an end', { exp: undefined }, 'its claim exp is missing or wrong'],
    ['without a beginning', { iat: undefined }, 'its claim iat is missing or wrong'],
    ['for later', { nbf: NOW + 60 }, 'it is not valid yet'],
    ['from the future', { iat: NOW + 61 }, 'it is not valid yet: it was issued at 2026-11-20T12:01:01.000Z'],
    ['from a clock that is a little ahead', { iat: NOW + 60 }, 'none'],
  ])('a token %s', async (_, change, problem) => {
    expect(await problemOf(await forged({ claims: change }))).toBe(problem);
  });

  test.each(['', 'x', 'a.b.c', 'a'.repeat(100_000), '{}'])('what is no token at all: %#', async (text) => {
    expect(await problemOf(text)).toMatch(/^it is not a Firebreak token: /);
  });
});

describe('a key', () => {
  test.each([
    ['PEM', pkcs8(own)],
    ['PEM as openssl makes it', sec1(own)],
    ['PEM with its line breaks written out', pkcs8(own).replaceAll('\n', '\\n')],
    ['JWK', jwk(own)],
  ])('may be %s', async (_, text) => {
    const before = await signed();
    secrets.set('FIREBREAK_SIGNING_KEY', text);
    expect(await newSigner().verify(before)).toMatchObject({ ok: true });
    expect(await newSigner().verify(await signed())).toMatchObject({ ok: true });
    expect([await newSigner().problem(), warnings]).toEqual([null, []]);
  });

  test('that is replaced is accepted until it is taken away; the new one signs at once', async () => {
    const signer = newSigner();
    const before = (await signer.sign(claims, 600)) ?? '';
    secrets.set('FIREBREAK_SIGNING_KEY', pkcs8(newKey()));
    expect(await signer.verify(before)).toMatchObject({ ok: false });
    const previous = [pkcs8(own), jwk(own), String(createPublicKey(own).export({ type: 'spki', format: 'pem' }))];
    for (const text of previous) {
      secrets.set('FIREBREAK_SIGNING_KEY_PREVIOUS', text);
      expect(await signer.verify(before)).toMatchObject({ ok: true });
    }
    const after = (await signer.sign(claims, 600)) ?? '';
    expect((await signer.jwks()).keys).toHaveLength(2);
    expect(JSON.stringify(await signer.jwks())).not.toContain('"d"');
    secrets.delete('FIREBREAK_SIGNING_KEY_PREVIOUS');
    expect(await signer.verify(before)).toMatchObject({ ok: false });
    expect(await signer.verify(after)).toMatchObject({ ok: true });
    expect(await signer.problem()).toBeNull();
  });

  test('that is not there is said once, and nothing is signed', async () => {
    const token = await signed();
    secrets.clear();
    const signer = newSigner();
    expect([await signer.sign(claims, 600), await signer.sign(claims, 600)]).toEqual([null, null]);
    expect(await signer.jwks()).toEqual({ keys: [] });
    expect(await signer.verify(token)).toMatchObject({ ok: false });
    expect(await signer.problem()).toMatch(/^FIREBREAK_SIGNING_KEY is not set; create one with: openssl/);
    expect(warnings).toEqual([await signer.problem()]);
  });

  test.each([
    ['no key', 'a secret that nobody may read'],
    ['half a JWK', '{"kty":"EC", a secret that nobody may read'],
    ['of another curve', pkcs8(newKey('P-384'))],
    ['of another kind', String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))],
  ])('that is %s is said without its text, and nothing is signed', async (_, text) => {
    secrets.set('FIREBREAK_SIGNING_KEY', text);
    const signer = newSigner();
    expect(await signer.sign(claims, 600)).toBeNull();
    expect(await signer.problem()).toMatch(/^FIREBREAK_SIGNING_KEY is not a P-256 key/);
    expect(warnings.join()).not.toContain('nobody may read');
    secrets.set('FIREBREAK_SIGNING_KEY', pkcs8(own));
    expect(await signer.problem()).toBeNull();
  });

  test('before it that is wrong does not keep the present one from signing', async () => {
    secrets.set('FIREBREAK_SIGNING_KEY_PREVIOUS', 'nothing');
    const signer = newSigner();
    expect(await signer.verify((await signer.sign(claims, 600)) ?? '')).toMatchObject({ ok: true });
    expect(await signer.problem()).toMatch(/^FIREBREAK_SIGNING_KEY_PREVIOUS is not a P-256 key/);
  });
});
