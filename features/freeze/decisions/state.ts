import type { Freeze, FreezeScope, FreezeView } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { CheckedScope } from '../types.ts';

type Times = Pick<Freeze, 'cause' | 'starts_at' | 'until' | 'ended_at'>;

/**
 * Returns the state of a freeze. `over`: from its planned end on, or once it was ended. An unplanned freeze is in force
 * as soon as it is stored, even if its start is slightly in the future because of clock differences.
 */
export function stateAt({ cause, starts_at, until, ended_at }: Times, at: Timestamp): FreezeView['state'] {
  if (ended_at !== null || (until !== null && until <= at)) return 'over';
  const isPlanned = cause === 'calendar' || cause === 'person';
  return isPlanned && at < starts_at ? 'scheduled' : 'in_force';
}

export const viewOf = (freeze: Freeze, at: Timestamp): FreezeView => ({ ...freeze, state: stateAt(freeze, at) });

/** Returns whether the scope covers the service and environment. */
export const covers = (scope: FreezeScope, { service, environment, team }: CheckedScope): boolean =>
  (scope.service === null || scope.service === service) &&
  (scope.environment === null || scope.environment === environment) &&
  (scope.team === null || scope.team === team);

/**
 * Returns whether a person ended the freeze while its cause may continue. A freeze that ends automatically is settled
 * immediately.
 */
export const isLifted = ({ ended_at, settled_at }: Pick<Freeze, 'ended_at' | 'settled_at'>): boolean =>
  ended_at !== null && settled_at === null;

/** Returns the freeze in force by the spent budget of an objective, which covers a freeze by its burn rate. */
export const coveringFreeze = (slo: string, freezes: readonly Freeze[], at: Timestamp): Freeze | undefined =>
  freezes.find((freeze) => freeze.cause === 'budget' && freeze.slo === slo && stateAt(freeze, at) === 'in_force');

/** Actors other than people that open and end freezes. */
export const EVALUATION = 'evaluation';
export const CALENDAR = 'calendar';
