import type { Clock } from '../../core/domain/ports/system.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import { truncate } from '../shared/text.ts';
import { type Application, newestHistoryId } from './application.ts';
import { deploymentOfState, contentHash, type Deployment, historyOf, displayName, runningIn } from './deployments.ts';
import { type RollbackHandle, writeHandle } from './handle.ts';
import { isHealthFresh, resultByHealth } from './health.ts';
import { MESSAGE_MAX_CHARS } from './limits.ts';
import { describeOperation, failureOf, hasFailed, operationInProgress } from './operations.ts';
import type { Calls } from './rest.ts';

/** Returns the handle of a rollback to `target`. */
export const handleFor = (application: Application, target: Deployment & { id: number }): RollbackHandle => ({
  by: 'rollback',
  id: target.id,
  revisions: target.revisions,
  content: contentHash(target),
  after: newestHistoryId(application),
  health: application.status.health?.status ?? null,
  version: null,
});

export const inProgress = (handle: RollbackHandle): TargetResponse => ({
  kind: 'in_progress',
  id: String(handle.id),
  handle: writeHandle(handle),
});

/** Returns the progress of a rollback. Refreshes the application if its health is older than the sync. */
export async function follow(
  calls: Calls,
  clock: Clock,
  handle: RollbackHandle,
  lastRead?: Application,
): Promise<TargetResponse> {
  const application = lastRead ?? (await calls.application());
  const response = outcomeOf(application, handle);
  if (response !== 'synced') return response;
  const refreshed = isHealthFresh(application) ? application : await calls.application({ refresh: true });
  const outcome = outcomeOf(refreshed, handle);
  if (outcome !== 'synced') return outcome;
  return resultByHealth(refreshed, {
    before: handle.health,
    progress: inProgress(handle),
    id: String(handle.id),
    clock,
  });
}

/**
 * Returns the state of the rollback. Argo CD operations can't carry a key, so an operation is identified by its
 * content: an operation with the same content counts as this rollback, and an operation with other content supersedes
 * it.
 */
function outcomeOf(application: Application, handle: RollbackHandle): TargetResponse | 'synced' {
  if (isOlderVersion(application.metadata.resourceVersion, handle.version)) return inProgress(handle);
  const isOurs = (deployment: Deployment | undefined) =>
    deployment !== undefined && contentHash(deployment) === handle.content;
  const running = runningIn(application);
  const operation = operationInProgress(application);
  if (operation && isOurs(operation.deployment)) return inProgress(handle);
  if (operation)
    return isOurs(running) ? superseded(operation.deployment, operation) : replaced(describeOperation(operation));

  const last = application.status.operationState;
  if (last && hasFailed(last) && isOurs(deploymentOfState(application, last)))
    return { kind: 'failed', detail: truncate(failureOf(last), MESSAGE_MAX_CHARS) };
  if (isOurs(running)) return 'synced';
  const later = historyOf(application).filter(({ id }) => id !== null && id > (handle.after ?? -1));
  if (running !== undefined && later.some(isOurs)) return { kind: 'superseded', current: displayName(running) };
  return replaced(running === undefined ? 'nothing' : `a sync to ${displayName(running)}`);
}

const superseded = (
  brings: Deployment | undefined,
  operation: Parameters<typeof describeOperation>[0],
): TargetResponse => ({
  kind: 'superseded',
  current: brings === undefined ? describeOperation(operation) : displayName(brings),
});

const replaced = (what: string): TargetResponse => ({
  kind: 'failed',
  detail: `Argo CD no longer shows the rollback: ${what} replaced it before it ended`,
});

/** Compares resource versions that are numbers, as in practice in Kubernetes. Other versions can't be compared. */
function isOlderVersion(lastRead: string | null | undefined, than: string | null): boolean {
  if (!lastRead || than === null || !/^\d+$/.test(lastRead) || !/^\d+$/.test(than)) return false;
  return BigInt(lastRead) < BigInt(than);
}
