import type { DriftCheck, RollbackCall } from '../../core/domain/rollback/targets.ts';
import { type Application, isAutomated } from './application.ts';
import { type Deployment, isSameContent, displayName, runningIn } from './deployments.ts';
import type { Git } from './git.ts';
import { gitSourceIn } from './git-source.ts';
import { describeOperation, operationInProgress } from './operations.ts';
import type { Calls } from './rest.ts';
import { findTarget } from './versions.ts';

/**
 * Checks whether the result of a rollback still runs. Manual changes in the cluster are not detected, because the
 * application differs from Git after a rollback anyway.
 */
export async function checkDrift(calls: Calls, git: Git | undefined, request: RollbackCall): Promise<DriftCheck> {
  const application = await calls.application();
  const operation = operationInProgress(application);
  const running = runningIn(application);
  const target = findTarget(application, request);
  const isTarget = (deployment: Deployment | undefined) =>
    deployment !== undefined && target.kind === 'found' && isSameContent(deployment, target.deployment);
  if (running === undefined) return { kind: 'unknown', detail: `${application.metadata.name} was never synced` };

  if (isTarget(running)) {
    if (operation && !isTarget(operation.deployment)) return drifted(`${describeOperation(operation)} is in progress`);
    if (isAutomated(application) && application.status.sync?.status !== 'Synced')
      return drifted('automated sync is on, and will undo it');
    return { kind: 'holds' };
  }
  if (git !== undefined && isAutomated(application)) return checkRevert(application, running, git, request);
  return target.kind === 'found' ? drifted(`${displayName(running)} runs`) : { kind: 'unknown', detail: target.detail };
}

const drifted = (detail: string): DriftCheck => ({ kind: 'drifted', detail });

/** Checks a rollback by a revert in Git, which runs a commit of its own. */
async function checkRevert(
  application: Application,
  running: Deployment,
  { config, reverter }: Git,
  { key }: RollbackCall,
): Promise<DriftCheck> {
  const overwritten = drifted(`${displayName(running)} runs`);
  const source = gitSourceIn(application, config);
  const revert = 'notRevertible' in source ? null : await reverter.find({ path: source.path, key });
  if (revert === null) return overwritten;
  if ('detail' in revert) return { kind: 'unknown', detail: revert.detail };
  return revert.sha !== null && running.revisions.includes(revert.sha) ? { kind: 'holds' } : overwritten;
}
