import type { Freeze } from '../../schemas/freeze.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { CalendarFreeze, CheckInputs } from './check-inputs.ts';
import type { CheckedPlace, PlaceState } from './ports.ts';
import { covers, isLifted, stateAt } from './state.ts';

/** What a check reads of the freezes of a place. */
type PlaceInputs = Pick<CheckInputs, 'place' | 'own' | 'calendar' | 'incidents'>;

/**
 * The freezes of a place as they hold, those of the calendar and of incidents as they are now: their records say only
 * what people have done to them since. A pin is none of them, because it holds for one version.
 */
export function freezesAt({ place, own, calendar, incidents }: PlaceInputs): CalendarFreeze[] {
  const records = own.freezes.filter((freeze) => covers(freeze, place));
  const byId = new Map(records.map((freeze) => [freeze.id, freeze]));
  const computed = [...calendar, ...incidents].filter((freeze) => covers(freeze, place));
  return [
    ...records.filter(({ cause }) => cause === 'budget' || cause === 'burn' || cause === 'person'),
    ...computed.map((freeze) => asOnRecord(freeze, byId.get(freeze.id))),
  ];
}

function asOnRecord(freeze: CalendarFreeze, record: Freeze | undefined): CalendarFreeze {
  if (record === undefined) return freeze;
  const { overrides, ended_at, ended_by, end_reason } = record;
  // One that was over once and has come again is in force again.
  return isLifted(record) ? { ...freeze, overrides, ended_at, ended_by, end_reason } : { ...freeze, overrides };
}

/** Of a dependency, with what is known of its objectives. */
export type DependencyFreeze = { service: string; freeze: Freeze; slos: PlaceState['slos'] };

/**
 * What holds what the service depends on. A freeze that the calendar plans for others says nothing of how they are; one
 * that holds for the place itself, too, is counted there.
 */
export function frozenDependencies({ at, place, dependencies, policy }: CheckInputs): DependencyFreeze[] {
  if (policy.dependants === 'off') return [];
  return dependencies.flatMap(({ place: dependency, state, incidents }) =>
    freezesOf(dependency, state, incidents)
      .filter(
        (freeze) =>
          TELLS_OF_TROUBLE.includes(freeze.cause) &&
          stateAt(freeze, at) === 'in_force' &&
          covers(freeze, dependency) &&
          !covers(freeze, place),
      )
      .map((freeze) => ({ service: dependency.service, freeze, slos: state.slos })),
  );
}

const freezesOf = (place: CheckedPlace, own: PlaceState, incidents: Freeze[] | undefined): Freeze[] =>
  incidents === undefined ? own.freezes : freezesAt({ place, own, calendar: [], incidents });

const TELLS_OF_TROUBLE: readonly Freeze['cause'][] = ['budget', 'burn', 'incident', 'person'];

/** What is known of the objective that has caused a freeze. */
export const statusOf = (slos: readonly SloStatus[], { slo }: Pick<Freeze, 'slo'>): SloStatus | undefined =>
  slo === null ? undefined : slos.find(({ id }) => id === slo);
