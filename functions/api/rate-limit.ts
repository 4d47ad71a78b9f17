import type { MiddlewareHandler } from 'hono';
import { sha256 } from '../../aws/hash.ts';
import type { Deps } from '../../domain/ports.ts';
import { type Allowance, type Bucket, take } from '../../domain/token-bucket.ts';
import { millisOf } from '../../schemas/time.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Env } from './context.ts';
import { problem } from './problem.ts';

/** Of one credential, at one instance: enough for a CI system and a console; a loop without a pause meets it. */
export const ALLOWANCE: Allowance = { perSecond: 200, burst: 1000 };

/** A deploy must not be held up by how many others there are: only a loop that harms us meets this. */
const CHECKING: Allowance = { perSecond: 2000, burst: 10_000 };
const CHECKS = /^\/(v1\/freeze-check(\/|$)|integrations\/)/;

/** Receivers are never told to come later: an episode that is short would be gone. Health is asked by machines. */
const UNLIMITED = /^\/(v1\/alerts\/|api\/v1\/rollback$|healthz$|readyz$)/;

/** More credentials than this at one instance are none that we gave out; the one that asked the longest ago begins anew. */
const BUCKETS_MAX = 10_000;

/** 429 with `Retry-After` for a credential that asks too often. */
export function rateLimit({ clock }: Pick<Deps, 'clock'>): MiddlewareHandler<Env> {
  const buckets = new BoundedMap<Bucket>(BUCKETS_MAX);
  return async (c, next) => {
    if (UNLIMITED.test(c.req.path)) return next();
    const isCheck = CHECKS.test(c.req.path);
    const allowance = isCheck ? CHECKING : ALLOWANCE;
    const caller = sha256(`${isCheck} ${c.req.header('authorization') ?? c.req.query('key') ?? ''}`);
    const taken = take(buckets.get(caller), allowance, millisOf(clock.now()));
    buckets.set(caller, taken.bucket);
    if (taken.ok) return next();
    const seconds = Math.max(1, Math.ceil(taken.afterSeconds));
    const detail = `more than ${allowance.perSecond} requests a second; come again in ${seconds} s`;
    return problem(c, 429, 'too-many-requests', detail, { 'retry-after': String(seconds) });
  };
}
