import type { Application, Operation, OperationState } from './application.ts';
import { broughtBy, broughtByState, type Deployment, nameOf } from './deployments.ts';

/** The running operation of an application. Argo CD runs one at a time. */
export type OperationInProgress = { by: string; brings: Deployment | undefined };

export function operationInProgress(application: Application): OperationInProgress | undefined {
  const { operation, status } = application;
  const state = status.operationState;
  if (state && (state.phase === 'Running' || state.phase === 'Terminating'))
    return { by: starterOf(state.operation), brings: broughtByState(application, state) };
  // The operation is requested but not started; `operationState`, if set, belongs to the previous operation.
  return operation ? { by: starterOf(operation), brings: broughtBy(application, operation) } : undefined;
}

const starterOf = ({ initiatedBy }: Operation): string =>
  initiatedBy?.automated === true ? 'automated sync' : initiatedBy?.username || 'an unknown user';

export const describe = ({ by, brings }: OperationInProgress): string =>
  `a sync by ${by}${brings === undefined || brings.revisions.length === 0 ? '' : ` to ${nameOf(brings)}`}`;

/** Returns whether the operation ended with a failure. */
export const hasFailed = ({ phase }: OperationState): boolean => phase === 'Failed' || phase === 'Error';

/** Returns the error message, with up to three failed objects. */
export function failureOf({ phase, message, syncResult }: OperationState): string {
  const bad = (syncResult?.resources ?? []).filter(
    ({ status, hookPhase }) => status === 'SyncFailed' || hookPhase === 'Failed' || hookPhase === 'Error',
  );
  const each = bad
    .slice(0, 3)
    .map(({ kind, name, message: why }) => `${kind ?? ''} ${name ?? ''}: ${why ?? ''}`.trim());
  const text = [message, ...each].filter(Boolean).join('; ');
  return text === '' ? `it ended as ${phase}` : text;
}
