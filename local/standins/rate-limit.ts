import type { StandInDeps } from './stand-in.ts';

/** For a stand-in's `tables`. One table serves all vendors: `key` names the vendor as well as the credential. */
export const rateLimitTables = `
  create table if not exists taken_calls (key text not null, at integer not null);
  create index if not exists taken_calls_by_key on taken_calls (key, at);
`;

/** At most `max` calls within `windowMs`. */
export type RateWindow = { max: number; windowMs: number };

/**
 * Sliding windows. `windowMs` is divided by the time scale, because a client's back-off is. A call that is refused does
 * not count, so a caller that goes on calling gets through in time. A key belongs to one window.
 */
export function rateWindows({ db, now, timeScale }: StandInDeps) {
  const forget = db.prepare('delete from taken_calls where key = ? and at <= ?');
  const newest = db.prepare('select at from taken_calls where key = ? order by at desc limit 1 offset ?');
  const add = db.prepare('insert into taken_calls (key, at) values (?, ?)');

  return {
    /** Milliseconds until a call is within the limit; 0 when it is now. */
    waitMs(key: string, { max, windowMs }: RateWindow): number {
      const at = now();
      const window = windowMs / timeScale;
      forget.run(key, at - window);
      const hindmost = newest.get(key, max - 1) as { at: number } | undefined;
      return hindmost === undefined ? 0 : hindmost.at + window - at;
    },
    /** Counts a call. */
    take: (key: string): void => void add.run(key, now()),
  };
}

/** One sliding window for each key. */
export function rateLimit(deps: StandInDeps, limit: RateWindow) {
  const windows = rateWindows(deps);

  /** True when the call is within the limit, and counted. */
  return (key: string): boolean => {
    if (windows.waitMs(key, limit) > 0) return false;
    windows.take(key);
    return true;
  };
}
