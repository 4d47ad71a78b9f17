import { usageError } from '../outcome.ts';
import { acknowledge, runAcknowledge } from './acknowledge.ts';
import { answer, runAnswer } from './approval.ts';
import { pause, resume, runPause, runResume, switchAutomation, runSwitchAutomation } from './automation.ts';
import { declare, runDeclare } from './declare.ts';
import { canaries, canaryButtons, canaryCommand, runCanaries, runCanary, runCanaryButton } from './canary.ts';
import { deploys, runDeploys } from './deploys.ts';
import { flagOn, runFlagOn } from './flags.ts';
import { liftFreeze, runLiftFreeze } from './freeze/lift.ts';
import { openFreeze, runOpenFreeze } from './freeze/open.ts';
import { approveOverride, runApproveOverride, runOverrideFreeze, overrideFreeze } from './freeze/override.ts';
import { freezeStatus, runFreezeStatus } from './freeze/status.ts';
import { resolve, runResolve } from './resolve.ts';
import { assign, runAssign, handover, runHandover, leave, runLeave, roles, runRoles, take, runTake } from './roles.ts';
import { confirmRollback, rollback, runConfirmRollback, runRollback } from './rollback.ts';
import { runSeverity, severity } from './severity.ts';
import { list, runList, productStatus, runProductStatus, runSoFar, runStatus, soFar, status } from './status.ts';
import { clearSuspect, runClearSuspect, restoreSuspect, runRestoreSuspect } from './suspects.ts';
import { note, pin, runPinReaction, runPin, pinReaction, runNote } from './timeline.ts';
import { runUpdate, update } from './update.ts';
import type { IncidentVerb, Run, RunInIncident, Verb } from './verb.ts';

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
  rollback,
  freeze_status: freezeStatus,
  freeze_open: openFreeze,
  freeze_lift: liftFreeze,
  freeze_override: overrideFreeze,
  deploys,
  firebreak_status: productStatus,
  canaries,
  canary: canaryCommand,
  canary_button: canaryButtons,
  pause,
  resume,
  answer,
  switch: switchAutomation,
  not_the_deploy: clearSuspect,
  suspect_again: restoreSuspect,
  turn_flag_on: flagOn,
  roll_back: confirmRollback,
  approve_override: approveOverride,
  pin,
  pin_reaction: pinReaction,
  so_far: soFar,
  usage,
};
/** The name of a verb, which is stored with a request. */
export type ActionName = keyof typeof VERBS;

type RunOf<V> =
  V extends IncidentVerb<infer _, infer R> ? RunInIncident<R> : V extends Verb<infer _, infer R> ? Run<R> : never;

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
  rollback: runRollback,
  freeze_status: runFreezeStatus,
  freeze_open: runOpenFreeze,
  freeze_lift: runLiftFreeze,
  freeze_override: runOverrideFreeze,
  deploys: runDeploys,
  firebreak_status: runProductStatus,
  canaries: runCanaries,
  canary: runCanary,
  canary_button: runCanaryButton,
  pause: runPause,
  resume: runResume,
  answer: runAnswer,
  switch: runSwitchAutomation,
  not_the_deploy: runClearSuspect,
  suspect_again: runRestoreSuspect,
  turn_flag_on: runFlagOn,
  roll_back: runConfirmRollback,
  approve_override: runApproveOverride,
  pin: runPin,
  pin_reaction: runPinReaction,
  so_far: runSoFar,
  usage: async (_deps, _acting, request) => {
    throw usageError(request);
  },
};
