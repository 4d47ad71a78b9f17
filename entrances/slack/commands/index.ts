import { usageError } from '../outcome.ts';
import { acknowledge, runAcknowledge } from './acknowledge.ts';
import { answer, runAnswer, runTest, test } from './approval.ts';
import { pause, resume, runPause, runResume, switchAutomation, runSwitchAutomation } from './automation.ts';
import { declare, runDeclare } from './declare.ts';
import { deploys, runDeploys } from './deploys.ts';
import { details, runDetails } from './details.ts';
import { flagOn, runFlagOn } from './flags.ts';
import { resolve, runResolve } from './resolve.ts';
import { reopen, runReopen } from './reopen.ts';
import { assign, runAssign, handover, runHandover, leave, runLeave, roles, runRoles, take, runTake } from './roles.ts';
import { confirmRollback, rollback, runConfirmRollback, runRollback } from './rollback.ts';
import { runSeverity, severity } from './severity.ts';
import { list, runList, productStatus, runProductStatus, runSoFar, runStatus, soFar, status } from './status.ts';
import { clearSuspect, runClearSuspect, restoreSuspect, runRestoreSuspect } from './suspects.ts';
import { note, pin, runPinReaction, runPin, pinReaction, runNote } from './timeline.ts';
import { runUpdate, update } from './update.ts';
import type { IncidentVerb, RunVerb, RunIncidentVerb, Verb } from './verb.ts';

/** Answers a command whose usage error was found only with the catalogue, after the response to Slack. */
const usage: Verb<{ because: string; nearest: string | null }> = { permission: 'incidents:read' };

/**
 * All verbs. Help, parsing, dialogs, and buttons follow from them, the help in this order. They don't refer to the functions
 * in `RUNS`, so that the bundle of the Lambda function that Slack calls, which has to start quickly, doesn't contain those.
 */
export const VERBS = {
  declare,
  list,
  status,
  severity,
  acknowledge,
  roles,
  take,
  leave,
  assign,
  handover,
  update,
  note,
  resolve,
  reopen,
  rollback,
  deploys,
  firebreak_status: productStatus,
  pause,
  resume,
  answer,
  switch: switchAutomation,
  not_the_deploy: clearSuspect,
  suspect_again: restoreSuspect,
  test_versions: test,
  turn_flag_on: flagOn,
  roll_back: confirmRollback,
  pin,
  pin_reaction: pinReaction,
  so_far: soFar,
  details,
  usage,
};
/** The name of a verb, which is stored with a request. */
export type ActionName = keyof typeof VERBS;

type RunOf<V> =
  V extends IncidentVerb<infer _, infer R> ? RunIncidentVerb<R> : V extends Verb<infer _, infer R> ? RunVerb<R> : never;

/** The functions that execute the verbs. */
export const RUNS: { [A in ActionName]: RunOf<(typeof VERBS)[A]> } = {
  declare: runDeclare,
  list: runList,
  status: runStatus,
  severity: runSeverity,
  acknowledge: runAcknowledge,
  roles: runRoles,
  take: runTake,
  leave: runLeave,
  assign: runAssign,
  handover: runHandover,
  update: runUpdate,
  note: runNote,
  resolve: runResolve,
  reopen: runReopen,
  rollback: runRollback,
  deploys: runDeploys,
  firebreak_status: runProductStatus,
  pause: runPause,
  resume: runResume,
  answer: runAnswer,
  switch: runSwitchAutomation,
  not_the_deploy: runClearSuspect,
  suspect_again: runRestoreSuspect,
  test_versions: runTest,
  turn_flag_on: runFlagOn,
  roll_back: runConfirmRollback,
  pin: runPin,
  pin_reaction: runPinReaction,
  so_far: runSoFar,
  details: runDetails,
  usage: async (_deps, _acting, request) => {
    throw usageError(request);
  },
};
