import type { Freeze } from '../../../schemas/freeze/freeze.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { CalendarFreeze, CheckInputs } from '../check-inputs.ts';
import type { CheckedScope, ScopeState } from '../../ports/freeze.ts';
import { covers, isLifted, stateAt } from '../state.ts';

/** Inputs for the freezes of a service and environment. */
type ScopeInputs = Pick<CheckInputs, 'scope' | 'own' | 'calendar' | 'incidents'>;

/**
 * Returns the effective freezes of a service and environment. Calendar and incident freezes are computed from the
 * current state: their records only add what people have done to them since. Pins are not included, because they apply
 * to one version.
 */
export function freezesAt({ scope, own, calendar, incidents }: ScopeInputs): CalendarFreeze[] {
  const records = own.freezes.filter((freeze) => covers(freeze, scope));
  const byId = new Map(records.map((freeze) => [freeze.id, freeze]));
  const computed = [...calendar, ...incidents].filter((freeze) => covers(freeze, scope));
  return [
    ...records.filter(({ cause }) => cause === 'budget' || cause === 'burn' || cause === 'person'),
    ...computed.map((freeze) => withRecordedChanges(freeze, byId.get(freeze.id))),
  ];
}

function withRecordedChanges(freeze: CalendarFreeze, record: Freeze | undefined): CalendarFreeze {
  if (record === undefined) return freeze;
  const { overrides, ended_at, ended_by, end_reason } = record;
  // A freeze whose cause was over once and returned is in force again.
  return isLifted(record) ? { ...freeze, overrides, ended_at, ended_by, end_reason } : { ...freeze, overrides };
}

/** A freeze of a dependency, with the status of its objectives. */
export type DependencyFreeze = { service: string; freeze: Freeze; slos: ScopeState['slos'] };

/**
 * Returns the freezes of dependencies. Calendar freezes of dependencies are skipped, because they say nothing about the
 * dependency's health; freezes that also cover the service itself are handled there.
 */
export function frozenDependencies({ at, scope, dependencies, policy }: CheckInputs): DependencyFreeze[] {
  if (policy.dependants === 'off') return [];
  return dependencies.flatMap(({ scope: dependency, state, incidents }) =>
    freezesOf(dependency, state, incidents)
      .filter(
        (freeze) =>
          CAUSES_ABOUT_HEALTH.includes(freeze.cause) &&
          stateAt(freeze, at) === 'in_force' &&
          covers(freeze, dependency) &&
          !covers(freeze, scope),
      )
      .map((freeze) => ({ service: dependency.service, freeze, slos: state.slos })),
  );
}

const freezesOf = (scope: CheckedScope, own: ScopeState, incidents: Freeze[] | undefined): Freeze[] =>
  incidents === undefined ? own.freezes : freezesAt({ scope: scope, own, calendar: [], incidents });

const CAUSES_ABOUT_HEALTH: readonly Freeze['cause'][] = ['budget', 'burn', 'incident', 'person'];

/** Returns the status of the objective that caused a freeze. */
export const statusOf = (slos: readonly SloStatus[], { slo }: Pick<Freeze, 'slo'>): SloStatus | undefined =>
  slo === null ? undefined : slos.find(({ id }) => id === slo);
