import type { Freeze } from '../schemas/freeze.ts';
import type { CheckReasonCode } from '../schemas/freeze-check.ts';
import { type FreezeContext, reasonCodeOf, endInWords, freezeDetails } from './freeze-explanation.ts';
import type { CalendarFreeze, CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { unusableOverrideTexts } from './exemptions/overrides.ts';
import { howToOverride, whyNotExempt, type Pass, exemptionFrom } from './exemptions/passes.ts';
import { stateAt, covers, isLifted } from './state.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { CheckedScope, ScopeState } from '../types.ts';

/** A freeze in force that affects the service and environment. */
type AppliedFreeze = {
  freeze: CalendarFreeze;
  code: CheckReasonCode;
  /** Introduction that names the owner of the freeze, if it is a dependency. */
  introduction: string;
  context: FreezeContext;
  /** Whether the freeze refuses changes without an exemption. */
  refuses: boolean;
};

/**
 * Returns findings for the freezes of the service and of its dependencies. Each finding refuses the change or names the
 * exemption that lets it through.
 */
export function freezeFindings(inputs: CheckInputs): Finding[] {
  const found = [...ownFreezes(inputs), ...dependencyFreezes(inputs)].map((applied) => ({
    holding: applied,
    finding: findingOf(applied, inputs),
  }));
  const refusing = found.filter(({ finding }) => finding.effect === 'refuse');
  const why =
    refusing.length > 0
      ? whyNotExempt(
          inputs,
          refusing.map(({ holding: applied }) => applied.freeze),
        )
      : undefined;
  return [
    ...found.map(({ finding }) => finding),
    ...(why === undefined ? [] : [{ ...why, effect: 'note' as const, key: '' }]),
  ];
}

const ownFreezes = (inputs: CheckInputs): AppliedFreeze[] =>
  freezesAt(inputs)
    .filter((freeze) => stateAt(freeze, inputs.at) === 'in_force')
    .map((freeze) => {
      const context = { at: inputs.at, policy: inputs.policy, status: statusOf(inputs.own.slos, freeze) };
      return { freeze, code: reasonCodeOf(freeze, context), introduction: '', context, refuses: true };
    });

const dependencyFreezes = (inputs: CheckInputs): AppliedFreeze[] =>
  frozenDependencies(inputs).map(({ service, freeze, slos }) => ({
    freeze,
    code: 'dependency_frozen',
    introduction: `${service}, a dependency of ${inputs.scope.service}, is frozen: `,
    context: { at: inputs.at, policy: inputs.policy, status: statusOf(slos, freeze) },
    refuses: inputs.policy.dependants === 'on',
  }));

function findingOf(applied: AppliedFreeze, inputs: CheckInputs): Finding {
  const { freeze, code, introduction, context: freezeContext, refuses } = applied;
  const pass = refuses ? exemptionFrom(freeze, inputs) : undefined;
  const more = freezeDetails(freeze, freezeContext);
  const finding = { code, key: keyOf(freeze, pass), text: `${introduction}${freeze.reason}` };
  if (!refuses) return { ...finding, effect: 'warn', more };
  if (pass !== undefined) {
    const by = pass.by === 'override' ? [`override ${pass.override.id} allows this deployment`] : [];
    return { ...finding, effect: 'warn', more: [...more, ...by], pass };
  }
  const hints = [...unusableOverrideTexts(freeze, inputs), howToOverride(freeze, inputs.policy.overrides.people)];
  return { ...finding, effect: 'refuse', more: [...more, ...hints], clears: endInWords(freeze, freezeContext) };
}

/** Includes the reason and the end: an edit of the calendar entry changes the state that is decided upon. */
const keyOf = ({ id, reason, until }: Freeze, pass: Pass | undefined): string =>
  JSON.stringify([id, reason, until, pass === undefined ? null : pass.by === 'override' ? pass.override.id : pass.by]);

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
