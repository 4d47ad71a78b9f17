import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { es256Signer } from '../../vendors/signer.ts';
import { SetClock, silent } from '../../../../test/support/fake-deps.ts';

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

/** Signs as an attacker would. */
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

describe('a signed token', () => {
  test('contains its claims, issuer, and lifetime', async () => {
    expect(await newSigner().verify(await signed())).toEqual({
      ok: true,
      claims: { ...claims, iss: 'firebreak', iat: NOW, exp: NOW + 600 },
    });
  });

  test('cannot claim another issuer or time', async () => {
    const token = await newSigner().sign({ iss: 'x', iat: 1, exp: 9e9 }, 60);
    expect(await newSigner().verify(token ?? '')).toEqual({
      ok: true,
      claims: { iss: 'firebreak', iat: NOW, exp: NOW + 60 },
    });
  });

  test('can be verified by everyone with the public keys', async () => {
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

describe('reasons for refusal', () => {
  test('expired, from that second on', async () => {
    const token = await signed(600);
    clock.set(clock.millis + 599_000);
    expect(await problemOf(token)).toBe('none');
    clock.set(clock.millis + 1_000);
    expect(await problemOf(token)).toBe('it expired at 2026-11-20T12:10:00.000Z');
  });

  test('a different text that decodes to the same token', async () => {
    const token = await signed();
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const respelt = `${token.slice(0, -1)}${letters[letters.indexOf(token.slice(-1)) + 1] ?? ''}`;
    expect(Buffer.from(respelt, 'base64url')).toEqual(Buffer.from(token, 'base64url'));
    expect(await problemOf(respelt)).toContain('its encoding is invalid');
    expect(await problemOf(`${token}=`)).toContain('its encoding is invalid');
  });

  test('altered', async () => {
    const [header, body = '', signature] = (await signed()).split('.');
    const text = Buffer.from(body, 'base64url').toString().replace('v42', 'v43');
    const altered = [header, Buffer.from(text).toString('base64url'), signature].join('.');
    expect(await problemOf(altered)).toBe('its signature is invalid: it was forged or altered');
  });

  test('signed by another key in our name', async () => {
    expect(await problemOf(await forged({ key: newKey() }))).toBe('its signature is invalid: it was forged or altered');
    expect(await problemOf(await forged({ key: newKey(), kid: 'theirs' }))).toBe(
      'it is signed with an unknown key (theirs)',
    );
  });

  test('without a signature, or with another algorithm', async () => {
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
    ['of another issuer', { iss: 'grafana' }, 'it was not issued by firebreak'],
    ['without an expiry', { exp: undefined }, 'its claim exp is missing or wrong'],
    ['without an issue time', { iat: undefined }, 'its claim iat is missing or wrong'],
    ['not valid yet', { nbf: NOW + 60 }, 'it is not valid yet'],
    ['from the future', { iat: NOW + 61 }, 'it is not valid yet: it was issued at 2026-11-20T12:01:01.000Z'],
    ['from a clock that is slightly ahead', { iat: NOW + 60 }, 'none'],
  ])('a token %s', async (_, change, problem) => {
    expect(await problemOf(await forged({ claims: change }))).toBe(problem);
  });

  test.each(['', 'x', 'a.b.c', 'a'.repeat(100_000), '{}'])('text that is not a token: %#', async (text) => {
    expect(await problemOf(text)).toMatch(/^it is not a Firebreak token: /);
  });
});

describe('a key', () => {
  test.each([
    ['PEM', pkcs8(own)],
    ['PEM in the format of openssl', sec1(own)],
    ['PEM with escaped line breaks', pkcs8(own).replaceAll('\n', '\\n')],
    ['JWK', jwk(own)],
  ])('can be %s', async (_, text) => {
    const before = await signed();
    secrets.set('FIREBREAK_SIGNING_KEY', text);
    expect(await newSigner().verify(before)).toMatchObject({ ok: true });
    expect(await newSigner().verify(await signed())).toMatchObject({ ok: true });
    expect([await newSigner().problem(), warnings]).toEqual([null, []]);
  });

  test('that is replaced is accepted until it is removed; the new one signs at once', async () => {
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

  test('that is missing is reported once, and nothing is signed', async () => {
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
    ['not a key', 'a secret that nobody may read'],
    ['half a JWK', '{"kty":"EC", a secret that nobody may read'],
    ['of another curve', pkcs8(newKey('P-384'))],
    ['of another type', String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))],
  ])('that is %s is reported without its text, and nothing is signed', async (_, text) => {
    secrets.set('FIREBREAK_SIGNING_KEY', text);
    const signer = newSigner();
    expect(await signer.sign(claims, 600)).toBeNull();
    expect(await signer.problem()).toMatch(/^FIREBREAK_SIGNING_KEY is not a P-256 key/);
    expect(warnings.join()).not.toContain('nobody may read');
    secrets.set('FIREBREAK_SIGNING_KEY', pkcs8(own));
    expect(await signer.problem()).toBeNull();
  });

  test('that was replaced and is invalid does not keep the current one from signing', async () => {
    secrets.set('FIREBREAK_SIGNING_KEY_PREVIOUS', 'nothing');
    const signer = newSigner();
    expect(await signer.verify((await signer.sign(claims, 600)) ?? '')).toMatchObject({ ok: true });
    expect(await signer.problem()).toMatch(/^FIREBREAK_SIGNING_KEY_PREVIOUS is not a P-256 key/);
  });
});
