import type { Clock, Log } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { within } from './deadline.ts';
import type { SlackDeps } from '../../domain/slack/ports.ts';
import type { Knowledge, Known, Reading } from '../waiting.ts';

/** Maximum time in milliseconds for a read, which leaves time to respond within Slack's limit of three seconds. */
const PATIENCE_MS = 1200;

/** Maximum time in milliseconds for a read before a modal, which must open within the same three seconds. */
export const BRIEF_PATIENCE_MS = 500;

/** Milliseconds for which a result is cached, and for which reads are skipped after a failure. */
const KEPT_MS = 3000;

export function knowledge(deps: SlackDeps): Knowledge {
  return {
    catalogue: remembered(deps, 'the catalogue', () => deps.catalogue()),
    openIncidents: remembered(deps, 'open incidents', () => deps.openIncidents()),
    recentChanges: remembered(deps, 'recent changes', () => deps.recentChanges()),
    automation: remembered(deps, 'the state of automation', () => deps.automation()),
  };
}

/**
 * Returns a cached read. Null: it has never succeeded. Only one read runs at a time; a read that exceeds its time limit
 * continues, and its result is available to the next request.
 */
function remembered<T>({ clock, log }: { clock: Clock; log: Log }, what: string, read: () => Promise<T>): Reading<T> {
  let last: Omit<Known<T>, 'fresh'> | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<Known<T>> | undefined;
  const now = () => millisOf(clock.now());

  async function readNow(): Promise<Known<T>> {
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
    if (last !== null && now() - millisOf(last.at) <= KEPT_MS) return { ...last, fresh: true };
    const stale = () => last && { ...last, fresh: false };
    if (now() - failedAt <= KEPT_MS) return stale();
    try {
      running ??= readNow();
      return await within(patienceMs, running);
    } catch (error) {
      failedAt = now();
      log.warn(`${what} could not be read within the time limit of Slack`, { error: String(error) });
      return stale();
    }
  };
}
