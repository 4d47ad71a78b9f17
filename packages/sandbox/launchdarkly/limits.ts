import type { StandInDeps } from '../core/stand-in.ts';

export const limitTables = `
  create table if not exists launchdarkly_window (id integer primary key check (id = 1), began_at integer, used integer);
`;

/**
 * Maximum calls of an account, across all its tokens. The window is documented. The number of calls is not published,
 * so this number is the stand-in's own.
 *
 * @see https://launchdarkly.com/docs/api#rate-limiting (read 2026-11)
 */
const GLOBAL = { max: 200, windowMs: 10_000 };

/** The state of the window after a call. */
export type Quota = { exceeded: boolean; remaining: number; resetMillis: number };

export const quotaHeaders = ({ remaining, resetMillis }: Quota): Record<string, string> => ({
  'x-ratelimit-global-remaining': String(remaining),
  'x-ratelimit-reset': String(resetMillis),
});

/**
 * Returns a function that counts a call. The window is divided by the time scale, because a client's back-off is too.
 */
export function globalLimit({ db, now, timeScale }: StandInDeps): () => Quota {
  const windowMs = Math.ceil(GLOBAL.windowMs / timeScale);
  const take = db.prepare(`
    insert into launchdarkly_window (id, began_at, used) values (1, :at, 1)
    on conflict do update set
      used = case when began_at <= :at - :windowMs then 1 else used + 1 end,
      began_at = case when began_at <= :at - :windowMs then :at else began_at end
    returning began_at, used`);
  return () => {
    const { began_at, used } = take.get({ at: now(), windowMs }) as { began_at: number; used: number };
    return {
      exceeded: used > GLOBAL.max,
      remaining: Math.max(0, GLOBAL.max - used),
      resetMillis: began_at + windowMs,
    };
  };
}
