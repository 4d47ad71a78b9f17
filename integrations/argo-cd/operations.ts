import type { Application, Operation, OperationState } from './application.ts';
import { broughtBy, broughtByState, type Deployment, nameOf } from './deployments.ts';

/** The operation that an application is at. There is one at a time. */
export type UnderWay = { by: string; brings: Deployment | undefined };

export function underWay(application: Application): UnderWay | undefined {
  const { operation, status } = application;
  const state = status.operationState;
  if (state && (state.phase === 'Running' || state.phase === 'Terminating'))
    return { by: starterOf(state.operation), brings: broughtByState(application, state) };
  // It is only asked for as yet: the state, if there is one, is that of the last.
  return operation ? { by: starterOf(operation), brings: broughtBy(application, operation) } : undefined;
}

const starterOf = ({ initiatedBy }: Operation): string =>
  initiatedBy?.automated === true ? 'automated sync' : initiatedBy?.username || 'somebody';

export const describe = ({ by, brings }: UnderWay): string =>
  `a sync by ${by}${brings === undefined || brings.revisions.length === 0 ? '' : ` to ${nameOf(brings)}`}`;

/** It came to an end, and not to a good one. */
export const hasFailed = ({ phase }: OperationState): boolean => phase === 'Failed' || phase === 'Error';

/** What it says, and of which objects it says more; those that went well are many. */
export function failureOf({ phase, message, syncResult }: OperationState): string {
  const bad = (syncResult?.resources ?? []).filter(
    ({ status, hookPhase }) => status === 'SyncFailed' || hookPhase === 'Failed' || hookPhase === 'Error',
  );
  const each = bad
    .slice(0, 3)
    .map(({ kind, name, message: why }) => `${kind ?? ''} ${name ?? ''}: ${why ?? ''}`.trim());
  const said = [message, ...each].filter(Boolean).join('; ');
  return said === '' ? `it ended as ${phase}` : said;
}
