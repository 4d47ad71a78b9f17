import type { Clock, Log } from '../../../core/domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { withDeadline } from './deadline.ts';
import type { SlackDeps } from '../../../core/domain/ports/slack.ts';
import type { CachedReads, Cached, CachedRead } from '../request-context.ts';

/** Maximum time in milliseconds for a read, which leaves time to respond within Slack's limit of three seconds. */
const PATIENCE_MS = 1200;

/** Maximum time in milliseconds for a read before a modal, which must open within the same three seconds. */
export const BRIEF_PATIENCE_MS = 500;

/** Milliseconds for which a result is cached, and for which reads are skipped after a failure. */
const CACHE_MS = 3000;

/** Returns the reads that responses need while Slack waits. */
export function cachedReads(deps: SlackDeps): CachedReads {
  return {
    catalogue: cachedRead(deps, 'the catalogue', () => deps.catalogue()),
    openIncidents: cachedRead(deps, 'open incidents', () => deps.openIncidents()),
    recentChanges: cachedRead(deps, 'recent changes', () => deps.recentChanges()),
    automation: cachedRead(deps, 'the state of automation', () => deps.automation()),
  };
}

/**
 * Returns a cached read. Null: it has never succeeded. Only one read runs at a time; a read that exceeds its time limit
 * continues, and its result is available to the next request.
 */
function cachedRead<T>(
  { clock, log }: { clock: Clock; log: Log },
  what: string,
  read: () => Promise<T>,
): CachedRead<T> {
  let last: Omit<Cached<T>, 'fresh'> | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<Cached<T>> | undefined;
  const now = () => millisOf(clock.now());

  async function readNow(): Promise<Cached<T>> {
    try {
      last = { value: await read(), at: clock.now() };
      failedAt = Number.NEGATIVE_INFINITY;
      return { ...last, fresh: true };
    } catch (error) {
      failedAt = now();
      throw error;
    } finally {
      running = undefined;
    }
  }

  return async (patienceMs = PATIENCE_MS) => {
    if (last !== null && now() - millisOf(last.at) <= CACHE_MS) return { ...last, fresh: true };
    const stale = () => last && { ...last, fresh: false };
    if (now() - failedAt <= CACHE_MS) return stale();
    try {
      running ??= readNow();
      return await withDeadline(patienceMs, running);
    } catch (error) {
      failedAt = now();
      log.warn(`${what} could not be read within the time limit of Slack`, { error: String(error) });
      return stale();
    }
  };
}
