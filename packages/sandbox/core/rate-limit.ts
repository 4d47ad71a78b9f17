import type { StandInDeps } from './stand-in.ts';

/** The table for a stand-in's `tables`. All vendors share it: `key` includes the vendor and the credential. */
export const rateLimitTables = `
  create table if not exists taken_calls (key text not null, at integer not null);
  create index if not exists taken_calls_by_key on taken_calls (key, at);
`;

/** At most `max` calls within `windowMs`. */
export type RateWindow = { max: number; windowMs: number };

/**
 * Returns sliding windows. `windowMs` is divided by the time scale, because a client's back-off is too. Refused calls
 * do not count, so a caller that keeps calling succeeds eventually. Use one key for one window only.
 */
export function rateWindows({ db, now, timeScale }: StandInDeps) {
  const forget = db.prepare('delete from taken_calls where key = ? and at <= ?');
  const newest = db.prepare('select at from taken_calls where key = ? order by at desc limit 1 offset ?');
  const add = db.prepare('insert into taken_calls (key, at) values (?, ?)');

  return {
    /** Returns the milliseconds until a call is within the limit; 0 if it is now. */
    waitMs(key: string, { max, windowMs }: RateWindow): number {
      const at = now();
      const window = windowMs / timeScale;
      forget.run(key, at - window);
      const oldestCounted = newest.get(key, max - 1) as { at: number } | undefined;
      return oldestCounted === undefined ? 0 : oldestCounted.at + window - at;
    },
    /** Counts a call. */
    take: (key: string): void => void add.run(key, now()),
  };
}

/** Returns a function for one sliding window per key. */
export function rateLimit(deps: StandInDeps, limit: RateWindow) {
  const windows = rateWindows(deps);

  /** Returns true, and counts the call, if it is within the limit. */
  return (key: string): boolean => {
    if (windows.waitMs(key, limit) > 0) return false;
    windows.take(key);
    return true;
  };
}
