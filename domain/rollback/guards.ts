import type { Change } from '../../schemas/changes/change.ts';
import { lowestMode, type Version } from '../../schemas/config/names.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { clearingsText, activeClearings } from '../changes/cleared-suspects.ts';
import { whyNotTo } from '../changes/named-version.ts';
import { newestLiveChange, byStart, migrationsIn, NONE_KNOWN_GOOD, putsVersionLive } from '../changes/versions.ts';
import { MIN_CONFIDENCE_TO_ACT, MIN_CONFIDENCE_TO_ASK, type RankedSuspect } from '../correlation/correlate.ts';
import { newestNotWeighed } from '../correlation/candidates.ts';
import type { Evidence } from '../correlation/evidence.ts';
import type { Onset } from '../correlation/onset.ts';
import { aChange, probability } from '../correlation/words.ts';
import {
  type Consequences,
  type Guard,
  guard,
  type Known,
  LIMITING_MODES,
  type LimitingMode,
  type Moment,
  type Stop,
} from './guard.ts';
import { asksByModeAlone } from './judgement.ts';
import { byHandReasons, leadersOf } from './offers.ts';
import { suspectReason } from './reasons.ts';

/**
 * Version of the decision logic, stored with the inputs; incremented when the same inputs can have a different result.
 */
export const DECIDE_VERSION = 16;

/**
 * Maximum number of rollbacks and counted runbooks of one service and environment per hour; beyond it, a person is asked. A
 * runbook counts once, however many changes it makes.
 */
export const ROLLBACKS_PER_HOUR = 3;

/** Maximum for all services together: an error of Firebreak is more likely than so many bad deploys within an hour. */
export const ORGANISATION_ROLLBACKS_PER_HOUR = 10;

/** Maximum for alerts of one token, so that it can't use up the limit of all. */
export const SENDER_ROLLBACKS_PER_HOUR = 5;

const serviceLimitText = (count: number): string =>
  `this service had ${count} rollbacks and runbooks in the last hour, and the limit without approval is ${ROLLBACKS_PER_HOUR}`;

const RELATED: Readonly<Record<RankedSuspect['relation'], string>> = {
  same: 'the service itself',
  dependency: 'a dependency of this service',
  shared: 'a dependency of this service',
  caller: 'which calls this service',
  undeclared: 'which the catalogue declares neither as a dependency nor as a caller of this service',
};

/** Returns a guard for each mode, which applies if that mode is the lowest one. */
const modeGuards = <M extends 'judgement' | 'call' | 'step'>(
  at: (mode: LimitingMode) => { [K in M]: Consequences[K] },
  words: string,
): Guard[] =>
  LIMITING_MODES.map((mode) =>
    guard<M, true>({
      code: `mode_${mode}`,
      at: at(mode),
      unless: 'requested',
      byPolicy: true,
      applies: (known: Known['judgement' | 'call' | 'step']) =>
        lowestMode('act', ...known.modes) === mode && !(mode === 'approve' && 'approved' in known && known.approved),
      text: () => `automation is ${words} ${mode}`,
    }),
  );

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
        : `probably no change caused this: the most likely one, ${top.version}, has ${probability(top.confidence)}`,
    also: ({ top, found }) =>
      top === undefined
        ? found.doubts.filter(({ code }) => code !== 'no_change_near')
        : [...found.doubts, suspectReason(top)],
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
        : `${restores.by.version} can be rolled back no further than ${restores.by.rollback_safe_to} (rollback_safe_to), but the newest good version is ${restores.version}`,
  }),
  ...(
    [
      ['pinned', 'pinned'],
      ['version_runs', 'runs'],
      ['version_unknown', 'unknown'],
      ['version_never_ran', 'never_ran'],
    ] as const
  ).map(([code, kind]) =>
    guard({
      code,
      at: { judgement: 'refuse' },
      applies: ({ restores, request, target }) =>
        restores?.kind === kind && request.to !== undefined && target !== undefined && { restores, target },
      text: ({ restores, target }) => whyNotTo(restores, target),
    }),
  ),
  guard({
    code: 'superseded',
    at: { judgement: 'report' },
    applies: ({ target, top, is_flag, beyond }) =>
      !is_flag && beyond === null && target !== undefined && top !== undefined && replacing(target.changes, top.change),
    text: ({ live, suspect }) => `${live} was deployed since, so ${suspect} is no longer running`,
  }),

  // How certain it is that undoing this change helps, and does no harm.
  guard({
    code: 'migration_in_deploy',
    at: { judgement: 'ask' },
    applies: ({ restores }) => restores?.kind === 'version' && migrationsIn(restores.undoes).known[0],
    text: ({ version }) => `${version} has a migration, so the old version may not work with the migrated data`,
  }),
  guard({
    code: 'migration_unknown',
    at: { judgement: 'ask' },
    applies: ({ restores, target }) => {
      if (restores?.kind !== 'version' || target?.policy.unknownMigration === 'act') return null;
      const { known, unknown } = migrationsIn(restores.undoes);
      return known.length === 0 && unknown.at(-1);
    },
    text: ({ version }) => `it is unknown whether ${version} has a migration (has_migration was not recorded)`,
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
    applies: ({ guard: killSwitch }) => killSwitch.state === 'read' && killSwitch.paused,
    text: () => 'the kill switch is on',
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
    applies: ({ sender_lacks_scope, request }) => sender_lacks_scope !== true && request.by === 'none',
    text: () => 'no alert requests a rollback (label action: auto-rollback)',
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
    text: ({ service, incident_id: id }) => `incident ${id} of ${service} decides about this service`,
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
    code: 'risen_again',
    at: { judgement: 'ask' },
    applies: ({ found, top }) => found.risen_again === true && top !== undefined && top.proof === null && found.onset,
    text: ({ at }) => `it explains how errors rose again at ${at.slice(11, 16)} UTC, but not how the incident began`,
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
  ...(['other_cause', 'evidence_against', 'errors_not_measured', 'weak_evidence'] as const).map((doubt) =>
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
    code: 'already_done',
    at: { call: 'quiet' },
    applies: ({ done, tried }) => !tried && done,
    text: (done) => done,
  }),
  guard({
    code: 'superseded',
    at: { call: 'page' },
    // The CD system may have reported the rollback by an earlier attempt, which is no newer deploy.
    applies: ({ newer, from, to, tried }) =>
      newer !== undefined && !(tried && newer.version === to) && { newer: newer.version, from },
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

/** A guard that applies, with its consequence, and its reason followed by those that explain it. */
export type Applied<M extends Moment> = { does: Consequences[M]; reasons: Reason[] };

/** Reads all guards of a moment, in order. */
export const guardsThatApply = <M extends Moment>(moment: M, known: Known[M]): Applied<M>[] =>
  GUARDS.flatMap(({ at, read }) => {
    const does = at[moment];
    if (does === undefined) return [];
    const reasons = read(known);
    return reasons.length === 0 ? [] : [{ does, reasons }];
  });

/** Returns the reason of the first guard that stops a rollback or a drill before its call. */
export const whyStopped = <M extends 'call' | 'record' | 'drill'>(moment: M, known: Known[M]): Reason | undefined =>
  guardsThatApply(moment, known)[0]?.reasons[0];

/** Returns what follows when a rollback was stopped with this code. */
export const afterStop = (code: ReasonCode): Stop =>
  GUARDS.flatMap((one) => (one.code === code ? [one.at.call ?? one.at.record] : [])).find((stop) => stop) ?? 'page';

/** Returns whether a reason is a choice of people about automation, which pages no one. */
export const isPolicy = (code: ReasonCode): boolean => GUARDS.some((one) => one.code === code && one.byPolicy);

const CLOSED = 'the incident was resolved in the meantime';

/** Returns whether the incident has already led to a rollback, automatic or not. */
const hasRolledBack = ({ evidence: { changes, incident_id } }: Known['judgement']): boolean =>
  changes.some(({ change }) => change.rolled_back_by === incident_id);

const demotion = (service: string): string =>
  `automation of ${service} was wrong too often, and asks until a person sets its mode again`;

/**
 * Returns whether the leading suspects together are too improbable for a question, and less probable than "no change", unless
 * the policy accepts coincidence in time.
 */
export function isProbablyNone(known: Known['judgement']): boolean {
  if (known.request.by === 'person' || isByTime(known)) return false;
  const { verdict, suspects } = known.found;
  const none = suspects.reduce((left, { confidence }) => left - confidence, 1);
  const leading = leadersOf(suspects).reduce((sum, { confidence }) => sum + confidence, 0);
  return verdict === 'no_change' || leading < Math.min(none, MIN_CONFIDENCE_TO_ASK);
}

/** Returns whether the policy accepts coincidence in time, however probable it is, and nothing else asks. */
const isByTime = ({ target, top, suspect, lacking }: Known['judgement']): boolean =>
  target?.policy.evidence === 'time' &&
  top?.proof === null &&
  lacking === null &&
  suspect?.approvalReasons.length === 0;

const whyNoSuspect = (evidence: Evidence, onset: Onset): string => {
  const { changes, incident_id, cleared, earlier_problem: earlier } = evidence;
  const when = `was rolling out or had finished shortly before the ${earlier === undefined ? '' : 'new '}problem began`;
  const wasTried = changes.some(({ change }) => change.rolled_back_by === incident_id);
  const newest = newestNotWeighed(evidence, onset);
  if (wasTried)
    return newest === null
      ? `the suspect was already rolled back, and no other change ${when}`
      : `the suspect was already rolled back, and the newest other change, ${newest}`;
  if (newest !== null) return `no change of this service or its dependencies fits the time: the newest one, ${newest}`;
  return `no ${activeClearings(cleared).length > 0 ? 'other ' : ''}change of this service or its dependencies ${when}`;
};

function replacing(changes: readonly Change[], suspect: Change): { live: Version; suspect: Version } | null {
  const live = replacement(changes, suspect);
  return live && { live: live.version, suspect: suspect.version };
}

/** Returns the newer deploy that replaced the suspect, which a rollback would remove as well. */
export function replacement(changes: readonly Change[], suspect: Change): Change | null {
  const live = newestLiveChange(changes);
  return live === undefined || live.version === suspect.version || byStart(live, suspect) < 0 ? null : live;
}

/** Returns whether the suspect's version was rolled back before, by Firebreak or by a recorded rollback. */
const alreadyRolledBack = (
  changes: readonly Change[],
  { version }: RankedSuspect['change'],
  target: Version,
): boolean =>
  changes.some(
    (change) =>
      (change.version === version && change.rolled_back_by !== null) ||
      (change.kind === 'rollback' &&
        change.previous_version === version &&
        change.version === target &&
        change.status === 'succeeded'),
  );
