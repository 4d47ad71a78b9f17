import type { DecisionView, Reason, Would } from '../schemas/incident.ts';
import type { Mode } from '../schemas/names.ts';
import { decide, type DecisionInputs } from './rollback.ts';

/** What would be decided if every mode that is `shadow` were `act`. Undefined: nothing could be done then either. */
export function withoutShadow(inputs: DecisionInputs): Would | undefined {
  const { kind, reasons } = decide({
    ...inputs,
    asked: { ...inputs.asked, mode: inputs.asked.mode === 'shadow' ? null : inputs.asked.mode },
    targets: inputs.targets.map((target) => ({
      ...target,
      policy: { ...target.policy, mode: lifted(target.policy.mode) },
      modes: target.modes.map(lifted),
    })),
  });
  return kind === 'none' || kind === 'shadow' ? undefined : { kind, reasons };
}

const lifted = (mode: Mode): Mode => (mode === 'shadow' ? 'act' : mode);

const WOULD: Record<Would['kind'], { done: string; why: string }> = {
  roll_back: { done: 'Would have rolled back', why: ': ' },
  approve: { done: 'Would have asked before rolling back', why: ', because ' },
  suggest: { done: 'Would only have suggested to roll back', why: ', because ' },
};

/** What a decision in shadow mode would have been, in one sentence. Undefined: it is not known. */
export function wouldWords({
  would,
  from_version: from,
  to_version: to,
}: Pick<DecisionView, 'would' | 'from_version' | 'to_version'>): string | undefined {
  if (would === undefined) return undefined;
  const { done, why } = WOULD[would.kind];
  const versions = from === null ? '' : ` ${from}${to === null ? '' : ` to ${to}`}`;
  const because = new Set(reasonsOf(would).map(({ text }) => text));
  return `${done}${versions} (mode shadow)${why}${[...because].join('; ')}`;
}

/** Of a question or a suggestion, what keeps automation from acting; of an act, what it takes for the cause. */
function reasonsOf({ reasons }: Would): readonly Reason[] {
  const others = reasons.filter(({ code }) => code !== 'suspect');
  return others.length === 0 ? reasons : others;
}
