import type { Clock } from '../../domain/ports/system.ts';
import type { TargetResponse } from '../../domain/rollback/targets.ts';
import { truncate } from '../shared/text.ts';
import { type Application, newestId } from './application.ts';
import { broughtByState, contentOf, type Deployment, historyOf, nameOf, runningIn } from './deployments.ts';
import { type RollbackHandle, writeHandle } from './handle.ts';
import { isFresh, settled } from './health.ts';
import { MESSAGE_MAX_CHARS } from './limits.ts';
import { describe, failureOf, hasFailed, operationInProgress } from './operations.ts';
import type { Calls } from './rest.ts';

/** Returns the handle of a rollback to `target`. */
export const handleFor = (application: Application, target: Deployment & { id: number }): RollbackHandle => ({
  by: 'rollback',
  id: target.id,
  revisions: target.revisions,
  content: contentOf(target),
  after: newestId(application),
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
  seen?: Application,
): Promise<TargetResponse> {
  const application = seen ?? (await calls.application());
  const answer = outcomeOf(application, handle);
  if (answer !== 'synced') return answer;
  const fresh = isFresh(application) ? application : await calls.application({ refresh: true });
  const again = outcomeOf(fresh, handle);
  if (again !== 'synced') return again;
  return settled(fresh, { before: handle.health, goesOn: inProgress(handle), id: String(handle.id), clock });
}

/**
 * Returns the state of the rollback. Argo CD operations can't carry a key, so an operation is identified by its
 * content: an operation with the same content counts as this rollback, and an operation with other content supersedes
 * it.
 */
function outcomeOf(application: Application, handle: RollbackHandle): TargetResponse | 'synced' {
  if (isOlder(application.metadata.resourceVersion, handle.version)) return inProgress(handle);
  const isOurs = (deployment: Deployment | undefined) =>
    deployment !== undefined && contentOf(deployment) === handle.content;
  const running = runningIn(application);
  const operation = operationInProgress(application);
  if (operation && isOurs(operation.brings)) return inProgress(handle);
  if (operation) return isOurs(running) ? superseded(operation.brings, operation) : replaced(describe(operation));

  const last = application.status.operationState;
  if (last && hasFailed(last) && isOurs(broughtByState(application, last)))
    return { kind: 'failed', detail: truncate(failureOf(last), MESSAGE_MAX_CHARS) };
  if (isOurs(running)) return 'synced';
  const later = historyOf(application).filter(({ id }) => id !== null && id > (handle.after ?? -1));
  if (running !== undefined && later.some(isOurs)) return { kind: 'superseded', current: nameOf(running) };
  return replaced(running === undefined ? 'nothing' : `a sync to ${nameOf(running)}`);
}

const superseded = (brings: Deployment | undefined, operation: Parameters<typeof describe>[0]): TargetResponse => ({
  kind: 'superseded',
  current: brings === undefined ? describe(operation) : nameOf(brings),
});

const replaced = (what: string): TargetResponse => ({
  kind: 'failed',
  detail: `Argo CD no longer shows the rollback: ${what} replaced it before it ended`,
});

/** Compares resource versions that are numbers, as in practice in Kubernetes. Other versions can't be compared. */
function isOlder(seen: string | null | undefined, than: string | null): boolean {
  if (!seen || than === null || !/^\d+$/.test(seen) || !/^\d+$/.test(than)) return false;
  return BigInt(seen) < BigInt(than);
}
