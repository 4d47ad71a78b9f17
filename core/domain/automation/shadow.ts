import type { Would } from '../../../schemas/incidents/incident.ts';
import type { Mode } from '../../../schemas/config/names.ts';
import type { DecisionInputs } from '../rollback/judgement.ts';
import { decide } from '../rollback/rollback.ts';

/** Returns the decision as if every `shadow` mode were `act`. Undefined: no action would be possible either. */
export function withoutShadow({ waits_left: _waits, ...inputs }: DecisionInputs): Would | undefined {
  const { kind, reasons } = decide({
    ...inputs,
    request: { ...inputs.request, mode: inputs.request.mode === 'shadow' ? null : inputs.request.mode },
    targets: inputs.targets.map((target) => ({
      ...target,
      policy: { ...target.policy, mode: actIfShadow(target.policy.mode) },
      modes: target.modes.map(actIfShadow),
    })),
  });
  return kind === 'none' || kind === 'shadow' || kind === 'wait' ? undefined : { kind, reasons };
}

const actIfShadow = (mode: Mode): Mode => (mode === 'shadow' ? 'act' : mode);
