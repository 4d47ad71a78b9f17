import type { Mode } from '../../schemas/config/names.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import type { Doubtable, Known } from '../rollback/guard.ts';
import { guardsThatApply } from '../rollback/guards.ts';
import type { KillSwitch } from '../rollback/judgement.ts';

/** Conditions that limit a step that changes production, at the current moment. */
export type StepGuards = {
  service: string;
  matched: boolean;
  guard: KillSwitch;
  incident_paused: boolean;
  one_of_many: boolean;
  demoted: boolean;
  /** Modes of the service, those set by people, and the runbook's. */
  modes: readonly Mode[];
  /** The runbook itself requires approval. */
  asks: boolean;
  /** All firing alerts come from senders that may not request actions. */
  sender_may_not_ask?: true;
  /** Absent: the step is not based on a suspect. */
  against?: Against;
  /**
   * The person who started the runbook, if the service requires a second person. Absent: started by an alert, or not
   * required.
   */
  second_to?: string;
};

/** The suspect that a step is based on, with the related facts of its latest judgement. */
export type Against = {
  change_id: string;
  /** Null: the latest judgement no longer suspects the change. */
  suspect: Doubtable | null;
  /** The policy requires more evidence than timing. */
  needs_proof: boolean;
  neighbours_unreadable: boolean;
  monitoring_failure_only: boolean;
};

/** `say`: only report what would be done. `no`: not permitted even with approval. */
export type Permission = { kind: 'act' } | { kind: 'ask' | 'say' | 'no'; reasons: Reason[] };

/**
 * Decides whether a runbook step may change production, by the same guards as a rollback. Uncertainty never permits
 * automatic action.
 */
export function permit(guards: StepGuards): Permission {
  const applied = guardsThatApply('step', knownOf(guards));
  for (const kind of ['no', 'say', 'ask'] as const) {
    const reasons = applied.flatMap((one) => (one.does === kind ? one.reasons : []));
    if (reasons.length > 0) return { kind, reasons };
  }
  return { kind: 'act' };
}

const knownOf = (guards: StepGuards): Known['step'] => ({
  suspect: undefined,
  needs_proof: false,
  neighbours_unreadable: false,
  monitoring_failure_only: false,
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
  /** The step only asks. */
  only_asks: boolean;
  guards: StepGuards;
};

/** Returns why approval is required; empty if it is not. */
export function whyAsked({ title, only_asks, guards }: QuestionInputs): Reason[] {
  if (only_asks) return [{ code: 'runbook_asks', text: `the runbook "${title}" asks for approval` }];
  const permission = permit(guards);
  return permission.kind === 'ask' ? permission.reasons : [];
}
