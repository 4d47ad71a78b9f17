import * as z from 'zod';
import { readAs } from '../parsing/read-as.ts';

/**
 * Codes of the reasons of decisions, explained in docs/explanation/engine.md. `core/domain/rollback/guards.ts` lists the guards with
 * their order and consequences.
 */
export const ReasonCode = z.enum([
  // Why a decision acts.
  'suspect',
  'requested_by_person',
  'evidence',

  // Guards.
  'unmatched',
  'guard_unreadable',
  'destination_unfit',
  'canary_aborted',
  'no_confident_suspect',
  'not_a_deploy',
  'version_name_moved',
  'superseded',
  'no_deployer',
  'no_known_good_version',
  'rollback_not_safe',
  'pinned',
  'version_runs',
  'version_unknown',
  'version_never_ran',
  'version_indistinct',
  'second_person',
  'rollback_proposed',
  'mode_shadow',
  'mode_suggest',
  'mode_approve',
  'runbook_mode',
  'runbook_requires_approval',
  'destination_unclear',
  'weights_changed',
  'paused',
  'incident_paused',
  'incident_closed',
  'sender_lacks_scope',
  'not_requested',
  'first_did_not_help',
  'second_rollback',
  'automation_budget_spent',
  'suspect_cleared',
  'one_of_many',
  'group_rolled_back',
  'decided_elsewhere',
  'monitoring_failure',
  'alert_returned',
  'expected_from_experiment',
  'migration_in_deploy',
  'migration_unknown',
  'already_rolled_back',
  'rate_limited',
  'organisation_limit',
  'sender_limit',
  'onset_old',
  'risen_again',
  'recorded_late',
  'clock_skew',
  'deploy_failed',
  'another_service',
  'other_cause',
  'one_instance',
  'warming_up',
  'evidence_against',
  'errors_not_measured',
  'weak_evidence',
  'not_proved',
  'candidates_tie',
  'version_skipped',
  'neighbours_unreadable',
  'judged_otherwise',
  'locked',
  'already_running',
  'already_done',

  // Why a decision waits.
  'errors_fall',
  'errors_grow',
  'services_recover',
  'sample_missing',
  'too_soon',

  // What a question is about.
  'candidates',
  'by_hand',

  // Evidence against every change.
  'several_fail',
  'dependency_failed_first',
  'no_change_near',
  'healthy_now',
  'healthy_just_now',
  'falling',
  'recurring',
  'rollback_did_not_help',
  'traffic_rise',
  'bad_before',
  'bad_earlier',
  'rising_before',
  'slow_rise',
  'no_step',
  'all_versions_bad',
  'no_version_bad',
  'alert_names_others',
  'alert_names_others_too',

  /** A reason that only a newer version knows; its text is complete. */
  'unknown',
]);
export type ReasonCode = z.infer<typeof ReasonCode>;

/** Reads the code of a reason, which a newer version may have written. */
export const ReadReasonCode = readAs(ReasonCode, 'unknown');

/**
 * Why something is or is not done: a code for programs and a text for people, in one clause. `more`: further facts about
 * it. Absent: none.
 */
export const Reason = z.object({ code: ReadReasonCode, text: z.string(), more: z.array(z.string()).optional() });
export type Reason = z.infer<typeof Reason>;
