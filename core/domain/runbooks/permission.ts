import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { Known, StepGuards } from '../rollback/guard.ts';
import { guardsThatApply } from '../rollback/apply-guards.ts';

/** `ask`: requires approval. `say`: only report what would be done. `no`: not permitted even with approval. */
export type Permission = { kind: 'act' } | { kind: 'ask' | 'say' | 'no'; reasons: Reason[] };

/**
 * Decides whether a runbook step may change production, by the same guards as a rollback. Uncertainty never permits
 * automatic action.
 */
export function permit(guards: StepGuards): Permission {
  const applied = guardsThatApply('step', guardInputs(guards));
  for (const kind of ['no', 'say', 'ask'] as const) {
    const reasons = applied.flatMap((guard) => (guard.does === kind ? guard.reasons : []));
    if (reasons.length > 0) return { kind, reasons };
  }
  return { kind: 'act' };
}

/**
 * Returns what the guards read. The first values are those of a step that is not based on a suspect, and is not
 * counted; `against`, the suspect of a step, and `limits` replace them. `agreement` is none, so that the result says what requires approval.
 */
const guardInputs = (guards: StepGuards): Known['step'] => ({
  suspect: undefined,
  lacking: null,
  neighbours_unreadable: false,
  monitoring_failure_only: false,
  rollbacks_last_hour: 0,
  organisation_rollbacks_last_hour: 0,
  ...guards.limits,
  ...guards.against,
  ...guards,
  agreement: 'none',
  demoted_services: guards.demoted ? [guards.service] : [],
});

/** All inputs of a runbook's approval request, stored with it. */
export type QuestionInputs = {
  runbook: string;
  title: string;
  version: string;
  step: string;
  /** What the step does, as in `Act`. Absent: nothing that another decision can ask for as well. */
  does?: string;
  /** The step only asks. */
  only_asks: boolean;
  guards: StepGuards;
};

/** Returns why approval is required; empty if it is not. */
export function approvalReasons({ title, only_asks, guards }: QuestionInputs): Reason[] {
  if (only_asks) return [{ code: 'runbook_requires_approval', text: `the runbook "${title}" asks for approval` }];
  const permission = permit(guards);
  return permission.kind === 'ask' ? permission.reasons : [];
}
