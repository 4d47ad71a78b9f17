import { createHash } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { rateLimit } from '../core/rate-limit.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/**
 * Maximum requests of all kinds with one API key.
 *
 * @see https://developer.pagerduty.com/docs/rest-api-rate-limits (read 2026-11)
 */
const REST_LIMIT = { max: 960, windowMs: 60_000 };

/** Checks credentials and the rate limit of the REST API. */
export function restAccess(deps: StandInDeps): MiddlewareHandler {
  const admit = rateLimit(deps, REST_LIMIT);
  return async (c, next) => {
    if (!hasCredentials(c)) return denied();
    return admit(keyOf(c)) ? next() : throttled(deps);
  };
}

/** Accepts every well-formed credential. The stand-in protects nothing; it detects a missing header. */
const hasCredentials = (c: Context): boolean => /^(Token token=|Bearer )\S+$/.test(c.req.header('authorization') ?? '');

/** Returns the hash of an API key. API keys are credentials, so only their hashes are stored. */
const keyOf = (c: Context): string =>
  `pagerduty-rest:${createHash('sha256')
    .update(c.req.header('authorization') ?? '')
    .digest('hex')}`;

/** Responds in plain text, as PagerDuty does. Clients that expect JSON in every error must handle it. */
const denied = (): Response =>
  new Response('HTTP Token: Access denied.\n', {
    status: 401,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'www-authenticate': 'Token realm="Application"' },
  });

/** Responds with the seconds until the rate limit resets, in a header of PagerDuty's own. */
function throttled({ timeScale }: StandInDeps): Response {
  const reset = Math.ceil(REST_LIMIT.windowMs / 1000 / timeScale);
  return Response.json(
    { error: { message: 'Rate Limit Exceeded', code: 2020 } },
    {
      status: 429,
      headers: {
        'ratelimit-limit': String(REST_LIMIT.max),
        'ratelimit-remaining': '0',
        'ratelimit-reset': String(reset),
      },
    },
  );
}

export const notFound = (c: Context): Response => c.json({ error: { message: 'Not Found', code: 2100 } }, 404);
