import { createHash } from 'node:crypto';
import { rateLimit, rateLimitTables } from '../core/rate-limit.ts';
import type { StandInDeps } from '../core/stand-in.ts';

export const limitTables = `${rateLimitTables}
  create table if not exists github_quota (
    token text primary key,
    began_at integer not null,
    used integer not null
  );
`;

/**
 * Maximum calls of a user's token in an hour. The hour starts with the first call.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (read 2026-11)
 */
const PRIMARY = { max: 5_000, windowMs: 3_600_000 };

/** Maximum calls per token that create content; the same page, "About secondary rate limits" (read 2026-11). */
const CONTENT_PER_MINUTE = { max: 80, windowMs: 60_000 };
const CONTENT_PER_HOUR = { max: 500, windowMs: 3_600_000 };

/** The primary rate limit after a call. Times are in seconds since the Unix epoch. */
export type Quota = { exceeded: boolean; used: number; remaining: number; resetSeconds: number };

export const quotaHeaders = ({ used, remaining, resetSeconds }: Quota): Record<string, string> => ({
  'x-ratelimit-limit': String(PRIMARY.max),
  'x-ratelimit-remaining': String(remaining),
  'x-ratelimit-used': String(used),
  'x-ratelimit-reset': String(resetSeconds),
  'x-ratelimit-resource': 'core',
});

export type Limits = {
  /** Counts a call, and returns the quota. */
  take(token: string): Quota;
  /** Returns whether this token is allowed to create content, and counts it if so. */
  mayCreate(token: string): boolean;
};

/** Opens the limits. Their windows are divided by the time scale, because a client's back-off is too. */
export function openLimits(deps: StandInDeps): Limits {
  const { db, now, timeScale } = deps;
  const windowMs = PRIMARY.windowMs / timeScale;
  const take = db.prepare(`
    insert into github_quota (token, began_at, used) values (:token, :at, 1)
    on conflict do update set
      used = case when began_at <= :at - :windowMs then 1 else used + 1 end,
      began_at = case when began_at <= :at - :windowMs then :at else began_at end
    returning began_at, used`);
  const inMinute = rateLimit(deps, CONTENT_PER_MINUTE);
  const inHour = rateLimit(deps, CONTENT_PER_HOUR);

  return {
    take(token) {
      const row = take.get({ token: hashOf(token), at: now(), windowMs }) as { began_at: number; used: number };
      return {
        exceeded: row.used > PRIMARY.max,
        used: Math.min(row.used, PRIMARY.max),
        remaining: Math.max(0, PRIMARY.max - row.used),
        resetSeconds: Math.ceil((row.began_at + windowMs) / 1000),
      };
    },
    mayCreate: (token) => inMinute(`github minute:${hashOf(token)}`) && inHour(`github hour:${hashOf(token)}`),
  };
}

/** Returns the hash of a token. Tokens are credentials, so only their hashes are stored. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
