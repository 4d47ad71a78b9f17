import type { Reason } from '../../schemas/incident.ts';
import { lowestMode, type Mode } from '../../schemas/names.ts';
import { demotion, type Doubtable, SENDER_MAY_NOT_ASK, whyUnsure } from '../guards.ts';
import type { Guard } from '../rollback.ts';

/** What limits a step that changes production, at this moment. */
export type StepGuards = {
  service: string;
  matched: boolean;
  guard: Guard;
  incident_paused: boolean;
  one_of_many: boolean;
  demoted: boolean;
  /** The service's own, those that people have set, and the runbook's. */
  modes: readonly Mode[];
  /** The runbook itself wants to hear a person. */
  asks: boolean;
  /** All alerts that fire are of senders that may not ask for anything to be done. */
  sender_may_not_ask?: true;
  /** Absent: no suspect is the reason for it. */
  against?: Against;
  /** The person who has started the runbook, where the service wants a second one. Absent: nobody has, or it does not. */
  second_to?: string;
};

/** The suspect that is the reason for a step, and what else its newest judgement knew. */
export type Against = {
  change_id: string;
  /** Null: the newest judgement does not suspect it. */
  suspect: Doubtable | null;
  /** Policy wants more than its time to speak against it. */
  needs_proof: boolean;
  neighbours_unreadable: boolean;
  monitoring_failure_only: boolean;
};

/** `say`: it is only said what would be done. `no`: not even with a person's yes. */
export type Permission = { kind: 'act' } | { kind: 'ask' | 'say' | 'no'; reasons: Reason[] };

/** May a step of a runbook change production: by the same guards as a rollback. What is unclear never acts. */
export function permit(guards: StepGuards): Permission {
  const no = [
    ...(guards.matched ? [] : [reason('unmatched', 'the alert matches no service and environment of the catalogue')]),
    ...(guards.guard.state === 'unreadable'
      ? [reason('guard_unreadable', `the kill switch could not be read: ${guards.guard.detail}`)]
      : []),
  ];
  if (no.length > 0) return { kind: 'no', reasons: no };
  const mode = lowestMode('act', ...guards.modes);
  const say = [
    ...(guards.guard.state === 'read' && guards.guard.paused ? [reason('paused', 'the kill switch is on')] : []),
    ...(guards.incident_paused
      ? [reason('incident_paused', 'a person has paused the automation of this incident')]
      : []),
    ...(guards.sender_may_not_ask === true ? [SENDER_MAY_NOT_ASK] : []),
    ...(mode === 'shadow' || mode === 'suggest' ? [reason(`mode_${mode}`, `automation is in mode ${mode}`)] : []),
  ];
  if (say.length > 0) return { kind: 'say', reasons: say };
  const ask = [
    ...(guards.asks ? [reason('runbook_asks', 'the runbook wants a person to be for it')] : []),
    ...(guards.second_to === undefined ? [] : [secondPerson(guards.second_to)]),
    ...(mode === 'approve' ? [reason('mode_approve', 'automation is in mode approve')] : []),
    ...(guards.demoted ? [demotion(guards.service)] : []),
    ...(guards.one_of_many
      ? [reason('one_of_many', 'several services fail at once, so it is probably not this one alone')]
      : []),
    ...(guards.against === undefined ? [] : whyNotAgainst(guards.against, guards.one_of_many)),
  ];
  return ask.length > 0 ? { kind: 'ask', reasons: ask } : { kind: 'act' };
}

/** A suspect that is not sure enough to be rolled back is not sure enough for anything else to be done against it. */
function whyNotAgainst(against: Against, oneOfMany: boolean): Reason[] {
  const { suspect, monitoring_failure_only } = against;
  return [
    ...(suspect === null
      ? [reason('no_confident_suspect', 'the newest judgement does not suspect it any more')]
      : whyUnsure(suspect, { ...against, one_of_many: oneOfMany })),
    ...(monitoring_failure_only
      ? [reason('monitoring_failure', 'the monitoring failed, which says nothing about the service')]
      : []),
  ];
}

/** All that a question of a runbook depends on, as it is kept with it. */
export type QuestionInputs = {
  runbook: string;
  title: string;
  version: string;
  step: string;
  /** A step that asks and does nothing else. */
  only_asks: boolean;
  guards: StepGuards;
};

/** Why a person is asked; none when nobody has to be. */
export function whyAsked({ title, only_asks, guards }: QuestionInputs): Reason[] {
  if (only_asks) return [reason('runbook_asks', `the runbook "${title}" asks`)];
  const permission = permit(guards);
  return permission.kind === 'ask' ? permission.reasons : [];
}

const secondPerson = (by: string): Reason =>
  reason('second_person', `started by ${by}; a second person has to approve it`);

const reason = (code: string, text: string): Reason => ({ code, text });
