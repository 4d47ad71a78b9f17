import { randomBytes } from 'node:crypto';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { succeededSince } from '../../domain/changes/versions.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { endFailedDeploy } from './report-failed-deploy.ts';
import { CHANGES_READ, GIVE_UP_SECONDS } from './overdue-deploys.ts';

export type FailureDeps = Pick<Deps, 'changes' | 'config' | 'queue' | 'clock' | 'log'>;

/**
 * Resolves the signals of failed deployments. A failure ends when a later deployment succeeds, when the deployment
 * itself succeeds after all, or after 30 days. Runs each minute, and at once when a success is recorded.
 *
 * @param only limits it to this service and environment
 */
export async function endFailures(deps: FailureDeps, only?: ServiceEnvironment): Promise<void> {
  const failures = (await deps.changes.failures()).filter(({ change }) => only === undefined || isAt(change, only));
  for (const { change, failedAt } of failures) {
    try {
      const isTooOld = plusSeconds(failedAt, GIVE_UP_SECONDS) <= deps.clock.now();
      if (!isTooOld && !isOver(change, await deps.changes.recent(change, CHANGES_READ))) continue;
      // Send the signal before deleting the record. A repeated signal is recognized by its episode.
      await endFailedDeploy(deps, change, failedAt, randomBytes(16).toString('hex'));
      await deps.changes.endFailure(change.id);
    } catch (error) {
      deps.log.error('the signal of a failed deployment could not be resolved', {
        change: change.id,
        error: String(error),
      });
    }
  }
}

const isAt = (change: ServiceEnvironment, { service, environment }: ServiceEnvironment): boolean =>
  change.service === service && change.environment === environment;

const isOver = (failed: Change, recent: readonly Change[]): boolean =>
  failed.status !== 'failed' || succeededSince(failed, recent);
