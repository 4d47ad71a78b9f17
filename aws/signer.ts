import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, errors, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { Signer } from '../domain/freeze/ports.ts';
import type { Clock, Log, Secrets } from '../domain/ports.ts';
import { millisOf, timestamp } from '../schemas/time.ts';

const ISSUER = 'firebreak';
const ALGORITHM = 'ES256';

/** What is issued this far in the future by our clock was issued by a machine whose clock is ahead. */
const AHEAD_MAX_SECONDS = 60;

const MAKE_ONE = 'make one with: openssl ecparam -name prime256v1 -genkey -noout';

type PublicKey = { kid: string; jwk: JWK; key: ImportedKey };
type SigningKey = { kid: string; key: ImportedKey };
type ImportedKey = Awaited<ReturnType<typeof importJWK>>;

type Keys = {
  signing: SigningKey | null;
  known: Map<string, PublicKey>;
  problem: string | null;
};

/** A token names a key that is neither the present nor the previous one. */
class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

/**
 * Signs with the private key in the secret `FIREBREAK_SIGNING_KEY`: a key of the curve P-256, as PEM or as JWK. While a key
 * is being replaced, the old one is in `FIREBREAK_SIGNING_KEY_PREVIOUS`, whole or its public part: what it has signed is
 * still accepted, and it stays among the public keys. A key's id is its thumbprint (RFC 7638).
 *
 * Without a usable key nothing is signed, and everything else goes on: a check is answered without a token. That is said
 * in the log once for each such key, and by `problem`.
 */
export function es256Signer({ secrets, clock, log }: { secrets: Secrets; clock: Clock; log: Log }): Signer {
  let read: { from: string; keys: Promise<Keys> } | undefined;

  /** Read again only when a secret has changed. */
  async function keysNow(): Promise<Keys> {
    const [present, previous] = await Promise.all([
      secrets.get('FIREBREAK_SIGNING_KEY'),
      secrets.get('FIREBREAK_SIGNING_KEY_PREVIOUS'),
    ]);
    const from = JSON.stringify([present, previous]);
    if (read?.from === from) return read.keys;
    const keys = readKeys(present, previous);
    read = { from, keys };
    const { problem } = await keys;
    if (problem !== null) log.warn('deployments cannot get tokens as they should', { problem });
    return keys;
  }

  const seconds = (): number => Math.floor(millisOf(clock.now()) / 1000);

  return {
    async sign(claims, lifetimeSeconds) {
      const { signing } = await keysNow();
      if (signing === null) return null;
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid: signing.kid, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setIssuedAt(seconds())
        .setExpirationTime(seconds() + lifetimeSeconds)
        .sign(signing.key);
    },

    async verify(token) {
      if (!isCanonical(token)) return { ok: false, problem: 'it is no token of Firebreak: it is not written as one' };
      const { known } = await keysNow();
      try {
        const { payload } = await jwtVerify(token, ({ kid }) => keyWith(kid, known), {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          requiredClaims: ['iat', 'exp'],
          currentDate: new Date(seconds() * 1000),
        });
        const { iat = 0 } = payload;
        return iat > seconds() + AHEAD_MAX_SECONDS
          ? { ok: false, problem: `it is not valid yet: it was issued for ${timeOf(iat)}` }
          : { ok: true, claims: payload };
      } catch (error) {
        return { ok: false, problem: inWords(error) };
      }
    },

    async jwks() {
      const { known } = await keysNow();
      return { keys: [...known.values()].map(({ jwk, kid }) => ({ ...jwk, kid, alg: ALGORITHM, use: 'sig' })) };
    },

    async problem() {
      return (await keysNow()).problem;
    },
  };
}

async function readKeys(present: string | undefined, previous: string | undefined): Promise<Keys> {
  const problems: string[] = [];
  const usable = (name: string, text: string | undefined, parse: (text: string) => KeyObject) => {
    try {
      return text === undefined || text === '' ? undefined : p256(parse(text));
    } catch {
      // The reason may quote the key, so it is not told.
      problems.push(`${name} is no key of the curve P-256, neither as PEM nor as JWK; ${MAKE_ONE}`);
      return undefined;
    }
  };
  const own = usable('FIREBREAK_SIGNING_KEY', present, privateKeyIn);
  const old = usable('FIREBREAK_SIGNING_KEY_PREVIOUS', previous, publicKeyIn);
  if (own === undefined && problems.length === 0) problems.push(`FIREBREAK_SIGNING_KEY is not set; ${MAKE_ONE}`);
  const publics = await Promise.all([own && createPublicKey(own), old].flatMap((key) => key ?? []).map(publicKey));
  const [first] = publics;
  return {
    signing:
      own === undefined || first === undefined
        ? null
        : { kid: first.kid, key: await importJWK(own.export({ format: 'jwk' }) as JWK, ALGORITHM) },
    known: new Map(publics.map((key) => [key.kid, key])),
    problem: problems.length === 0 ? null : problems.join('; '),
  };
}

async function publicKey(key: KeyObject): Promise<PublicKey> {
  const jwk = key.export({ format: 'jwk' }) as JWK;
  return { kid: await calculateJwkThumbprint(jwk), jwk, key: await importJWK(jwk, ALGORITHM) };
}

const privateKeyIn = (text: string): KeyObject => {
  const jwk = jwkIn(text);
  return jwk === undefined ? createPrivateKey(pemIn(text)) : createPrivateKey({ key: jwk, format: 'jwk' });
};

const publicKeyIn = (text: string): KeyObject => {
  const jwk = jwkIn(text);
  return jwk === undefined ? createPublicKey(pemIn(text)) : createPublicKey({ key: jwk, format: 'jwk' });
};

const jwkIn = (text: string) =>
  text.trimStart().startsWith('{') ? (JSON.parse(text) as Record<string, string>) : undefined;

/** In an environment a line break is often written as `\n`. */
const pemIn = (text: string): string => text.replaceAll('\\n', '\n');

function p256(key: KeyObject): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('another curve');
  return key;
}

function keyWith(kid: string | undefined, known: Map<string, PublicKey>): ImportedKey {
  const found = known.get(kid ?? '');
  if (found === undefined) throw new UnknownKey(kid === undefined ? 'it does not say which' : kid.slice(0, 64));
  return found.key;
}

/** The last bits of base64url may be spare: with others there it would be read as the same, and be another text. */
const isCanonical = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

const timeOf = (epochSeconds: number): string => timestamp(epochSeconds * 1000);

function inWords(error: unknown): string {
  if (error instanceof UnknownKey) return `it is signed with a key that is not known here (${error.message})`;
  if (error instanceof errors.JWTExpired) return `it has expired at ${timeOf(error.payload.exp ?? 0)}`;
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'its signature does not fit: it is forged, or was altered';
  if (error instanceof errors.JOSEAlgNotAllowed) return `it is not signed with ${ALGORITHM}`;
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return `it was not issued by ${ISSUER}`;
    if (error.claim === 'nbf') return `it is not valid yet`;
    return `its claim ${error.claim} is missing or wrong`;
  }
  if (error instanceof errors.JOSEError) return `it is no token of Firebreak: ${error.message}`;
  throw error;
}
