import { randomBytes } from 'node:crypto';
import type { Deps, Place } from '../domain/ports.ts';
import { byStart, putsVersionLive } from '../domain/versions.ts';
import { plusSeconds } from '../schemas/time.ts';
import type { Change } from '../schemas/change.ts';
import { endFailedDeploy } from './api/failed-deploy.ts';
import { OLD_NEWS_SECONDS } from './overdue.ts';

/** How many newest changes of a place are looked at: what comes after a failed deploy comes soon. */
const CHANGES_READ = 50;

/**
 * A failed deploy is a signal until a later one has succeeded, or it has itself after all, or a month is over. Each
 * minute, so that it counts whoever has brought that about, and at once where it was told.
 *
 * @param only of this place, and nowhere else
 */
export async function endFailures(
  deps: Pick<Deps, 'changes' | 'config' | 'queue' | 'clock' | 'log'>,
  only?: Place,
): Promise<void> {
  const failures = (await deps.changes.failures()).filter(({ change }) => only === undefined || isAt(change, only));
  for (const { change, failedAt } of failures) {
    try {
      const isOldNews = plusSeconds(failedAt, OLD_NEWS_SECONDS) <= deps.clock.now();
      if (!isOldNews && !isOver(change, await deps.changes.recent(change, CHANGES_READ))) continue;
      // Said first and forgotten then: the same again is known by its episode.
      await endFailedDeploy(deps, change, failedAt, randomBytes(16).toString('hex'));
      await deps.changes.endFailure(change.id);
    } catch (error) {
      deps.log.error('that a failed deploy is over could not be said', { change: change.id, error: String(error) });
    }
  }
}

const isAt = (change: Place, { service, environment }: Place): boolean =>
  change.service === service && change.environment === environment;

const isOver = (failed: Change, recent: readonly Change[]): boolean =>
  failed.status !== 'failed' ||
  recent.some(
    (other) =>
      other.status === 'succeeded' &&
      (putsVersionLive(other) || other.kind === failed.kind) &&
      byStart(other, failed) > 0,
  );
