import type { DecisionView, Would } from '../../schemas/incidents/incident.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import type { Mode } from '../../schemas/config/names.ts';
import { type DecisionInputs, speaksForIt } from '../rollback/judgement.ts';
import { decide } from '../rollback/rollback.ts';

/** Returns the decision as if every `shadow` mode were `act`. Undefined: no action would be possible either. */
export function withoutShadow(inputs: DecisionInputs): Would | undefined {
  const { kind, reasons } = decide({
    ...inputs,
    request: { ...inputs.request, mode: inputs.request.mode === 'shadow' ? null : inputs.request.mode },
    targets: inputs.targets.map((target) => ({
      ...target,
      policy: { ...target.policy, mode: actIfShadow(target.policy.mode) },
      modes: target.modes.map(actIfShadow),
    })),
  });
  return kind === 'none' || kind === 'shadow' ? undefined : { kind, reasons };
}

const actIfShadow = (mode: Mode): Mode => (mode === 'shadow' ? 'act' : mode);

const WOULD_TEXT: Record<Would['kind'], { done: string; why: string }> = {
  roll_back: { done: 'Would have rolled back', why: ': ' },
  approve: { done: 'Would have asked for approval before rolling back', why: ', because ' },
  suggest: { done: 'Would only have suggested rolling back', why: ', because ' },
};

/** Describes the hypothetical decision in one sentence. Undefined: unknown. */
export function shadowText({
  would,
  from_version: from,
  to_version: to,
}: Pick<DecisionView, 'would' | 'from_version' | 'to_version'>): string | undefined {
  if (would === undefined) return undefined;
  const { done, why } = WOULD_TEXT[would.kind];
  const versions = from === null ? '' : ` ${from}${to === null ? '' : ` to ${to}`}`;
  const because = new Set(reasonsOf(would).map(({ text }) => text));
  return `${done}${versions} (shadow mode)${why}${[...because].join('; ')}`;
}

/** Returns the reasons that prevent automatic action; for an automatic action, its suspected cause. */
function reasonsOf({ reasons }: Would): readonly Reason[] {
  const againstAction = reasons.filter((reason) => !speaksForIt(reason));
  return againstAction.length === 0 ? reasons : againstAction;
}
