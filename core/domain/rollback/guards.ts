import { killSwitchText } from '../automation/automation.ts';
import { clearingsText } from '../changes/cleared-suspects.ts';
import { whyNameUnclear } from '../changes/identified-versions.ts';
import { migrationTexts, safeLimitText, whyNotTo } from '../changes/named-version.ts';
import { migrationsIn, NONE_KNOWN_GOOD, putsVersionLive } from '../changes/versions.ts';
import { called } from '../correlation/candidates.ts';
import { MIN_CONFIDENCE_TO_ACT } from '../correlation/correlate.ts';
import { aChange, IMPROBABLE, list, probability } from '../correlation/words.ts';
import { incidentName } from '../incidents/incident-number.ts';
import { type Guard, guard, LIMITING_MODES, modeGuards } from './guard.ts';
import { asksByModeAlone } from './judgement.ts';
import { byHandReasons } from './offers.ts';
import { firstSuspectReason, suspectReason } from './reasons.ts';
import {
  CLOSED,
  ORGANISATION_ROLLBACKS_PER_HOUR,
  RELATED,
  ROLLBACKS_PER_HOUR,
  SENDER_ROLLBACKS_PER_HOUR,
  alreadyRolledBack,
  demotion,
  hasRolledBack,
  isByTime,
  isProbablyNone,
  replacing,
  serviceLimitText,
  whyNoSuspect,
} from './guard-facts.ts';
import { clockText } from '../../../schemas/time/time.ts';

/**
 * Version of the decision logic, stored with the inputs; incremented when the same inputs can have a different result.
 */
export const DECIDE_VERSION = 44;

/**
 * All guards, in the order in which their reasons are given. Before a call, only the first one that applies is given. A
 * code occurs twice if its place in this order or its text differs between the moments.
 */
export const GUARDS: readonly Guard[] = [
  // Whether the action is possible.
  guard({
    code: 'incident_closed',
    at: { call: 'quiet' },
    applies: ({ incident_open }) => !incident_open,
    text: () => CLOSED,
  }),
  guard({
    code: 'unmatched',
    at: { judgement: 'refuse', step: 'no' },
    applies: ({ matched }) => !matched,
    text: () => 'the alert does not match any service and environment of the catalogue',
  }),
  guard({
    code: 'guard_unreadable',
    at: { judgement: 'refuse', call: 'page', drill: 'withhold', step: 'no' },
    applies: ({ guard: killSwitch }) => killSwitch.state === 'unreadable' && killSwitch,
    text: ({ detail }) => `the kill switch could not be read: ${detail}`,
  }),
  guard({
    code: 'destination_unfit',
    at: { step: 'no' },
    applies: ({ reroute }) => reroute?.unfit,
    text: (why) => `traffic must not be shifted to ${why}`,
  }),
  guard({
    code: 'canary_aborted',
    at: { judgement: 'refuse' },
    applies: ({ top, evidence: { aborted_canary: aborted } }) =>
      aborted !== undefined && top?.change_id === aborted.change_id && { aborted, top },
    text: ({ aborted }) =>
      `there is nothing to roll back: Firebreak has aborted the canary of ${aborted.version}, and ${aborted.stable_version} has all traffic again`,
    also: ({ top }) => [suspectReason(top)],
  }),
  guard({
    code: 'no_confident_suspect',
    at: { judgement: 'refuse' },
    applies: (known) => (known.top === undefined || isProbablyNone(known)) && known,
    text: ({ top, evidence, found }) =>
      top === undefined
        ? whyNoSuspect(evidence, found.onset)
        : top.confidence < IMPROBABLE
          ? 'probably no known change caused this'
          : `probably no change caused this: the most likely one, ${called(top)}, has ${probability(top.confidence)}`,
    also: ({ top, found }) =>
      top === undefined
        ? found.doubts.filter(({ code }) => code !== 'no_change_near')
        : [...found.doubts, firstSuspectReason(top)],
  }),
  guard({
    code: 'not_a_deploy',
    at: { judgement: 'refuse' },
    applies: (known) =>
      known.top !== undefined &&
      !known.is_flag &&
      !isProbablyNone(known) &&
      !putsVersionLive(known.top.change) &&
      known.top.change,
    text: ({ kind }) => `the suspect is ${aChange(kind)}, which rolling back the version does not undo`,
    also: (change) => byHandReasons([change]),
  }),
  guard({
    code: 'superseded',
    at: { judgement: 'refuse' },
    applies: ({ top, request: { from } }) =>
      top !== undefined && from !== undefined && top.version !== from && { runs: top.version, from },
    text: ({ runs, from }) => `${runs} is running now instead of ${from}, the version at the time of the request`,
  }),
  guard({
    code: 'no_deployer',
    at: { judgement: 'refuse' },
    applies: ({ target, targets, is_flag }) => !is_flag && (target ?? targets[0])?.has_deployer !== true,
    text: () => 'no deployer is configured for this service and environment',
  }),
  guard({
    code: 'no_known_good_version',
    at: { judgement: 'refuse' },
    applies: ({ top, restores }) =>
      top !== undefined && putsVersionLive(top.change) && restores?.kind === 'none_known_good',
    text: () => NONE_KNOWN_GOOD,
  }),
  guard({
    code: 'rollback_not_safe',
    at: { judgement: 'refuse' },
    applies: ({ restores, request, target }) =>
      restores?.kind === 'unsafe' && target !== undefined && { restores, target, named: request.to !== undefined },
    text: ({ restores, target, named }) =>
      named
        ? whyNotTo(restores, target)
        : `${safeLimitText(restores.by)}, but the newest good version is ${restores.version}`,
  }),
  guard({
    code: 'version_indistinct',
    at: { judgement: 'refuse' },
    applies: ({ restores, target }) => restores?.kind === 'indistinct' && target !== undefined && { restores, target },
    text: ({ restores, target }) => whyNotTo(restores, target),
  }),
  ...(
    [
      ['pinned', ['pinned']],
      ['version_runs', ['runs']],
      ['version_unknown', ['unknown', 'several']],
      ['version_never_ran', ['never_ran']],
    ] as const
  ).map(([code, kinds]) =>
    guard({
      code,
      at: { judgement: 'refuse' },
      applies: ({ restores, request, target }) =>
        request.to !== undefined &&
        target !== undefined &&
        kinds.map((kind) => restores?.kind === kind && { restores, target }).find(Boolean),
      text: ({ restores, target }) => whyNotTo(restores, target),
    }),
  ),
  guard({
    code: 'superseded',
    at: { judgement: 'report' },
    applies: ({ target, top, is_flag, beyond }) =>
      !is_flag && beyond === null && target !== undefined && top !== undefined && replacing(target.changes, top.change),
    text: ({ live, suspect }) =>
      `${live.version} was ${live.kind === 'rollback' ? 'restored' : 'deployed'} since, so ${suspect} is no longer running`,
  }),
  guard({
    code: 'recorded_late',
    at: { judgement: 'report', step: 'ask' },
    unless: 'requested',
    applies: ({ suspect }) => suspect?.approvalReasons.find(({ code }) => code === 'recorded_late'),
    text: ({ text }) => text,
  }),

  // How certain it is that undoing this change helps, and does no harm.
  guard({
    code: 'migration_in_deploy',
    at: { judgement: 'ask' },
    applies: ({ restores }) => restores?.kind === 'version' && migrationsIn(restores.undoes).known[0],
    text: (change) => list(migrationTexts([change])),
  }),
  guard({
    code: 'migration_unknown',
    at: { judgement: 'ask' },
    applies: ({ restores, target }) => {
      if (restores?.kind !== 'version' || target?.policy.unknownMigration === 'act') return null;
      const { known, unknown } = migrationsIn(restores.undoes);
      return known.length === 0 && unknown.at(-1);
    },
    text: (change) => list(migrationTexts([change])),
  }),
  guard({
    code: 'version_name_moved',
    at: { judgement: 'ask' },
    applies: ({ restores, target }) => {
      if (restores?.kind !== 'version' || target === undefined) return null;
      return whyNameUnclear(target.changes, restores.version, { namesOnly: target.names_only === true });
    },
    text: (text) => text,
  }),
  guard({
    code: 'already_rolled_back',
    at: { judgement: 'ask' },
    applies: ({ target, top, restores }) =>
      target !== undefined &&
      top !== undefined &&
      restores?.kind === 'version' &&
      alreadyRolledBack(target.changes, top.change, restores.version) &&
      top,
    text: ({ version }) => `${version} was already rolled back before, so another rollback may start a loop`,
  }),
  guard({
    code: 'rate_limited',
    at: { judgement: 'ask' },
    applies: ({ target }) =>
      target !== undefined && target.rollbacks_last_hour >= ROLLBACKS_PER_HOUR && target.rollbacks_last_hour,
    text: serviceLimitText,
  }),
  guard({
    code: 'rate_limited',
    at: { step: 'ask' },
    applies: ({ rollbacks_last_hour: count }) => count >= ROLLBACKS_PER_HOUR && count,
    text: serviceLimitText,
  }),
  guard({
    code: 'organisation_limit',
    at: { judgement: 'ask', record: 'judge_again', step: 'ask' },
    unless: 'approved',
    applies: ({ organisation_rollbacks_last_hour: count }) => count >= ORGANISATION_ROLLBACKS_PER_HOUR && count,
    text: (count) =>
      `all services had ${count} automatic rollbacks and runbooks in the last hour, and the limit without approval is ${ORGANISATION_ROLLBACKS_PER_HOUR}`,
  }),
  guard({
    code: 'sender_limit',
    at: { judgement: 'ask', record: 'judge_again', step: 'ask' },
    unless: 'approved',
    applies: ({ sender_rollbacks_last_hour: count = 0 }) => count >= SENDER_ROLLBACKS_PER_HOUR && count,
    text: (count) =>
      `alerts of the same sender led to ${count} automatic rollbacks and runbooks in the last hour, and the limit without approval is ${SENDER_ROLLBACKS_PER_HOUR}`,
  }),

  // What automation may do.
  ...modeGuards((mode) => ({ judgement: mode }), 'in mode'),
  ...LIMITING_MODES.map((mode) =>
    guard({
      code: 'runbook_mode',
      at: { judgement: mode },
      applies: ({ request }) => request.mode === mode,
      text: () => `the runbook is in mode ${mode}`,
    }),
  ),
  guard({
    code: 'paused',
    at: { judgement: 'suggest', call: 'page', drill: 'withhold', step: 'say' },
    applies: ({ guard: killSwitch }) => killSwitch.state === 'read' && killSwitch.paused && killSwitch,
    text: killSwitchText,
  }),
  guard({
    code: 'incident_paused',
    at: { judgement: 'suggest', call: 'page', step: 'say' },
    unless: 'requested',
    applies: ({ incident_paused }) => incident_paused,
    text: () => 'a person paused the automation of this incident',
  }),
  guard({
    code: 'sender_lacks_scope',
    at: { judgement: 'suggest', step: 'say' },
    byPolicy: true,
    applies: ({ sender_lacks_scope }) => sender_lacks_scope,
    text: () => 'the token that sent the alerts lacks the scope rollback:request, so a rollback is only suggested',
  }),
  guard({
    code: 'not_requested',
    at: { judgement: 'suggest' },
    byPolicy: true,
    applies: ({ sender_lacks_scope, request, monitoring_failure_only: unmeasured }) =>
      sender_lacks_scope !== true && request.by === 'none' && { alert: unmeasured ? 'measured alert' : 'alert' },
    text: ({ alert }) => `no ${alert} requests a rollback (label action: auto-rollback)`,
  }),
  guard({
    code: 'decided_elsewhere',
    at: { judgement: 'suggest' },
    unless: 'requested',
    byPolicy: true,
    applies: ({ top, evidence, group_incidents: others = [] }) =>
      top !== undefined &&
      top.change.service !== evidence.service &&
      others.find(({ service }) => service === top.change.service),
    text: ({ service, incident_id: id, number }) =>
      `incident ${incidentName({ id, number })} of ${service} decides about this service`,
  }),
  guard({
    code: 'runbook_requires_approval',
    at: { judgement: 'approve', step: 'ask' },
    applies: ({ requires_approval: requiresApproval }) => requiresApproval,
    text: () => 'the runbook requires approval',
  }),
  guard({
    code: 'destination_unclear',
    at: { step: 'ask' },
    applies: ({ reroute }) => reroute?.unclear,
    text: (why) => `it is not certain that the destination can take more traffic; ${why}`,
  }),
  guard({
    code: 'weights_changed',
    at: { step: 'ask' },
    applies: ({ reroute }) => reroute?.changed,
    text: (weights) => `someone else has changed the weights since: they are ${weights}`,
  }),
  guard({
    code: 'second_person',
    at: { step: 'ask' },
    applies: ({ second_to }) => second_to,
    text: (by) => `${by} started it, and a second person must approve it`,
  }),
  guard({
    code: 'suspect_cleared',
    at: { call: 'quiet' },
    // A person who approves knows of the earlier clearings.
    applies: ({ clearing, tried, agreement, decided_at: decided }) =>
      !tried &&
      clearing !== undefined &&
      (agreement === 'none' || (decided !== undefined && clearing.at > decided)) &&
      clearing,
    text: (clearing) => clearingsText([clearing]),
  }),
  ...modeGuards(() => ({ call: 'page' }), 'now in mode'),
  ...modeGuards((mode) => ({ step: mode === 'approve' ? 'ask' : 'say' }), 'in mode'),
  guard({
    code: 'first_did_not_help',
    at: { judgement: 'approve' },
    applies: ({ request }) => request.by === 'verification',
    text: () => 'the previous mitigation did not help, so the next one requires approval',
  }),
  guard({
    code: 'second_rollback',
    at: { judgement: 'approve' },
    applies: (known) => known.request.by !== 'verification' && hasRolledBack(known),
    text: () => 'this incident has already led to a rollback, so the next one requires approval',
  }),
  guard({
    code: 'one_of_many',
    at: { call: 'page' },
    unless: 'approved',
    // A judgement right before the call has taken the group into account.
    applies: ({ one_of_many, judged }) => one_of_many && judged?.kind !== 'roll_back',
    text: () => 'several services are failing at once',
  }),
  guard({
    code: 'automation_budget_spent',
    at: { judgement: 'approve', call: 'judge_again', step: 'ask' },
    unless: 'approved',
    applies: ({ demoted_services: services }) => services.length > 0 && services,
    text: ([service = '']) => demotion(service),
    also: ([, ...others]) => others.map((service) => ({ code: 'automation_budget_spent', text: demotion(service) })),
  }),
  guard({
    code: 'suspect_cleared',
    at: { judgement: 'approve' },
    applies: ({ evidence: { cleared } }) => cleared,
    // The person who cleared a suspect is working on the incident and knows more than is measured.
    text: (cleared) => clearingsText(cleared),
  }),
  guard({
    code: 'one_of_many',
    at: { judgement: 'approve' },
    applies: ({ not_explained }) => not_explained,
    text: (why) => why,
  }),
  guard({
    code: 'group_rolled_back',
    at: { judgement: 'approve', record: 'judge_again' },
    unless: 'approved',
    applies: ({ group_rolled_back }) => group_rolled_back,
    text: (by) => `incident ${by} of the same group has already rolled a service back`,
  }),
  guard({
    code: 'one_of_many',
    at: { step: 'ask' },
    applies: ({ one_of_many }) => one_of_many,
    text: () => 'several services are failing at once, so this service alone is probably not the cause',
  }),

  // How certain the suspect is.
  guard({
    code: 'onset_old',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ onset_old: why }) => why,
    text: (why) => why,
  }),
  guard({
    code: 'risen_again',
    at: { judgement: 'ask' },
    applies: ({ found, top }) => found.risen_again === true && top !== undefined && top.proof === null && found.onset,
    text: ({ at }) => `it explains how the incident got worse at ${clockText(at)}, but not how it began`,
  }),
  guard({
    code: 'clock_skew',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ suspect }) => suspect?.timing === 'clock_skew' && suspect,
    text: ({ version }) =>
      `by its record, ${version} started after the problem began; clocks may differ, or it is not the cause`,
  }),
  guard({
    code: 'deploy_failed',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ suspect }) => suspect?.status === 'failed' && suspect,
    text: ({ version }) => `the deploy of ${version} failed, so the running version is unknown`,
  }),
  guard({
    code: 'another_service',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ suspect }) => suspect?.relation !== 'same' && suspect,
    text: ({ service, relation }) => `the suspect is a change of ${service}, ${RELATED[relation]}`,
  }),
  guard({
    code: 'not_proved',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ suspect, lacking }) => suspect && lacking,
    text: (lacking) => lacking,
  }),
  guard({
    code: 'neighbours_unreadable',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ suspect, neighbours_unreadable: unreadable }) => unreadable && suspect && true,
    text: () => 'other failing services could not be read',
  }),
  guard({
    code: 'no_confident_suspect',
    at: { judgement: 'ask', step: 'ask' },
    // If many services fail at once, low confidence is a consequence of that.
    applies: (known) =>
      known.suspect === null
        ? 'gone'
        : known.suspect !== undefined &&
          known.suspect.confidence < MIN_CONFIDENCE_TO_ACT &&
          !known.one_of_many &&
          !('found' in known && isByTime(known)) &&
          known.suspect,
    text: (suspect) =>
      suspect === 'gone'
        ? 'the newest judgement no longer suspects it'
        : `its probability of ${probability(suspect.confidence)} is below ${probability(MIN_CONFIDENCE_TO_ACT)}`,
  }),
  ...(
    ['other_cause', 'one_instance', 'warming_up', 'evidence_against', 'errors_not_measured', 'weak_evidence'] as const
  ).map((doubt) =>
    guard({
      code: doubt,
      at: { judgement: 'ask', step: 'ask' },
      // If many services fail at once, they are the evidence against it.
      applies: ({ suspect, one_of_many }) => {
        if (one_of_many) return null;
        const [first, ...others] = suspect?.approvalReasons.filter(({ code }) => code === doubt) ?? [];
        return first && { first, others };
      },
      text: ({ first }) => first.text,
      also: ({ others }) => others,
    }),
  ),
  guard({
    code: 'expected_from_experiment',
    at: { judgement: 'suggest' },
    applies: ({ expected_from: experiment }) => experiment,
    text: (experiment) => `all firing alerts are expected from the experiment ${experiment}`,
  }),
  guard({
    code: 'alert_returned',
    at: { judgement: 'ask', step: 'ask' },
    applies: ({ returned_only: only }) => only,
    text: () =>
      'the alerts were reported as ended and as firing again with the same start, so it is not certain what they measure',
  }),
  guard({
    code: 'monitoring_failure',
    at: { judgement: 'suggest', step: 'ask' },
    applies: ({ monitoring_failure_only: only }) => only,
    text: () => 'the alerts report a failure of monitoring, not of the service',
  }),

  // What has happened since the judgement.
  guard({
    code: 'pinned',
    at: { call: 'page', drill: 'withhold' },
    applies: ({ pinned, to }) => pinned.includes(to) && to,
    text: (to) => `${to} is now pinned as known bad`,
  }),
  guard({
    code: 'version_name_moved',
    at: { call: 'page' },
    // Who agreed to a decision that does not say so did not know of the other commit.
    applies: ({ moved, moved_was_said: wasSaid, agreement, tried }) =>
      !tried && !(agreement !== 'none' && wasSaid) && moved,
    text: (text) => text,
  }),
  guard({
    code: 'already_done',
    at: { call: 'quiet' },
    applies: ({ done, tried }) => !tried && done,
    text: (done) => done,
  }),
  guard({
    code: 'superseded',
    at: { call: 'page' },
    // The CD system may have reported the rollback by an earlier attempt, which is no newer deploy.
    applies: ({ newer, newer_restores: restores, from, tried }) =>
      newer !== undefined && !(tried && restores) && { newer: newer.version, from },
    text: ({ newer, from }) => `${newer} was deployed in the meantime, so ${from} is no longer running`,
  }),
  guard({
    code: 'judged_otherwise',
    at: { call: 'judge_again' },
    applies: ({ judged, service, environment, from, to, approved }) => {
      if (judged === undefined) return null;
      const { target } = judged;
      const theSame =
        target?.service === service && target.environment === environment && judged.from === from && judged.to === to;
      // A question without objection suffices only if the mode alone requires approval.
      return !(theSame && (judged.kind === 'roll_back' || (approved && asksByModeAlone(judged)))) && judged.reasons;
    },
    text: ([first]) => `another judgement directly before the rollback decided against it: ${first?.text ?? ''}`,
  }),
  guard({
    code: 'already_running',
    at: { record: 'quiet' },
    applies: ({ locked_by }) => locked_by === 'this_incident',
    text: () => 'this incident is already rolling it back',
  }),
  guard({
    code: 'locked',
    at: { record: 'page' },
    applies: ({ locked_by }) => locked_by !== 'this_incident' && locked_by,
    text: (by) =>
      by === 'drill' || by === 'canary'
        ? `a ${by} is changing this target now`
        : 'another incident is changing the same target now',
  }),
  guard({
    code: 'incident_closed',
    at: { record: 'quiet' },
    applies: ({ incident_open }) => !incident_open,
    text: () => CLOSED,
  }),
];
