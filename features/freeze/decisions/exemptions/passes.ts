import type { Freeze } from '../../schemas/freeze.ts';
import type { CheckedChange } from '../../schemas/checked-change.ts';
import type { CheckReason } from '../../schemas/freeze-check.ts';
import type { CalendarFreeze, CheckInputs } from '../check-inputs.ts';
import { type UsableOverride, usableOverride } from './overrides.ts';

/** Exemption that lets a change through a freeze. */
export type Pass = { by: 'rollback' | 'kind' } | ({ by: 'override' } & UsableOverride);

/** Returns the exemption from a freeze in force; undefined if there is none. */
export const exemptionFrom = (freeze: CalendarFreeze, inputs: CheckInputs): Pass | undefined => {
  const byKind = exemptionByKind(inputs, freeze.passes ?? inputs.policy.passes);
  if (byKind !== undefined) return byKind;
  const usable = usableOverride(freeze, inputs, inputs.at);
  // A use that cannot be counted is not given. One that is counted already can be given again.
  if (inputs.storageProblem !== undefined && usable?.again === false) return undefined;
  return usable && { by: 'override', ...usable };
};

/**
 * Returns the exemption for the kind of change. A rollback to a known good version passes everything but a pin. Other
 * kinds require proof of identity.
 *
 * @param passes kinds of change exempted by the freeze or the policy
 */
export function exemptionByKind(
  { request, rollback, identity }: CheckInputs,
  passes: readonly CheckedChange[],
): Pass | undefined {
  if (request.change === 'rollback')
    return rollback !== null && rollback.kind !== 'not_known' ? { by: 'rollback' } : undefined;
  return request.change !== 'deploy' && passes.includes(request.change) && identity?.ok === true
    ? { by: 'kind' }
    : undefined;
}

/** Describes the exemption for the decision record. */
export function passReason(pass: Pass, { request, rollback, identity, usedNow }: CheckInputs): CheckReason {
  switch (pass.by) {
    case 'rollback':
      return { code: 'known_good_rollback', text: `a rollback is exempt: ${rollback?.text ?? ''}` };
    case 'kind': {
      const subject = identity?.ok === true ? identity.subject : '';
      return {
        code: 'exempt_kind',
        text: `a ${kindName(request.change)} is exempt by policy`,
        more: [`identity: ${subject}`],
      };
    }
    case 'override':
      return overrideReason(pass, usedNow);
  }
}

function overrideReason(
  { freeze, override, usesLeft, again }: UsableOverride,
  usedNow: readonly string[] = [],
): CheckReason {
  const leftText = usesLeft === 1 ? '1 use left' : `${usesLeft ?? 0} uses left`;
  const when = usedNow.includes(override.id) ? 'used by this check' : 'already used by this deployment';
  return {
    code: 'override',
    text: `an override by ${override.requested_by} allows this: ${override.reason}`,
    more: [
      `override ${override.id} of freeze ${freeze.id}`,
      ...(override.approved_by === null ? [] : [`approved by ${override.approved_by}`]),
      ...(usesLeft === null ? [] : [again ? `${when}, with ${leftText}` : leftText]),
    ],
  };
}

/**
 * Explains why a change of a kind that could be exempt is not. Undefined: an ordinary deploy.
 *
 * @param refusingFreezes freezes that refuse the change
 */
export function whyNotExempt(
  { request: { change }, rollback, identity, policy }: CheckInputs,
  refusingFreezes: readonly Pick<CalendarFreeze, 'passes'>[],
): CheckReason | undefined {
  const reason = (text: string): CheckReason => ({
    code: 'not_exempt',
    text,
    more: [`this ${kindName(change)} is treated as a deploy`],
  });
  if (change === 'deploy') return undefined;
  if (change === 'rollback') return reason(rollback?.text ?? 'the target version of this rollback has no record');
  if (!refusingFreezes.some(({ passes }) => (passes ?? policy.passes).includes(change)))
    return reason(`the policy does not exempt a ${kindName(change)} here ("passes" in config/freeze.yaml)`);
  if (identity?.ok === true) return reason(`not every freeze in force here exempts a ${kindName(change)}`);
  const why = identity === null ? 'none was sent' : `the token sent is not accepted: ${identity.problem}`;
  return reason(
    `a ${kindName(change)} is exempt only with an identity token of the CI system (OpenID Connect), and ${why}`,
  );
}

const kindName = (change: CheckedChange): string =>
  ({ deploy: 'deploy', hotfix: 'hotfix', rollback: 'rollback', security: 'security fix', flag: 'feature flag change' })[
    change
  ];

/** Describes how to override the freeze for an urgent deploy. */
export const howToOverride = ({ id }: Freeze, people: 1 | 2): string =>
  `to deploy anyway, request an override: firebreak freeze override ${id} --reason … ` +
  `(POST /v1/freezes/${id}/overrides)${people === 2 ? ', which a second person must approve' : ''}`;
