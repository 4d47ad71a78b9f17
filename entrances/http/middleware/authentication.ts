import { hash, timingSafeEqual } from 'node:crypto';
import { signingSecret } from '../../../vendors/connections/signing-secrets.ts';
import { hasHmac } from '../../../vendors/shared/webhook-signature.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { authorize, type Scope } from '../../../core/domain/access/access.ts';
import { actorNameOf } from '../../../core/domain/access/actor-identity.ts';
import { inConfiguredNames } from '../../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Tokens } from '../../../core/domain/ports/access.ts';
import type { Secrets } from '../../../core/domain/ports/system.ts';
import type { Principal } from '../../../schemas/access/access.ts';
import type { Session } from '../../../schemas/access/session.ts';
import type { SignatureScheme } from '../../../schemas/alerts/sources/parsed.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';

/** The maximum difference between a signature's timestamp and our clock. Limits replays. */
const SIGNATURE_WINDOW_SECONDS = 300;

const UNRESTRICTED = { sources: null, services: null, environments: null, expires_at: null };

/** The bootstrap principal that may only post alerts. The rollback receiver refuses it. */
const INGEST: Principal = { name: 'ingest', actions: ['alerts:write'], ...UNRESTRICTED };

/** The bootstrap principal that may do everything. */
const ADMIN: Principal = { name: 'admin', actions: ['*'], ...UNRESTRICTED };

/** Tokens that a start or a deployment provides as secrets. All other tokens are records in the table. */
const BOOTSTRAP: { secret: string; principal: Principal }[] = [
  { secret: 'FIREBREAK_ADMIN_TOKEN', principal: ADMIN },
  { secret: 'FIREBREAK_INGEST_TOKEN', principal: INGEST },
];

/** Returns the name under which a principal's alerts are counted. Each token record is limited separately. */
export const senderOf = (principal: Principal): string =>
  BOOTSTRAP.some((token) => token.principal === principal) ? principal.name : `token:${principal.name}`;

/**
 * Returns whether alerts of this principal may request a rollback by the label `action: auto-rollback`. Tokens need the
 * scope `rollback:request`. The ingest token needs no scope, so that a plain Alertmanager works with it.
 */
export const mayRequestByLabel = (principal: Principal, scope: Scope, now: Timestamp): boolean =>
  principal === INGEST || authorize(principal, 'rollback:request', scope, now).allowed;

/**
 * Returns the principal of an `Authorization` header: `Bearer`, or `Basic` with the token as password. Returns
 * undefined if the token is missing, unknown, or expired.
 */
export async function principalOf(
  deps: Pick<Deps, 'clock' | 'config'> & { secrets: Secrets; tokens: Tokens },
  authorization: string | undefined,
): Promise<Principal | undefined> {
  const token = tokenOf(authorization);
  if (token === undefined) return undefined;
  const given = hashOf(token);
  for (const { secret, principal } of BOOTSTRAP) {
    const expected = await deps.secrets.get(secret);
    if (expected && timingSafeEqual(given, hashOf(expected))) return principal;
  }
  return principalOfHash(deps, given.toString('hex'));
}

async function principalOfHash(
  deps: Pick<Deps, 'clock' | 'config'> & { tokens: Tokens },
  tokenHash: string,
): Promise<Principal | undefined> {
  const record = await deps.tokens.find(tokenHash);
  const expired = record !== undefined && record.expires_at !== null && record.expires_at <= deps.clock.now();
  if (expired || record === undefined) return undefined;
  const principal = { ...record, name: actorNameOf(record) };
  const isLimited = record.services !== null || record.environments !== null;
  return isLimited ? inConfiguredNames(await deps.config.current(), principal) : principal;
}

/** Returns what a session stores about the token with which it began. */
export const credentialOf = (token: string, principal: Principal): Session['credential'] =>
  principal === ADMIN ? 'admin' : sha256(token);

/**
 * Returns the principal of a session, with the permissions that its token has now. Undefined: the token was revoked, or
 * has expired.
 */
export const principalOfSession = async (
  deps: Pick<Deps, 'clock' | 'config'> & { tokens: Tokens },
  { credential }: Pick<Session, 'credential'>,
): Promise<Principal | undefined> => (credential === 'admin' ? ADMIN : principalOfHash(deps, credential));

function tokenOf(authorization: string | undefined): string | undefined {
  const [, scheme, value] = /^(\S+) +(\S.*)$/.exec(authorization ?? '') ?? [];
  if (value === undefined) return undefined;
  if (scheme?.toLowerCase() === 'bearer') return value.trim();
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':'); // the first one, because a password may contain colons
  return colon === -1 || colon === pair.length - 1 ? undefined : pair.slice(colon + 1);
}

/**
 * Returns whether the sender's signature over the raw body is valid. Returns false without a configured secret. Does
 * not read the body if the signature is missing or malformed, or its timestamp is outside the window.
 */
export async function signedBy(
  deps: Pick<Deps, 'clock'> & { secrets: Secrets },
  scheme: SignatureScheme,
  headers: Headers,
  body: () => Promise<Uint8Array>,
): Promise<boolean> {
  const secret = await signingSecret(deps.secrets, scheme.secret);
  const signature = headers.get(scheme.header)?.trim() ?? '';
  if (!secret || !/^[0-9a-f]{64}$/i.test(signature)) return false;
  const { timestampHeader } = scheme;
  const header =
    timestampHeader === undefined ? '' : ((await deps.secrets.get(timestampHeader.secret)) ?? timestampHeader.fallback);
  const timestamp = header === '' ? null : headers.get(header);
  if (header !== '' && (timestamp === null || !isFresh(Number(timestamp), deps))) return false;
  return hasHmac([Buffer.from(signature, 'hex')], secret, [timestamp === null ? '' : `${timestamp}:`, await body()]);
}

const isFresh = (seconds: number, { clock }: Pick<Deps, 'clock'>): boolean =>
  Math.abs(millisOf(clock.now()) / 1000 - seconds) <= SIGNATURE_WINDOW_SECONDS;

/** Compares in constant time. Compares hashes, so that the time does not depend on the length either. */
export const sameText = (a: string, b: string): boolean => timingSafeEqual(hashOf(a), hashOf(b));

const hashOf = (text: string): Buffer => hash('sha256', text, 'buffer');
