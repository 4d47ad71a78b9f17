import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { lowestMode, type Mode } from '../../schemas/config/names.ts';
import { demotion, type Doubtable, SENDER_MAY_NOT_ASK, whyUnsure } from '../rollback/guards.ts';
import type { Guard } from '../rollback/rollback.ts';

/** Conditions that limit a step that changes production, at the current moment. */
export type StepGuards = {
  service: string;
  matched: boolean;
  guard: Guard;
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
  const no = [
    ...(guards.matched
      ? []
      : [reason('unmatched', 'the alert does not match any service and environment of the catalogue')]),
    ...(guards.guard.state === 'unreadable'
      ? [reason('guard_unreadable', `the kill switch could not be read: ${guards.guard.detail}`)]
      : []),
  ];
  if (no.length > 0) return { kind: 'no', reasons: no };
  const mode = lowestMode('act', ...guards.modes);
  const say = [
    ...(guards.guard.state === 'read' && guards.guard.paused ? [reason('paused', 'the kill switch is on')] : []),
    ...(guards.incident_paused ? [reason('incident_paused', 'a person paused the automation of this incident')] : []),
    ...(guards.sender_may_not_ask === true ? [SENDER_MAY_NOT_ASK] : []),
    ...(mode === 'shadow' || mode === 'suggest' ? [reason(`mode_${mode}`, `automation is in mode ${mode}`)] : []),
  ];
  if (say.length > 0) return { kind: 'say', reasons: say };
  const ask = [
    ...(guards.asks ? [reason('runbook_asks', 'the runbook requires approval')] : []),
    ...(guards.second_to === undefined ? [] : [secondPerson(guards.second_to)]),
    ...(mode === 'approve' ? [reason('mode_approve', 'automation is in mode approve')] : []),
    ...(guards.demoted ? [demotion(guards.service)] : []),
    ...(guards.one_of_many
      ? [reason('one_of_many', 'several services are failing at once, so this service alone is probably not the cause')]
      : []),
    ...(guards.against === undefined ? [] : whyNotAgainst(guards.against, guards.one_of_many)),
  ];
  return ask.length > 0 ? { kind: 'ask', reasons: ask } : { kind: 'act' };
}

/** Returns why the suspect is not certain enough: the criteria are the same as for a rollback. */
function whyNotAgainst(against: Against, oneOfMany: boolean): Reason[] {
  const { suspect, monitoring_failure_only } = against;
  return [
    ...(suspect === null
      ? [reason('no_confident_suspect', 'the newest judgement no longer suspects it')]
      : whyUnsure(suspect, { ...against, one_of_many: oneOfMany })),
    ...(monitoring_failure_only
      ? [reason('monitoring_failure', 'the alerts report a failure of monitoring, not of the service')]
      : []),
  ];
}

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
  if (only_asks) return [reason('runbook_asks', `the runbook "${title}" asks for approval`)];
  const permission = permit(guards);
  return permission.kind === 'ask' ? permission.reasons : [];
}

const secondPerson = (by: string): Reason =>
  reason('second_person', `started by ${by}; a second person must approve it`);

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
