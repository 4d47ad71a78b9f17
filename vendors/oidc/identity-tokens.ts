import { decodeJwt, decodeProtectedHeader, errors, type JWSHeaderParameters, jwtVerify } from 'jose';
import type { IdentityTokens } from '../../core/domain/ports/access.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import type { Identity } from '../../schemas/access/identity-claims.ts';
import { millisOf, timestamp } from '../../schemas/time/time.ts';
import { type Claims, mismatchOf, subjectOf } from './claims.ts';
import { issuerKeys, type IssuerKeys, NoKeys } from './issuer-keys.ts';

/**
 * The algorithms that CI systems sign with. Never add `none` or HMAC, for which the public key would serve as the
 * secret.
 */
const ALGORITHMS = ['RS256', 'ES256'];

const TOKEN_MAX_CHARS = 16 * 1024;

/** Tolerated difference between Firebreak's and the issuer's clocks, in seconds. */
const CLOCK_SKEW_SECONDS = 30;

const FUTURE = 'issued in the future';

type Verified = Awaited<ReturnType<IdentityTokens['verify']>>;

/**
 * Verifies identity tokens of GitHub Actions, GitLab, and other OpenID Connect issuers. A token's issuer claim only
 * selects one of the policy's issuers; no other issuer is ever called.
 */
export function identityTokens({ clock }: { clock: Clock }): IdentityTokens {
  const keysOf = issuerKeys(clock);
  return {
    async verify(token, accepted) {
      const unverified = readUnverified(token);
      if (unverified === undefined) return rejected('it is not a signed token (JWT)');
      const { issuer, header } = unverified;
      const identities = accepted.filter((identity) => identity.issuer === issuer);
      if (identities.length === 0) return rejected(issuerProblem(issuer, accepted));
      try {
        const claims = await verifiedClaims(token, await keysOf(issuer, header), issuer, clock);
        return checkClaims(claims, identities);
      } catch (error) {
        return rejected(errorText(error));
      }
    },
    async problemOf(issuer) {
      try {
        await keysOf(issuer, {});
        return null;
      } catch (error) {
        return errorText(error);
      }
    },
  };
}

/** Returns the unverified issuer and header. */
function readUnverified(token: string): { issuer: string; header: JWSHeaderParameters } | undefined {
  if (token.length > TOKEN_MAX_CHARS) return undefined;
  try {
    const { kid, alg } = decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    return { issuer: typeof iss === 'string' ? iss : '', header: { ...(kid && { kid }), ...(alg && { alg }) } };
  } catch {
    return undefined;
  }
}

async function verifiedClaims(token: string, { lookUp }: IssuerKeys, issuer: string, clock: Clock): Promise<Claims> {
  const now = millisOf(clock.now());
  const { payload } = await jwtVerify(token, lookUp, {
    algorithms: ALGORITHMS,
    issuer,
    requiredClaims: ['exp', 'iat'],
    clockTolerance: CLOCK_SKEW_SECONDS,
    currentDate: new Date(now),
  });
  if ((payload.iat ?? 0) > now / 1000 + CLOCK_SKEW_SECONDS)
    throw new errors.JWTClaimValidationFailed(FUTURE, payload, 'iat');
  return payload;
}

/** Accepts the claims if one identity matches; otherwise returns the reasons. */
function checkClaims(claims: Claims, identities: readonly Identity[]): Verified {
  const problems = identities.map((identity) => mismatchOf(claims, identity));
  if (problems.includes(undefined)) return { ok: true, subject: subjectOf(claims) };
  return rejected([...new Set(problems)].join('; other issuers: '));
}

function issuerProblem(issuer: string, accepted: readonly Identity[]): string {
  const known = [...new Set(accepted.map((identity) => identity.issuer))];
  const issuerText = issuer === '' ? 'it has no issuer' : `its issuer is ${JSON.stringify(issuer.slice(0, 200))}`;
  return known.length === 0
    ? `${issuerText}, and Firebreak accepts no identities ("identities" of config/freeze.yaml)`
    : `${issuerText}; Firebreak accepts ${known.join(', ')}`;
}

const rejected = (problem: string): Verified => ({ ok: false, problem });

const timeOf = (epochSeconds: number | undefined): string =>
  epochSeconds === undefined ? 'an unknown time' : timestamp(epochSeconds * 1000);

function errorText(error: unknown): string {
  if (error instanceof NoKeys) return error.message;
  if (error instanceof errors.JWTExpired) return `it expired at ${timeOf(error.payload.exp)}`;
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'its signature is invalid: it was forged or altered';
  if (error instanceof errors.JWKSNoMatchingKey) return 'its issuer does not publish the key that it is signed with';
  if (error instanceof errors.JOSEAlgNotAllowed) return `it is signed neither with ${ALGORITHMS.join(' nor ')}`;
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' || error.message === FUTURE
      ? 'it is not valid yet'
      : `its claim ${error.claim} is missing or wrong`;
  if (error instanceof errors.JOSEError) return `it cannot be read: ${error.message}`;
  throw error;
}
