import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, errors, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import type { Signer } from '../types.ts';
import type { Clock, Log, Secrets } from '../../../core/domain/ports/system.ts';
import { millisOf, timestamp } from '../../../schemas/time/time.ts';

const ISSUER = 'firebreak';
const ALGORITHM = 'ES256';

/** Maximum clock skew in seconds: a token issued further in the future was issued by a machine whose clock is ahead. */
const AHEAD_MAX_SECONDS = 60;

const HOW_TO_CREATE = 'create one with: openssl ecparam -name prime256v1 -genkey -noout';

type PublicKey = { kid: string; jwk: JWK; key: ImportedKey };
type SigningKey = { kid: string; key: ImportedKey };
type ImportedKey = Awaited<ReturnType<typeof importJWK>>;

type Keys = {
  signing: SigningKey | null;
  known: Map<string, PublicKey>;
  problem: string | null;
};

/** Thrown for a token that names neither the current nor the previous key. */
class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

/**
 * Signs with the private key in the secret `FIREBREAK_SIGNING_KEY`: a P-256 key as PEM or JWK. During a key rotation,
 * the old key, or its public part, is in `FIREBREAK_SIGNING_KEY_PREVIOUS`: its signatures are still accepted, and it
 * stays among the public keys. The id of a key is its thumbprint (RFC 7638).
 *
 * Without a usable key nothing is signed, but everything else works: a check is answered without a token. The log says
 * so once for each unusable key, and `problem` returns the reason.
 */
export function es256Signer({ secrets, clock, log }: { secrets: Secrets; clock: Clock; log: Log }): Signer {
  let cached: { from: string; keys: Promise<Keys> } | undefined;

  /** Parses the keys again only when a secret has changed. */
  async function keysNow(): Promise<Keys> {
    const [present, previous] = await Promise.all([
      secrets.get('FIREBREAK_SIGNING_KEY'),
      secrets.get('FIREBREAK_SIGNING_KEY_PREVIOUS'),
    ]);
    const from = JSON.stringify([present, previous]);
    if (cached?.from === from) return cached.keys;
    const keys = readKeys(present, previous);
    cached = { from, keys };
    const { problem } = await keys;
    if (problem !== null)
      log.warn('signing key problem: freeze checks are answered without a token, or earlier tokens are refused', {
        problem,
      });
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
      if (!isCanonical(token)) return { ok: false, problem: 'it is not a Firebreak token: its encoding is invalid' };
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
          ? { ok: false, problem: `it is not valid yet: it was issued at ${timeOf(iat)}` }
          : { ok: true, claims: payload };
      } catch (error) {
        return { ok: false, problem: errorText(error) };
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
      // The error may quote the key, so it is not included.
      problems.push(`${name} is not a P-256 key in PEM or JWK format; ${HOW_TO_CREATE}`);
      return undefined;
    }
  };
  const current = usable('FIREBREAK_SIGNING_KEY', present, privateKeyIn);
  const old = usable('FIREBREAK_SIGNING_KEY_PREVIOUS', previous, publicKeyIn);
  if (current === undefined && problems.length === 0)
    problems.push(`FIREBREAK_SIGNING_KEY is not set; ${HOW_TO_CREATE}`);
  const publics = await Promise.all(
    [current && createPublicKey(current), old].flatMap((key) => key ?? []).map(publicKey),
  );
  const [first] = publics;
  return {
    signing:
      current === undefined || first === undefined
        ? null
        : { kid: first.kid, key: await importJWK(current.export({ format: 'jwk' }) as JWK, ALGORITHM) },
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

/** In environment variables, line breaks are often written as `\n`. */
const pemIn = (text: string): string => text.replaceAll('\\n', '\n');

function p256(key: KeyObject): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a P-256 key');
  return key;
}

function keyWith(kid: string | undefined, known: Map<string, PublicKey>): ImportedKey {
  const found = known.get(kid ?? '');
  if (found === undefined) throw new UnknownKey(kid === undefined ? 'no key id' : kid.slice(0, 64));
  return found.key;
}

/**
 * Returns whether the token is canonical base64url. Spare last bits would otherwise let different texts decode to the
 * same token.
 */
const isCanonical = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

const timeOf = (epochSeconds: number): string => timestamp(epochSeconds * 1000);

function errorText(error: unknown): string {
  if (error instanceof UnknownKey) return `it is signed with an unknown key (${error.message})`;
  if (error instanceof errors.JWTExpired) return `it expired at ${timeOf(error.payload.exp ?? 0)}`;
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'its signature is invalid: it was forged or altered';
  if (error instanceof errors.JOSEAlgNotAllowed) return `it is not signed with ${ALGORITHM}`;
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return `it was not issued by ${ISSUER}`;
    if (error.claim === 'nbf') return `it is not valid yet`;
    return `its claim ${error.claim} is missing or wrong`;
  }
  if (error instanceof errors.JOSEError) return `it is not a Firebreak token: ${error.message}`;
  throw error;
}
