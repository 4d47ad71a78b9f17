import type { Clock } from '../../domain/ports/system.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { StatusReader } from './resources.ts';

/** Seconds for which an answer is not read again. A page that everybody opens costs one read in this time. */
const KEPT_SECONDS = 5;
/** Seconds for which the last answer is shown while the table cannot be read. */
const KEPT_ON_ERROR_SECONDS = 3600;
const KEPT_MAX = 500;

type Kept = { at: Timestamp; answer: Promise<unknown>; last?: unknown };

/** Returns a reader that keeps answers for some seconds, so that load on the page is no load on the table. */
export function keptReader(reader: StatusReader, clock: Clock): StatusReader {
  const cache = new Map<string, Kept>();

  function keep<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = cache.get(key);
    const now = clock.now();
    if (known !== undefined && secondsBetween(known.at, now) < KEPT_SECONDS) return known.answer as Promise<T>;
    const before = known?.last as { value: T; at: Timestamp } | undefined;
    const entry: Kept = { at: now, answer: Promise.resolve(), ...(before && { last: before }) };
    const answer = read().then(
      (value) => {
        entry.last = { value, at: now };
        return value;
      },
      (error: unknown) => {
        if (before !== undefined && secondsBetween(before.at, now) < KEPT_ON_ERROR_SECONDS) return before.value;
        cache.delete(key);
        throw error;
      },
    );
    entry.answer = answer;
    cache.delete(key); // moves it to the end: the oldest is forgotten first
    cache.set(key, entry);
    const [oldest] = cache.keys();
    if (cache.size > KEPT_MAX && oldest !== undefined) cache.delete(oldest);
    return answer;
  }

  return {
    page: (page) => keep(`page ${page.name}`, () => reader.page(page)),
    month: (page, month) => keep(`month ${page.name} ${month}`, () => reader.month(page, month)),
    event: (page, id) => keep(`event ${page.name} ${id}`, () => reader.event(page, id)),
  };
}
