import type { Freeze } from '../../schemas/freeze/freeze.ts';
import type { CheckReasonCode } from '../../schemas/freeze/freeze-check.ts';
import { type FreezeContext, reasonCodeOf, endInWords, freezeInWords } from './freeze-explanation.ts';
import type { CalendarFreeze, CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { unusableOverrideTexts } from './exemptions/overrides.ts';
import { howToOverride, whyNotExempt, type Pass, exemptionFrom } from './exemptions/passes.ts';
import { freezesAt, frozenDependencies, statusOf } from './budget/freezes-in-force.ts';
import { stateAt } from './state.ts';

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
  const text = `${introduction}${freezeInWords(freeze, freezeContext)}`;
  const end = endInWords(freeze, freezeContext);
  const finding = { code, key: keyOf(freeze, pass) };
  if (!refuses) return { ...finding, effect: 'warn', text: `${text}; it ends ${end}` };
  if (pass !== undefined) {
    const by = pass.by === 'override' ? `; override ${pass.override.id} allows this deployment` : '';
    return { ...finding, effect: 'warn', text: `${text}; it ends ${end}${by}`, pass };
  }
  const hints = [
    ...unusableOverrideTexts(freeze, inputs.request, inputs.at),
    howToOverride(freeze, inputs.policy.overrides.people),
  ];
  return { ...finding, effect: 'refuse', text: [`${text}; it ends ${end}`, ...hints].join('; '), clears: end };
}

/** Includes the reason and the end: an edit of the calendar entry changes the state that is decided upon. */
const keyOf = ({ id, reason, until }: Freeze, pass: Pass | undefined): string =>
  JSON.stringify([id, reason, until, pass === undefined ? null : pass.by === 'override' ? pass.override.id : pass.by]);
