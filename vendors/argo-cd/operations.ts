import type { Application, Operation, OperationState } from './application.ts';
import { deploymentOfOperation, deploymentOfState, type Deployment, displayName } from './deployments.ts';

/** The running operation of an application. Argo CD runs one at a time. */
export type OperationInProgress = { startedBy: string; deployment: Deployment | undefined };

export function operationInProgress(application: Application): OperationInProgress | undefined {
  const { operation, status } = application;
  const state = status.operationState;
  if (state && (state.phase === 'Running' || state.phase === 'Terminating'))
    return { startedBy: initiatorOf(state.operation), deployment: deploymentOfState(application, state) };
  // The operation is requested but not started; `operationState`, if set, belongs to the previous operation.
  return operation
    ? { startedBy: initiatorOf(operation), deployment: deploymentOfOperation(application, operation) }
    : undefined;
}

const initiatorOf = ({ initiatedBy }: Operation): string =>
  initiatedBy?.automated === true ? 'automated sync' : initiatedBy?.username || 'an unknown user';

export const describeOperation = ({ startedBy, deployment }: OperationInProgress): string =>
  `a sync by ${startedBy}${deployment === undefined || deployment.revisions.length === 0 ? '' : ` to ${displayName(deployment)}`}`;

/** Returns whether the operation ended with a failure. */
export const hasFailed = ({ phase }: OperationState): boolean => phase === 'Failed' || phase === 'Error';

/** Returns the error message, with up to three failed objects. */
export function failureOf({ phase, message, syncResult }: OperationState): string {
  const failed = (syncResult?.resources ?? []).filter(
    ({ status, hookPhase }) => status === 'SyncFailed' || hookPhase === 'Failed' || hookPhase === 'Error',
  );
  const errors = failed
    .slice(0, 3)
    .map(({ kind, name, message: why }) => `${kind ?? ''} ${name ?? ''}: ${why ?? ''}`.trim());
  const text = [message, ...errors].filter(Boolean).join('; ');
  return text === '' ? `it ended as ${phase}` : text;
}
