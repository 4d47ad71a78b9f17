import type { Context, MiddlewareHandler } from 'hono';
import { sha256 } from '../../../core/stores/hash.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { type Allowance, TokenBuckets } from '../../../core/domain/time/token-bucket.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { senderOf } from './authentication.ts';
import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import { addressOf } from './credentials.ts';
import type { Env } from '../context.ts';
import { problem } from '../problem.ts';

/** Limit per caller and instance. High enough for a CI system and a console, low enough to stop a tight loop. */
export const DEFAULT_ALLOWANCE: Allowance = { perSecond: 200, burst: 1000 };

/** Limit for freeze checks. Many parallel deployments must not delay each other, so only a harmful loop exceeds it. */
const CHECK_ALLOWANCE: Allowance = { perSecond: 2000, burst: 10_000 };
const CHECK_PATHS = /^\/(v1\/freeze-check(\/|$)|integrations\/)/;

/** Limit for judgements of versions, because each one queries Prometheus. Hundreds of canaries ask once a minute. */
const JUDGEMENT_ALLOWANCE: Allowance = { perSecond: 20, burst: 200 };
const JUDGEMENT_PATHS =
  /^\/(v1\/judgements$|integrations\/argo-rollouts\/judgement$|integrations\/flagger\/(rollout|confirm-traffic-increase|confirm-promotion|rollback-degraded)$)/;

/** Never limited: alert receivers, because a short alert would be lost before the retry, and health checks. */
const UNLIMITED_PATHS = /^\/(v1\/alerts\/|api\/v1\/rollback$|healthz$|readyz$)/;

const ALLOWANCES = { judgement: JUDGEMENT_ALLOWANCE, check: CHECK_ALLOWANCE, other: DEFAULT_ALLOWANCE };

/** Number of callers, and of credentials, that an instance remembers. More than any real number of tokens; the oldest is forgotten first. */
const BUCKETS_MAX = 10_000;

/**
 * Responds with 429 and `Retry-After` if a caller exceeds its limit. A caller is who owns the credential, and the
 * address if there is none or a wrong one, because a caller can invent a new one each time.
 *
 * @param sessionOf returns the ID of the request's session, which may be invented, and how to find its owner
 */
export function rateLimit(
  { clock }: Pick<Deps, 'clock'>,
  sessionOf: (c: Context<Env>) => Credential | undefined = () => undefined,
): MiddlewareHandler<Env> {
  const bucketsOf = {
    judgement: new TokenBuckets(ALLOWANCES.judgement, BUCKETS_MAX),
    check: new TokenBuckets(ALLOWANCES.check, BUCKETS_MAX),
    other: new TokenBuckets(ALLOWANCES.other, BUCKETS_MAX),
  };
  const owners = new BoundedMap<string>(BUCKETS_MAX);
  const callerOf = async (c: Context<Env>): Promise<string> => {
    const credential = credentialOf(c) ?? sessionOf(c);
    const known = credential && owners.get(sha256(credential.text));
    if (credential === undefined || known !== undefined) return known ?? addressOf(c);
    // An error is that of the route, which needs the same credential.
    const owner = await credential.owner().catch(() => undefined);
    if (owner === undefined) return addressOf(c);
    owners.set(sha256(credential.text), owner);
    return owner;
  };
  return async (c, next) => {
    if (UNLIMITED_PATHS.test(c.req.path)) return next();
    const kind = JUDGEMENT_PATHS.test(c.req.path) ? 'judgement' : CHECK_PATHS.test(c.req.path) ? 'check' : 'other';
    const seconds = bucketsOf[kind].take(await callerOf(c), millisOf(clock.now()));
    if (seconds === null) {
      await next();
      // A credential that is no longer valid must not use up the limit of its owner.
      const credential = c.res.status === 401 ? (credentialOf(c) ?? sessionOf(c)) : undefined;
      if (credential !== undefined) owners.delete(sha256(credential.text));
      return;
    }
    const detail = `more than ${ALLOWANCES[kind].perSecond} requests per second; try again in ${seconds} s`;
    return problem(c, 429, 'too-many-requests', detail, { 'retry-after': String(seconds) });
  };
}

/** What a request claims to be from. `owner`: returns undefined if it is wrong, or no longer valid. */
export type Credential = { text: string; owner: () => Promise<string | undefined> };

function credentialOf(c: Context<Env>): Credential | undefined {
  const key = c.req.query('key');
  const authorization = c.req.header('authorization') ?? (key && `Bearer ${key}`);
  if (authorization === undefined || authorization === '') return undefined;
  const owner = async () => {
    const principal = await c.get('principalOf')(authorization);
    return principal && senderOf(principal);
  };
  return { text: authorization, owner };
}
