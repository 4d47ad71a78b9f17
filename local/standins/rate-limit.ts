import type { StandInDeps } from './stand-in.ts';

/** For a stand-in's `tables`. One table serves all vendors: `key` names the vendor as well as the credential. */
export const rateLimitTables = `
  create table if not exists taken_calls (key text not null, at integer not null);
  create index if not exists taken_calls_by_key on taken_calls (key, at);
`;

/**
 * A sliding window: at most `max` calls with one key within `windowMs`, which is divided by the time scale, because a
 * client's back-off is. A call that is refused does not count, so a caller that goes on calling gets through in time.
 */
export function rateLimit({ db, now, timeScale }: StandInDeps, limit: { max: number; windowMs: number }) {
  const forget = db.prepare('delete from taken_calls where key = ? and at <= ?');
  const count = db.prepare('select count(*) as taken from taken_calls where key = ?');
  const add = db.prepare('insert into taken_calls (key, at) values (?, ?)');

  /** True when the call is within the limit, and counted. */
  return (key: string): boolean => {
    const at = now();
    forget.run(key, at - limit.windowMs / timeScale);
    const { taken } = count.get(key) as { taken: number };
    if (taken >= limit.max) return false;
    add.run(key, at);
    return true;
  };
}
