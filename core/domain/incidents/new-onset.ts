import type { Change } from '../../../schemas/changes/change.ts';
import type { DecisionView, EarlierProblem, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { clockText, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { problemTitle } from '../alerts/incident-title.ts';
import { changeName } from '../changes/change-words.ts';
import { turnedFlagOff } from '../changes/flags.ts';
import { replacedSuspect } from '../changes/redeploy.ts';
import { isSameVersion } from '../changes/version-identity.ts';
import {
  byStart,
  effectSince,
  endOf,
  liveChanges,
  newestLiveChange,
  putsVersionLive,
  sameVersion,
} from '../changes/versions.ts';
import { isProbable } from '../correlation/words.ts';
import type { IncidentChange } from '../ports/incidents.ts';
import { numberOf } from '../rollback/question-names.ts';
import { isSameMitigation, type Mitigation } from '../rollback/verdict.ts';
import { shownEndOf } from './closing.ts';

/**
 * Seconds for which health must be within its limit after a mitigation until the problem counts as over, and then above it
 * until that counts as a new problem.
 */
export const RECOVERY_SECONDS = 120;

type Onset = NonNullable<IncidentRecord['new_onset']>;

/** State that shows whether a failure belongs to the problem that was mitigated, or is a new one. */
type Course = Pick<
  IncidentRecord,
  | 'status'
  | 'verification'
  | 'verifying'
  | 'recovered_at'
  | 'new_onset'
  | 'mitigations'
  | 'pages'
  | 'seq'
  | 'by_event'
  | 'group_reason'
  | 'opened_at'
  | 'began_at'
  | 'suspects'
  | 'earlier_problems'
> &
  Partial<Pick<IncidentRecord, 'title'>>;

/** What an incident changes to when another problem begins. */
type Begun = Pick<
  IncidentChange,
  'newOnset' | 'endedProblem' | 'recoveredAt' | 'returnedAt' | 'status' | 'suspects' | 'title'
>;

/** Returns whether nothing is being done now: only then a new problem can begin. */
const isIdle = ({ status, group_reason }: Course): boolean =>
  group_reason === undefined && (status === 'mitigated' || status === 'open');

/**
 * Returns whether a problem can end before its incident: something was mitigated, or another problem began later, and nothing is being
 * done now.
 */
const canEnd = (incident: Course): boolean =>
  isIdle(incident) && (incident.verifying !== undefined || isLaterProblem(incident));

/**
 * Returns whether the problem that is open now is another one than the first, and than the one that the newest mitigation was about:
 * that mitigation is not to blame for it.
 */
export const isLaterProblem = ({
  verifying,
  new_onset,
}: Partial<Pick<IncidentRecord, 'verifying' | 'new_onset'>>): boolean =>
  new_onset !== undefined &&
  (new_onset.after === undefined || verifying === undefined
    ? new_onset.after === verifying
    : isSameMitigation(new_onset.after, verifying));

/** Returns whether a verification has passed whose mitigation did not end the problem: it had not helped, or was about an earlier one. */
export const recoveredOtherwise = (
  incident: Partial<Pick<IncidentRecord, 'verification' | 'verifying' | 'new_onset'>>,
): boolean => incident.verification === 'passed' && (incident.verifying?.failed === true || isLaterProblem(incident));

/** Returns when a later problem ended, whose incident waits for something else. Undefined: it has not, or it is the first one. */
export const laterProblemEnd = (
  incident: Partial<Pick<IncidentRecord, 'verifying' | 'new_onset' | 'recovered_at'>>,
): Timestamp | undefined => (isLaterProblem(incident) ? incident.recovered_at : undefined);

/** Returns when the open problem began: the newest onset, else the opening of the incident. */
export const problemStart = ({
  opened_at,
  new_onset,
}: Pick<IncidentRecord, 'opened_at'> & Partial<Pick<IncidentRecord, 'new_onset'>>): Timestamp =>
  new_onset?.at ?? opened_at;

/** Returns since when the open problem lasts: since it returned, if its incident was reopened with it. */
export const presentSince = (
  incident: Pick<IncidentRecord, 'opened_at'> & Partial<Pick<IncidentRecord, 'new_onset' | 'returned_at'>>,
): Timestamp => latest(problemStart(incident), incident.returned_at);

/** Returns that time if the incident had opened before. Undefined: it has not, or its problem is over. */
export function laterStart(
  incident: Parameters<typeof presentSince>[0] &
    Pick<IncidentRecord, 'status'> &
    Partial<Pick<IncidentRecord, 'verifying' | 'recovered_at'>>,
): Timestamp | undefined {
  const { status, opened_at } = incident;
  const since = presentSince(incident);
  const isOpen = status === 'open' || status === 'mitigating';
  return isOpen && laterProblemEnd(incident) === undefined && since > opened_at ? since : undefined;
}

/** Returns the problem that is open, or was open last. */
export function openProblem(
  incident: Pick<
    IncidentRecord,
    | 'opened_at'
    | 'began_at'
    | 'new_onset'
    | 'earlier_problems'
    | 'mitigations'
    | 'suspects'
    | 'verifying'
    | 'verification'
    | 'recovered_at'
  > &
    Partial<Pick<IncidentRecord, 'title'>>,
): EarlierProblem {
  const {
    opened_at,
    began_at = opened_at,
    title,
    new_onset: onset,
    earlier_problems: earlier = [],
    mitigations,
    suspects,
  } = incident;
  const { verifying, verification, recovered_at } = incident;
  const isFirst = earlier.length === 0;
  const isMitigation = isFirst || !isLaterProblem(incident);
  return {
    at: isFirst ? began_at : problemStart(incident),
    ...(title !== undefined && { title }),
    ...(!isFirst &&
      onset?.after_change !== undefined && {
        after_change: onset.after_change.name,
        after_change_at: onset.recovered_at,
      }),
    judged: mitigations,
    suspects,
    ...(verifying !== undefined && isMitigation && { mitigation: verifying }),
    verification: isMitigation ? verification : 'not_needed',
    ...(recovered_at !== undefined && { recovered_at }),
  };
}

/** Returns the decisions about the open problem, without those about problems before it. */
export const currentDecisions = ({
  incident: { new_onset: onset },
  decisions,
}: {
  incident: Pick<IncidentRecord, 'new_onset'>;
  decisions: readonly DecisionView[];
}): readonly DecisionView[] =>
  onset === undefined
    ? decisions
    : decisions.filter(({ id, question, at }) =>
        question === undefined ? Number(numberOf(id)) > onset.judged : at >= onset.recovered_at,
      );

/**
 * Returns the change if the problem before the newest mitigation, or one that began later than the first, is over since then, or if one
 * that is being mitigated is: the deploying system can answer long after that. It has none if that is known already.
 */
export function recovered(incident: Course, since: Timestamp): Pick<IncidentChange, 'recoveredAt'> {
  const { status, verifying, new_onset: onset, recovered_at: known, group_reason: group } = incident;
  const isActing = status === 'mitigating' && group === undefined;
  if ((!canEnd(incident) && !isActing) || known !== undefined) return {};
  return { recoveredAt: latest(since, verifying?.at ?? onset?.at) };
}

/** Returns the change when something was mitigated: whatever fails is the same problem, unless no alert fires any more. */
export const mitigated = (
  {
    firing,
    signal_count: signals,
    by_event: byEvent,
    recovered_at: recoveredAt,
  }: Pick<IncidentRecord, 'firing' | 'signal_count' | 'by_event' | 'recovered_at'>,
  verifying: Mitigation & { at: Timestamp },
): Pick<IncidentChange, 'status' | 'verification' | 'verifying' | 'recoveredAt'> => ({
  status: 'mitigated',
  verification: 'pending',
  verifying,
  recoveredAt: firing <= 0 && signals > 0 && byEvent !== true ? (recoveredAt ?? verifying.at) : null,
});

/**
 * A failure after a mitigation. `recoveredAt`: when the problem before it had ended. Null: only known if it is recorded. `title`: of
 * the new problem. Absent: the incident keeps its title. `recoverySeconds`: how long a recovery must last to be known as one.
 */
type Failure = {
  since: Timestamp;
  recoveredAt: Timestamp | null;
  pages: boolean;
  title?: string | undefined;
  recoverySeconds?: number | undefined;
};

/**
 * Returns the change if a failure after a mitigation is a new problem: the one before it had ended when it began. Without a
 * mitigation in between, it must have ended for longer, because alerts also flap. Otherwise it is the same problem, which
 * therefore is not over.
 */
export function newOnset(
  incident: Course,
  { since, recoveredAt: ended, pages, title, recoverySeconds = RECOVERY_SECONDS }: Failure,
): Begun {
  const { verifying, recovered_at: known } = incident;
  const [over = ended] = [known, ended].filter((at) => at != null).toSorted();
  // What fires while it is being mitigated is the same problem, which therefore is not over.
  if (!canEnd(incident) || over == null) return known === undefined ? {} : { recoveredAt: null };
  const recovered_at = latest(over, verifying?.at);
  const calm = secondsBetween(recovered_at, since);
  if (calm < 0 || (isLaterProblem(incident) && calm < recoverySeconds)) return { recoveredAt: null };
  // An alert that ends right before the next one fires shows no recovery.
  const end = known !== undefined && known < recovered_at ? known : recovered_at;
  const endedAt = secondsBetween(end, since) >= recoverySeconds ? end : undefined;
  return begun(incident, { at: since, recovered_at, pages }, { endedAt, title });
}

/** @param known.endedAt when the problem before it had ended. Undefined: it goes on, or nothing has shown its end */
const begun = (
  incident: Course,
  { pages, ...onset }: Pick<Onset, 'at' | 'recovered_at'> & Partial<Pick<Onset, 'after_change'>> & { pages: boolean },
  { endedAt, title }: { endedAt: Timestamp | undefined; title: string | undefined },
): Begun => ({
  ...(title !== undefined && { title }),
  newOnset: {
    ...onset,
    seq: incident.seq + 1,
    judged: incident.mitigations,
    ...(incident.verifying !== undefined && {
      after: mitigationOf(incident.verifying),
      ...(pages && { pages: incident.pages }),
    }),
  },
  endedProblem: endedProblem(openProblem(incident), endedAt),
  recoveredAt: null,
  suspects: [],
  ...(incident.status === 'mitigated' && { status: 'open' as const }),
});

/** A problem that had ended after its mitigation shows that this helped, also if its verification was not over. */
function endedProblem(problem: EarlierProblem, endedAt: Timestamp | undefined): EarlierProblem {
  const { recovered_at: _, ...known } = problem;
  if (endedAt === undefined) return known;
  return {
    ...known,
    recovered_at: endedAt,
    ...(problem.verification === 'pending' && { verification: 'passed' }),
  };
}

/** Number of newest changes of a service to read, to find those since a mitigation. */
export const CHANGES_SINCE_READ = 20;

/** A new alert that is critical or pages, or with `title`, a measured failure. `since`: when it began. */
export type UrgentFailure = { since: Timestamp; pages: boolean } & (
  | { alert: Parameters<typeof problemTitle>[0][number] }
  | { title: string }
);

/**
 * Returns the change if urgent failures began after a newer change than those that the newest mitigation is about, or than the opening
 * if nothing was mitigated, or after the end of one that began before: they are another problem, even while alerts of the one before
 * it still fire. After a mitigation that did not help, they are the same problem, which goes on. Without a mitigation, the first
 * problem goes on as well, and the page that is open is about both.
 *
 * @param changes of the incident's service, and of the one that was rolled back
 */
export function newOnsetAfterChange(
  incident: Course & Pick<IncidentRecord, 'id' | 'service' | 'cleared'>,
  changes: readonly Change[],
  failures: readonly UrgentFailure[],
): Begun {
  const { verifying, verification, recovered_at: recoveredAt, service } = incident;
  if (!isIdle(incident) || (verifying !== undefined && verifying.at === undefined)) return {};
  if (verification === 'failed' && recoveredAt === undefined) return {};
  const newer = changesSince(changes, incident);
  const [first] = newer;
  const fresh = failures
    .filter(({ since }) => first !== undefined && since >= first.from)
    .toSorted((a, b) => (a.since < b.since ? -1 : 1));
  const [earliest] = fresh;
  const cause = newer.findLast(({ from }) => earliest !== undefined && from <= earliest.since);
  if (earliest === undefined || cause === undefined) return {};
  const { change, from } = cause;
  const onset = {
    at: earliest.since,
    recovered_at: from,
    after_change: {
      id: change.id,
      name: changeName(change, service),
      ...(verifying?.at !== undefined && { mitigated_at: verifying.at }),
    },
    pages: fresh.some(({ pages }) => pages),
  };
  const alerts = fresh.flatMap((one) => ('alert' in one ? one.alert : []));
  const title = 'title' in earliest ? earliest.title : problemTitle(alerts);
  return begun(incident, onset, { endedAt: recoveredAt, title });
}

/**
 * Returns the changes since the newest mitigation, or the opening, and since the newest problem, that can be the cause of another
 * problem, in the order in which they could take effect. A version that already runs is none: the deploying system reports
 * Firebreak's rollback as well. Nor is an earlier version that replaces the probable cause. A deploy that was rolling out takes
 * effect at its end, unless it is already the probable cause of the problem before.
 */
function changesSince(
  changes: readonly Change[],
  { id, opened_at, verifying, new_onset: onset, suspects, cleared }: Parameters<typeof newOnsetAfterChange>[0],
): { change: Change; from: Timestamp }[] {
  const mitigatedAt = verifying?.at ?? opened_at;
  // A version can be deployed while the rollback runs.
  const began =
    changes
      .filter(({ made_for, started_at }) => made_for === id && started_at <= mitigatedAt)
      .toSorted(byStart)
      .at(-1)?.started_at ?? mitigatedAt;
  const since = latest(began, onset?.at);
  return changes
    .filter(
      (change) =>
        change.made_for !== id &&
        change.status !== 'cancelled' &&
        change.id !== onset?.after_change?.id &&
        !(change.kind === 'flag' && turnedFlagOff(change)) &&
        !isRunning(change, changes) &&
        replacedSuspect({ suspects, cleared }, changes, change) === null,
    )
    .flatMap((change) => {
      const from = effectSince(change, since);
      if (from === null) return [];
      const isSuspected = suspects.some((suspect) => suspect.change_id === change.id && isProbable(suspect));
      if (change.started_at > since) return [{ change, from }];
      const wentLive = putsVersionLive(change) && change.status === 'succeeded' && !wasReplaced(change, changes);
      return wentLive && !isSuspected ? [{ change, from }] : [];
    })
    .toSorted((a, b) => (a.from === b.from ? byStart(a.change, b.change) : a.from < b.from ? -1 : 1));
}

/** Returns whether another version was deployed before the end of a deploy, such as by its rollback. */
const wasReplaced = (change: Change, changes: readonly Change[]): boolean =>
  liveChanges(changes).some(
    (other) => other.service === change.service && byStart(change, other) < 0 && other.started_at <= endOf(change),
  );

/** Returns whether a change deploys the version that was live before it. */
function isRunning(change: Change, changes: readonly Change[]): boolean {
  if (!putsVersionLive(change)) return false;
  const { service } = change;
  const before = newestLiveChange(changes.filter((one) => one.service === service && byStart(one, change) < 0));
  return before !== undefined && (sameVersion(before.version, change.version) || isSameVersion(before, change));
}

/**
 * Returns the change when an incident is reopened: if something was mitigated, the problem that it was about is over, and this
 * is another one. Otherwise the same problem has returned, and what is known about it still counts.
 */
export function reopenedProblem(
  incident: IncidentRecord,
  { since, pages, title }: Omit<Failure, 'recoveredAt' | 'recoverySeconds'>,
): Omit<Begun, 'status'> {
  const { resolved_at: resolvedAt, recovered_at: recoveredAt, verifying } = incident;
  const hasEnded = shownEndOf(incident) !== null;
  // A problem whose end nothing has shown has not returned: it lasts since its start.
  if (verifying === undefined) return { recoveredAt: null, ...(hasEnded && { returnedAt: since }) };
  // An alert can have begun shortly before the resolution.
  const recovered_at = resolvedAt !== null && resolvedAt < since ? resolvedAt : since;
  const isProven = hasEnded && incident.verification !== 'failed' && recovered_at !== since;
  const endedAt = recoveredAt ?? (isProven ? recovered_at : undefined);
  const { status: _, ...change } = begun(incident, { at: since, recovered_at, pages }, { endedAt, title });
  return change;
}

/** Identifies a mitigation, without its time. */
const mitigationOf = ({ number, runbook, change }: Mitigation): Mitigation => ({
  number,
  ...(runbook !== undefined && { runbook }),
  ...(change !== undefined && { change }),
});

const latest = (at: Timestamp, other: Timestamp | undefined): Timestamp =>
  other !== undefined && other > at ? other : at;

/**
 * Returns what has not begun of the newest onset, although its message was read: the run that read it has died since.
 * `isRead`: there is an onset, and its message was read.
 */
export function missedByRun({
  new_onset: onset,
  mitigations,
  pages,
  consumed_seq: consumed,
}: Pick<IncidentRecord, 'new_onset' | 'mitigations' | 'pages' | 'consumed_seq'>): {
  isRead: boolean;
  judgement: boolean;
  page: boolean;
} {
  const isRead = onset !== undefined && onset.seq <= consumed;
  return { isRead, judgement: isRead && mitigations === onset.judged, page: isRead && pages === onset.pages };
}

/** @example 'A new problem: the one before had ended at 10:05 UTC. Judged at once, with the changes since the mitigation' */
export const newOnsetText = ({ recovered_at: at, after_change: change, after }: Onset): string =>
  `A new problem: ${change === undefined ? `the one before had ended at ${clockText(at)}` : `it began after ${change.name}`}. ` +
  `Judged at once, with the changes since the ${after === undefined ? 'opening' : 'mitigation'}`;

/** Says after what another problem began. @example 'after deploy v3' */
export const onsetWords = (change: string | undefined): string => `after ${change ?? 'the recovery'}`;
