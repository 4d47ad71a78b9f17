import type { Clock, Log } from '../../domain/ports.ts';
import { millisOf, type Timestamp } from '../../schemas/time.ts';
import { within } from './deadline.ts';
import type { SlackDeps } from '../../domain/slack-ports.ts';

/** Milliseconds that a read may take while Slack waits for three seconds: what follows has to fit in as well. */
const PATIENCE_MS = 1200;

/** Milliseconds before a modal, which has to be open within those three seconds. */
export const BRIEF_PATIENCE_MS = 500;

/** What was read is good for this long, and after a failure nobody waits for the next try for this long. */
const KEPT_MS = 3000;

/** What was read, and when. `fresh`: just now; otherwise it could not be read any more. */
export type Known<T> = { value: T; at: Timestamp; fresh: boolean };

/** @param patienceMs how long it may take; then what was read before is given */
export type Reading<T> = (patienceMs?: number) => Promise<Known<T> | null>;

/** The last that this process has read of what it tells: while nothing can be read, that is better than nothing. */
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
    automation: remembered(deps, 'the automation', () => deps.automation()),
  };
}

/** Null: nothing was ever read. One read at a time; one that comes too late for this request is there for the next. */
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
      log.warn(`${what} cannot be read while Slack waits`, { error: String(error) });
      return stale();
    }
  };
}
