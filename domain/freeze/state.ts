import type { Freeze, FreezeScope, FreezeView } from '../../schemas/freeze.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { CheckedPlace } from './ports.ts';

type Times = Pick<Freeze, 'cause' | 'starts_at' | 'until' | 'ended_at'>;

/**
 * `over` from the instant of its planned end on, or once it was ended. What is not planned holds as soon as it is on
 * record. Clocks differ, and who reads a beginning or an end that is a second ahead knows all the same that it was.
 */
export function stateAt({ cause, starts_at, until, ended_at }: Times, at: Timestamp): FreezeView['state'] {
  if (ended_at !== null || (until !== null && until <= at)) return 'over';
  const isPlanned = cause === 'calendar' || cause === 'person';
  return isPlanned && at < starts_at ? 'scheduled' : 'in_force';
}

export const viewOf = (freeze: Freeze, at: Timestamp): FreezeView => ({ ...freeze, state: stateAt(freeze, at) });

/** Whether what holds in this scope holds at the place. */
export const covers = (scope: FreezeScope, { service, environment, team }: CheckedPlace): boolean =>
  (scope.service === null || scope.service === service) &&
  (scope.environment === null || scope.environment === environment) &&
  (scope.team === null || scope.team === team);

/** Whether a person has ended it, and its cause may go on. What ends by itself is settled at once. */
export const isLifted = ({ ended_at, settled_at }: Pick<Freeze, 'ended_at' | 'settled_at'>): boolean =>
  ended_at !== null && settled_at === null;

/** Who ends and opens freezes besides people. */
export const EVALUATION = 'evaluation';
export const CALENDAR = 'calendar';
