import type { Freeze } from '../../schemas/freeze.ts';
import type { CheckedChange, CheckReason } from '../../schemas/freeze-check.ts';
import type { CalendarFreeze, CheckInputs } from './check-inputs.ts';
import { type Usable, usableOverride } from './overrides.ts';

/** What lets a change through a freeze. */
export type Pass = { by: 'rollback' | 'kind' } | ({ by: 'override' } & Usable);

/** What lets it through one that is in force. Undefined: nothing does. */
export const passThrough = (freeze: CalendarFreeze, inputs: CheckInputs): Pass | undefined => {
  const exempt = exemption(inputs, freeze.passes ?? inputs.policy.passes);
  if (exempt !== undefined) return exempt;
  const usable = usableOverride(freeze, inputs, inputs.at);
  return usable && { by: 'override', ...usable };
};

/**
 * A rollback to a version known good passes everything but a pin. Other kinds are not taken on the caller's word.
 *
 * @param passes kinds that what holds it lets pass
 */
export function exemption(
  { request, rollback, identity }: CheckInputs,
  passes: readonly CheckedChange[],
): Pass | undefined {
  if (request.change === 'rollback')
    return rollback !== null && rollback.kind !== 'not_known' ? { by: 'rollback' } : undefined;
  return request.change !== 'deploy' && passes.includes(request.change) && identity?.ok === true
    ? { by: 'kind' }
    : undefined;
}

/** What has let it through, for the record. */
export function passReason(pass: Pass, { request, rollback, identity }: CheckInputs): CheckReason {
  switch (pass.by) {
    case 'rollback':
      return { code: 'known_good_rollback', text: `a rollback passes: ${rollback?.text ?? ''}` };
    case 'kind': {
      const subject = identity?.ok === true ? identity.subject : '';
      return { code: 'exempt_kind', text: `a ${nameOf(request.change)} passes by policy; ${subject} vouches for it` };
    }
    case 'override':
      return { code: 'override', text: overrideInWords(pass) };
  }
}

function overrideInWords({ freeze, override, usesLeft, again }: Usable): string {
  const yes = override.approved_by === null ? '' : `, approved by ${override.approved_by}`;
  const left = usesLeft === 1 ? '1 use' : `${usesLeft ?? 0} uses`;
  const uses =
    usesLeft === null ? '' : again ? `, which this deployment has used; ${left} left` : `, with ${left} left`;
  return `override ${override.id} of freeze ${freeze.id} by ${override.requested_by}${yes}: ${override.reason}${uses}`;
}

/**
 * Why a change of a kind that could pass does not. Undefined: it is an ordinary deploy.
 *
 * @param holding what refuses it
 */
export function notExempt(
  { request: { change }, rollback, identity, policy }: CheckInputs,
  holding: readonly Pick<CalendarFreeze, 'passes'>[],
): CheckReason | undefined {
  const reason = (text: string): CheckReason => ({ code: 'not_exempt', text: `${text}; it is judged like a deploy` });
  if (change === 'deploy') return undefined;
  if (change === 'rollback')
    return reason(rollback?.text ?? 'nothing is known of the version that this rollback goes back to');
  if (!holding.some(({ passes }) => (passes ?? policy.passes).includes(change)))
    return reason(`no ${nameOf(change)} passes here by policy ("passes" of config/freeze.yaml)`);
  if (identity?.ok === true) return reason(`no ${nameOf(change)} passes all that holds here`);
  const why = identity === null ? 'none was sent' : `the one that was sent is not accepted: ${identity.problem}`;
  return reason(`a ${nameOf(change)} passes only with an identity token of the CI system (OpenID Connect), and ${why}`);
}

const nameOf = (change: CheckedChange): string =>
  ({ deploy: 'deploy', hotfix: 'hotfix', rollback: 'rollback', security: 'security fix', flag: 'change of a flag' })[
    change
  ];

/** What to do for a deploy that cannot wait. */
export const howToOverride = ({ id }: Freeze, people: 1 | 2): string =>
  `to deploy all the same, ask for an override: firebreak freeze override ${id} --reason … ` +
  `(POST /v1/freezes/${id}/overrides)${people === 2 ? ', which a second person has to approve' : ''}`;
