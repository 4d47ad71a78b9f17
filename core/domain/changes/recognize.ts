import type { Artifact, Change } from '../../../schemas/changes/change.ts';
import type { Rollout } from '../../../schemas/changes/change-report.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { haveDifferentRevisions, isSameCommit, isSameName, nameOf } from './version-identity.ts';
import { byStart, liveChanges, newestLiveChange, putsVersionLive, sameVersion } from './versions.ts';

/** Number of changes before a reported one among which the same rollout is searched. */
export const CHANGES_SEARCHED = 50;

/** How far apart two systems may report the same rollout. */
const APART_MAX_SECONDS = 10 * 60;

/** How long a rollout without an end can be the same as one that is reported later. */
const UNFINISHED_MAX_SECONDS = 3600;

/** Sender of Firebreak's own rollbacks. */
export const FIREBREAK = 'firebreak';

/** `reported_by`: the sender. Undefined: the API, or not known. */
type Reported = Pick<Change, 'version' | 'started_at' | 'reported_version'> & {
  commit?: string | null | undefined;
  deploy_commit?: string | undefined;
  artifact?: Artifact | undefined;
  reported_by?: string | undefined;
  finished_at?: Timestamp | null | undefined;
  previous_version?: string | null | undefined;
};
/** What says which code was deployed, whenever that was. */
type Code = Omit<Reported, 'started_at'>;

/**
 * Returns the change by which another system, or Firebreak itself, has recorded the same rollout: the same version or
 * commit at about the same time, with no other version in between: what brings a version back after its rollback is a
 * rollout of its own. A report of Firebreak's own rollback needs only the name. Undefined: there is none.
 *
 * @param changes changes of the same service and environment, oldest first
 * @param reportedBy the sender of the report; undefined: the API
 */
export function sameRollout(
  changes: readonly Change[],
  reported: Reported,
  reportedBy: string | undefined,
): Change | undefined {
  const report = { ...reported, reported_by: reportedBy };
  const isSame = (other: Change): boolean =>
    isSameCode(other, report) ||
    (reportedBy === FIREBREAK && isReportOf(report, other)) ||
    (senderOf(other) === FIREBREAK && isReportOf(other, report));
  return changes.findLast(
    (other) =>
      senderOf(other) !== reportedBy &&
      putsVersionLive(other) &&
      other.status !== 'cancelled' &&
      isSame(other) &&
      other.started_at <= plusSeconds(endOf(report), APART_MAX_SECONDS) &&
      report.started_at <= plusSeconds(endOf(other), APART_MAX_SECONDS) &&
      !liveChanges(changes).some((between) => !isSame(between) && isBetween(between, other, report)),
  );
}

/**
 * Returns the change that a report of a person or a pipeline is about. Without a start: the one in progress that it ends. With one, as
 * of an annotation: the one in progress, or the one with the same end, if it is repeated. An annotation has no identity, and its start
 * can differ from that of the one before by another clock, or by rounding. A start that is repeated, or arrives after the end, is no
 * other change.
 *
 * @param changes changes of the same service and environment, oldest first
 */
export function changeReported(
  changes: readonly Change[],
  report: Code & Pick<Change, 'kind' | 'status'> & { started_at?: Timestamp | null | undefined },
): Change | undefined {
  const same = changes.filter((change) => change.kind === report.kind && isSameCode(change, report));
  const { started_at: start, finished_at: end = start } = report;
  if (start == null)
    return report.status === 'started' ? undefined : same.findLast((change) => change.status === 'started');
  const isOf = (change: Change): boolean =>
    report.status === 'started'
      ? plusSeconds(change.started_at, -APART_MAX_SECONDS) <= start &&
        start < (change.finished_at ?? plusSeconds(change.started_at, APART_MAX_SECONDS))
      : change.status === 'started'
        ? change.started_at <= (end ?? start)
        : change.finished_at === end;
  return same.find((change) => change.started_at === start) ?? same.findLast(isOf);
}

/**
 * Returns whether a report can be that of Firebreak's own rollback, by the name. Its commit can be that of the run that rolls back,
 * and counts only if the version before has the same name.
 */
const isReportOf = (own: Reported, report: Reported): boolean =>
  own.previous_version != null &&
  isOtherNameThan(own.previous_version, nameOf(own)) &&
  isSameName(nameOf(own), nameOf(report));

/** Returns whether a version, possibly with its commit, has another name than this one. */
export const isOtherNameThan = (version: string, name: string): boolean => !isSameName(nameOf({ version }), name);

const senderOf = ({ reported_by: by, made_for: incident }: Change): string | undefined =>
  by ?? (incident === null ? undefined : FIREBREAK);

const isBetween = ({ started_at: at }: Reported, first: Reported, other: Reported): boolean =>
  (first.started_at < at && at < other.started_at) || (other.started_at < at && at < first.started_at);

const endOf = ({ started_at, finished_at }: Reported): Timestamp =>
  finished_at ?? plusSeconds(started_at, UNFINISHED_MAX_SECONDS);

/** Returns whether a rollout brings an older version back. @param changes changes of the same service and environment */
export const bringsBack = (changes: readonly Change[], report: Reported): boolean =>
  replacedByOlder(changes, report) !== null;

/**
 * Returns the change whose version a rollout replaces by an older one: one that was live, and was deployed for the first time
 * before it. A version that failed counts as replaced, too. If an environment has several objects, such as two applications of
 * Argo CD, each of them rolls out the version at about the same time: what another object has just rolled out is not what this
 * one replaces. Null: it brings no older version back.
 *
 * @param changes changes of the same service and environment
 */
export function replacedByOlder(changes: readonly Change[], report: Reported): Change | null {
  const all = versionsBefore(changes, report);
  const isPart = (change: Change): boolean =>
    isSameCode(change, report) && report.started_at <= plusSeconds(endOf(change), APART_MAX_SECONDS);
  const earlier = all.slice(0, all.findLastIndex((change) => !isPart(change)) + 1);
  const current = earlier.at(-1);
  if (current === undefined || isSameCode(current, report)) return null;
  const succeeded = earlier.filter(({ status }) => status === 'succeeded');
  const first = (wanted: Reported) => succeeded.findIndex((change) => isSameCode(change, wanted));
  return first(report) >= 0 && (first(current) < 0 || first(report) < first(current)) ? current : null;
}

/**
 * Returns whether the version runs already, because the one that would have replaced it has failed.
 *
 * @param changes changes of the same service and environment
 */
export function runsAlready(changes: readonly Change[], report: Reported): boolean {
  const earlier = versionsBefore(changes, report);
  const live = earlier.findLast(({ status }) => status !== 'failed');
  return live?.status === 'succeeded' && live !== earlier.at(-1) && isSameCode(live, report);
}

/**
 * Returns the change of the version that runs, if another system has recorded it and the report says only that this version is
 * there: senders such as Flux repeat that for as long as it runs. Undefined: the report says more.
 *
 * @param rollout what its sender has reported; without a start, the result can be of any time before
 */
export function runningChange(
  changes: readonly Change[],
  report: Reported,
  { source, started_at, status }: Pick<Rollout, 'source' | 'started_at' | 'status'>,
): Change | undefined {
  const live = newestLiveChange(changes);
  const saysOnlyThat = started_at === null && status?.final === true && status.value === 'succeeded';
  if (!saysOnlyThat || live === undefined || senderOf(live) === source || live.started_at > report.started_at)
    return undefined;
  return isSameCode(live, report) ? live : undefined;
}

const versionsBefore = (changes: readonly Change[], { started_at }: Reported): Change[] =>
  changes
    .filter((change) => putsVersionLive(change) && change.status !== 'cancelled' && change.started_at < started_at)
    .toSorted(byStart);

/** Systems that observe a rollout to its end. What others call an end can be its start, such as an applied manifest. */
const OBSERVERS: ReadonlySet<string | undefined> = new Set(['flagger', 'argo-rollouts', 'kubernetes']);
export const observesRollouts = (reportedBy: string | undefined): boolean => OBSERVERS.has(reportedBy);

/** Systems can call the same commit by different versions, and several commits by the name of a branch. */
const isSameCode = (change: Change, report: Code): boolean =>
  (sameVersion(nameOf(change), nameOf(report)) && !haveDifferentRevisions(change, report)) ||
  (change.commit !== null && report.commit != null && isSameCommit(change.commit, report.commit));
