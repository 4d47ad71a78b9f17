import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { StatusReader } from './resources.ts';

/** Seconds for which an answer is not read again. However many people open a page, it costs one read in this time. */
const CACHE_SECONDS = 5;
/** Seconds for which the last answer is shown while the table cannot be read. */
const STALE_ON_ERROR_SECONDS = 3600;

/** Number of answers in the cache; the oldest is removed first. */
const ENTRIES_MAX = 500;

type CacheEntry = {
  /** When the read began. */
  at: Timestamp;
  answer: Promise<unknown>;
  /** The last answer that was read, with its time. */
  last?: unknown;
};

/** Returns a reader that caches answers for some seconds, so that load on the page is no load on the table. */
export function cachedReader(reader: StatusReader, clock: Clock): StatusReader {
  const cache = new BoundedMap<CacheEntry>(ENTRIES_MAX);

  function cached<T>(key: string, read: () => Promise<T>): Promise<T> {
    const current = cache.get(key);
    const now = clock.now();
    if (current !== undefined && secondsBetween(current.at, now) < CACHE_SECONDS) return current.answer as Promise<T>;
    const lastAnswer = current?.last as { value: T; at: Timestamp } | undefined;
    const entry: CacheEntry = { at: now, answer: Promise.resolve(), ...(lastAnswer && { last: lastAnswer }) };
    const answer = read().then(
      (value) => {
        entry.last = { value, at: now };
        return value;
      },
      (error: unknown) => {
        if (lastAnswer !== undefined && secondsBetween(lastAnswer.at, now) < STALE_ON_ERROR_SECONDS)
          return lastAnswer.value;
        cache.delete(key);
        throw error;
      },
    );
    entry.answer = answer;
    cache.set(key, entry);
    return answer;
  }

  return {
    page: (page) => cached(`page ${page.name}`, () => reader.page(page)),
    month: (page, month) => cached(`month ${page.name} ${month}`, () => reader.month(page, month)),
    event: (page, id) => cached(`event ${page.name} ${id}`, () => reader.event(page, id)),
  };
}
