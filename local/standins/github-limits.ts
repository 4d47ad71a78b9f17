import { createHash } from 'node:crypto';
import { rateLimit, rateLimitTables } from './rate-limit.ts';
import type { StandInDeps } from './stand-in.ts';

export const limitTables = `${rateLimitTables}
  create table if not exists github_quota (
    token text primary key,
    began_at integer not null,
    used integer not null
  );
`;

/**
 * Calls of one user's token in an hour that begins with the first of them.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (read 2026-11)
 */
const PRIMARY = { max: 5_000, windowMs: 3_600_000 };

/** Calls that create content, by one token; the same page, "About secondary rate limits" (read 2026-11). */
const CONTENT_PER_MINUTE = { max: 80, windowMs: 60_000 };
const CONTENT_PER_HOUR = { max: 500, windowMs: 3_600_000 };

/** The state of the hour after a call. Seconds since the Unix epoch. */
export type Quota = { exceeded: boolean; used: number; remaining: number; resetSeconds: number };

export const quotaHeaders = ({ used, remaining, resetSeconds }: Quota): Record<string, string> => ({
  'x-ratelimit-limit': String(PRIMARY.max),
  'x-ratelimit-remaining': String(remaining),
  'x-ratelimit-used': String(used),
  'x-ratelimit-reset': String(resetSeconds),
  'x-ratelimit-resource': 'core',
});

export type Limits = {
  /** Counts a call. */
  take(token: string): Quota;
  /** Whether this token may create something more; counts it when it may. */
  mayCreate(token: string): boolean;
};

/** Windows are divided by the time scale, because a client's back-off is. */
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

/** Tokens are credentials: they are told apart by their hash and not kept. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
