import type { Clock, Log } from '../../domain/ports/system.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { within } from './deadline.ts';
import type { SlackDeps } from '../../domain/slack/ports.ts';

/** Maximum time in milliseconds for a read, which leaves time to respond within Slack's limit of three seconds. */
const PATIENCE_MS = 1200;

/** Maximum time in milliseconds for a read before a modal, which must open within the same three seconds. */
export const BRIEF_PATIENCE_MS = 500;

/** Milliseconds for which a result is cached, and for which reads are skipped after a failure. */
const KEPT_MS = 3000;

/** A value with its read time. `fresh`: false if a newer value could not be read. */
export type Known<T> = { value: T; at: Timestamp; fresh: boolean };

/** @param patienceMs maximum time in milliseconds; afterwards, the last value is returned */
export type Reading<T> = (patienceMs?: number) => Promise<Known<T> | null>;

/** Cached reads of this process. During an outage, they return the last values. */
export type Knowledge = {
  [What in 'catalogue' | 'openIncidents' | 'recentChanges' | 'automation']: Reading<
    Awaited<ReturnType<SlackDeps[What]>>
  >;
};

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
