import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { candidatesOf, CLOCK_TOLERANCE_SECONDS, LONGEST_LOOK_BACK_SECONDS } from '../correlation/candidates.ts';
import type { RelatedChange } from '../correlation/evidence.ts';
import { formatDuration } from '../correlation/words.ts';
import { correlate } from '../correlation/correlate.ts';
import { isProbable } from '../correlation/words.ts';
import { type RankedSuspect } from '../correlation/ranking.ts';
import { problemStart } from '../incidents/new-onset.ts';
import { callersOf, dependenciesOf } from '../catalogue/dependencies.ts';
import { onsetOf } from '../correlation/onset.ts';
import type { Decision, DecisionInputs } from '../rollback/judgement.ts';
import type { OfferedAct } from '../rollback/offers.ts';
import { secondsOfWait, WAITS_MAX } from '../rollback/wait.ts';
import { KIND_WORDS, ofServiceText } from './change-words.ts';
import { byStart, endOf, putsVersionLive } from './versions.ts';

/** Maximum time between the onset and the alert, and maximum age of an alert on receipt. */
const ONSET_BEFORE_OPENING_SECONDS = 3600;

/** How far the clocks of different Lambda functions can be apart. */
const LAMBDA_CLOCKS_TOLERANCE_SECONDS = 60;

/**
 * Number of judgements from which a late change is listed without another judgement, because someone may be importing a
 * history.
 */
const JUDGEMENTS_MAX = 7 + WAITS_MAX;

/**
 * Returns whether a report about a change may be news for the incident's judgements: a change that they do not know, or one
 * that has ended since. A rough check: `newsOf` decides with what the newest judgement knew.
 * An incident that groups others (`group_reason`) is not judged. The first judgement knows each start that was recorded
 * before the incident.
 */
export function mayBeNews(services: Config['services'], incident: IncidentRecord, change: Change): boolean {
  return (
    incident.status !== 'resolved' &&
    incident.group_reason === undefined &&
    change.made_for !== incident.id &&
    !endedLongBefore(incident, change) &&
    (change.status !== 'started' ||
      secondsBetween(incident.opened_at, change.recorded_at) >= -LAMBDA_CLOCKS_TOLERANCE_SECONDS) &&
    (relatedTo(services, incident, change) !== null || isOfSuspect(incident, change))
  );
}

/** Returns whether a change is one of a service that the incident suspects, also if no dependency on it is declared. */
const isOfSuspect = ({ environment, suspects }: IncidentRecord, change: Change): boolean =>
  change.environment === environment && suspects.some(({ service }) => service === change.service);

const endedLongBefore = ({ opened_at }: IncidentRecord, change: Change): boolean =>
  change.status !== 'started' &&
  secondsBetween(endOf(change), opened_at) > LONGEST_LOOK_BACK_SECONDS + ONSET_BEFORE_OPENING_SECONDS;

/**
 * Returns whether the change began before the open problem of the incident. A change recorded at its start, while the incident is open,
 * began after it, for example as a fix. If it was recorded later, its clock may be wrong.
 */
function beganBefore(
  incident: Pick<IncidentRecord, 'opened_at' | 'new_onset'>,
  { started_at, recorded_at }: Change,
): boolean {
  const after = secondsBetween(problemStart(incident), started_at);
  if (after <= 0) return true;
  return after <= CLOCK_TOLERANCE_SECONDS && secondsBetween(started_at, recorded_at) > CLOCK_TOLERANCE_SECONDS;
}

/** Returns the relation of a change to the incident's service. Null: none. */
export function relatedTo(
  services: Config['services'],
  { service, environment, unmatched }: Pick<IncidentRecord, 'service' | 'environment' | 'unmatched'>,
  change: Change,
): RelatedChange | null {
  if (change.environment !== environment) return null;
  if (change.service === service) return { change, relation: 'same', distance: 0 };
  const known = unmatched === null ? [...dependenciesOf(services, service), ...callersOf(services, service)] : [];
  const found = known.find((each) => each.service === change.service);
  return found === undefined ? null : { change, relation: found.relation, distance: found.distance };
}

/**
 * What a judgement did not know about a change. `recorded_late`: the change, which can be the cause. `ended`: its end.
 * `newer`: a version of the service that was deployed after the problem began, such as a fix. `during`: another change that
 * began after the problem, which can make it worse.
 */
export type News = 'recorded_late' | 'ended' | 'newer' | 'during';

/**
 * Returns what is new about the change since a judgement with these inputs. Null: nothing that matters. A change that
 * began after the incident was opened was not recorded late, even if clocks would allow that it is the cause. A change
 * during the incident matters even if the judgement knew it, because its effect was not measured yet.
 */
export function newsOf(
  incident: Pick<IncidentRecord, 'opened_at' | 'new_onset'>,
  { evidence, targets }: Pick<DecisionInputs, 'evidence' | 'targets'>,
  related: RelatedChange,
): News | null {
  const { change, relation } = related;
  const known =
    evidence.changes.find((one) => one.change.id === change.id)?.change ??
    targets.flatMap((one) => one.changes).find(({ id }) => id === change.id);
  if (known?.status === 'started' && change.status !== 'started') return 'ended';
  if (
    known === undefined &&
    beganBefore(incident, change) &&
    candidatesOf({ ...evidence, changes: [related] }, onsetOf(evidence)).length > 0
  )
    return 'recorded_late';
  const { latest } = onsetOf(evidence);
  if (change.started_at <= latest || change.status === 'cancelled') return null;
  return known === undefined && relation === 'same' && putsVersionLive(change) ? 'newer' : 'during';
}

/** State of an incident with its newest judgement. */
export type JudgedIncident = {
  status: IncidentRecord['status'];
  number: number;
  decision: Pick<DecisionView, 'kind' | 'state' | 'wait_seconds'>;
  /** Rollback that resulted from the judgement. Absent: none has started. */
  effect?: Pick<Effect, 'state'> | undefined;
  requestedBy: DecisionInputs['request']['by'];
  /** The mitigation or the question that followed from the judgement has ended. */
  concluded: boolean;
};

export const NOT_JUDGED_APPROVED = 'not judged again, because a rollback was approved';

/** Returns why an incident is not judged again after a late change. Null: it is judged again. */
export function whyNotJudgedAgain({
  status,
  number,
  decision,
  effect,
  requestedBy: askedBy,
  concluded,
}: JudgedIncident): string | null {
  if (status === 'mitigating' || effect?.state === 'intended' || effect?.state === 'accepted')
    return 'not judged again, because a mitigation is in progress';
  if (status === 'mitigated') return 'not judged again, because the incident is mitigated';
  if (!concluded && decision.kind === 'wait') return `judged again within ${formatDuration(secondsOfWait(decision))}`;
  if (!concluded && decision.kind === 'roll_back') return 'judged again right before the rollback';
  if (!concluded && decision.kind === 'approve' && decision.state === 'approved') return NOT_JUDGED_APPROVED;
  if (!concluded && decision.state === 'waiting' && askedBy === 'person')
    return 'not judged again, because a person asked for a rollback';
  if (number >= JUDGEMENTS_MAX) return `not judged again, because the incident has been judged ${number} times`;
  return null;
}

/**
 * Returns whether a new decision concerns the same rollback as the previous one, which must not be requested or
 * executed twice.
 */
export function isSameRollback(
  before: Pick<DecisionView, 'kind' | 'target' | 'from_version' | 'to_version'>,
  now: Pick<Decision, 'target' | 'from' | 'to'>,
): boolean {
  return (
    (before.kind === 'approve' || before.kind === 'roll_back') &&
    before.from_version !== null &&
    before.target?.service === now.target?.service &&
    before.target?.environment === now.target?.environment &&
    before.from_version === now.from &&
    before.to_version === now.to
  );
}

/** A change that was recorded late and is now the most probable cause, although another one was acted upon. */
export type Contradiction = { lead: RankedSuspect; actedUpon: RankedSuspect | undefined };

/**
 * Weighs the evidence of a judgement again, together with changes that it did not know.
 *
 * @param actedUpon id of the change that was acted upon
 * @returns the most probable cause then, if it is one of `late`. Null: the judgement holds
 */
export function contradictionOf(
  { evidence }: Pick<DecisionInputs, 'evidence'>,
  late: readonly RelatedChange[],
  actedUpon: string,
): Contradiction | null {
  const { suspects } = correlate({ ...evidence, changes: [...evidence.changes, ...late] });
  const [lead] = suspects;
  if (lead === undefined || !isProbable(lead)) return null;
  return late.some(({ change }) => change.id === lead.change_id)
    ? { lead, actedUpon: suspects.find(({ change_id }) => change_id === actedUpon) }
    : null;
}

/** @example 'In doubt: the rollback of v42. Flag dark-mode was recorded only after the decision, and is …' */
export const contradictionText = (
  { service }: Pick<IncidentRecord, 'service'>,
  version: string,
  { lead: { change, confidence }, actedUpon }: Contradiction,
): string =>
  `In doubt: the rollback of ${version}. ${KIND_WORDS[change.kind]} ${change.version}${ofServiceText(change, service)} was recorded ` +
  `only after the decision, and is the more probable cause (confidence ${confidence}; ${version} ${actedUpon?.confidence ?? 0})`;

type JudgedDecision = Pick<DecisionView, 'kind' | 'state' | 'target' | 'from_version' | 'to_version' | 'offers'>;

/**
 * Returns whether an incident must be judged again after a change has ended, or a newer version was deployed: if another
 * act would be proposed now, or if the change made a waiting question pointless. `whyJudgedAgain` says when measurements alone withdraw a
 * question.
 *
 * @param known changes of the targets that the question knew, oldest first
 */
export function hasNewResult(
  before: JudgedDecision,
  now: Decision,
  changes: readonly Change[],
  known: readonly Change[],
): boolean {
  const isWaiting = before.kind === 'approve' && before.state === 'waiting';
  if (isSupersededIn(now)) return isWaiting;
  if (isWaiting && changes.some((change) => isReplacedBy(before, change, known))) return true;
  if (isSameRollback(before, now)) return false;
  if (now.kind !== 'none' && (now.from !== null || now.offers !== undefined)) return !isSameProposal(before, now);
  return isWaiting && changes.some((change) => change.status === 'cancelled' && isAskedAbout(before, change));
}

/** Returns whether a newer version runs than the one that would be rolled back, so that nothing can be asked about it. */
export const isSupersededIn = ({ kind, reasons }: Pick<Decision, 'kind' | 'reasons'>): boolean =>
  kind !== 'approve' && reasons[0]?.code === 'superseded';

/** Returns whether a change puts another version live than one that a question would roll back, after that. */
function isReplacedBy(
  { target, from_version, offers = [] }: JudgedDecision,
  change: Change,
  known: readonly Change[],
): boolean {
  if (!putsVersionLive(change) || change.status === 'failed' || change.status === 'cancelled') return false;
  const asked = [{ ...target, from_version }, ...offers];
  return asked.some((one) => {
    const { service, environment } = change;
    if (one.service !== service || one.environment !== environment || one.from_version === change.version) return false;
    const removed = known.findLast(
      (other) => other.service === service && other.environment === environment && other.version === one.from_version,
    );
    return removed !== undefined && byStart(removed, change) < 0;
  });
}

const isSameProposal = (before: JudgedDecision, now: Decision): boolean =>
  before.kind === now.kind &&
  before.from_version === now.from &&
  before.to_version === now.to &&
  before.target?.service === now.target?.service &&
  offersKey(before.offers) === offersKey(now.offers);

const offersKey = (offers: readonly OfferedAct[] = []): string =>
  offers.map(({ act, change_id, from_version, to_version }) => [act, change_id, from_version, to_version]).join(' ');

const isAskedAbout = (
  { target, from_version, offers = [] }: JudgedDecision,
  { id, service, version }: Change,
): boolean =>
  (target?.service === service && from_version === version) || offers.some(({ change_id }) => change_id === id);

/** @example 'Deploy v42 was recorded 4 min after the alert; judged again' */
export function newsText(
  incident: Pick<IncidentRecord, 'service' | 'opened_at' | 'new_onset' | 'by_hand'>,
  { change, news }: { change: Change; news: News },
  consequence: string,
): string {
  const { service, by_hand, new_onset } = incident;
  const serviceText = ofServiceText(change, service);
  const since =
    new_onset !== undefined ? 'the new problem began' : by_hand === true ? 'the incident was opened' : 'the alert';
  const seconds = Math.max(0, secondsBetween(problemStart(incident), TIME_OF[news](change)));
  const verb =
    news === 'ended' ? ENDED_VERBS[change.status] : news === 'recorded_late' ? 'was recorded' : beginningVerb(change);
  return `${KIND_WORDS[change.kind]} ${change.version}${serviceText} ${verb} ${formatDuration(seconds)} after ${since}; ${consequence}`;
}

const TIME_OF: Readonly<Record<News, (change: Change) => Timestamp>> = {
  recorded_late: ({ recorded_at }) => recorded_at,
  ended: endOf,
  newer: ({ started_at }) => started_at,
  during: ({ started_at }) => started_at,
};

/** Most changes of flags and configuration have no duration. */
const beginningVerb = ({ started_at, finished_at }: Change): string =>
  started_at === finished_at ? 'took effect' : 'began';

const ENDED_VERBS: Readonly<Record<Change['status'], string>> = {
  started: 'began',
  succeeded: 'finished',
  failed: 'failed',
  cancelled: 'was cancelled',
};
