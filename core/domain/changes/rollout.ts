import type { Artifact, Change, ChangeKind, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import type { ChangeReport, ReportSubject, Rollout } from '../../../schemas/changes/change-report.ts';
import { notAhead } from './versions.ts';
import { Version } from '../../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

type Dated<T> = { at: Timestamp; value: T };

/** Returns the rollout after another report, or the first one. The order of reports does not matter, nor do repeats. */
export function mergedRollout(known: Rollout | undefined, report: ChangeReport): Rollout {
  const { source, key, at, subject, status, final, started_at, created_at, ...values } = report;
  const before = known ?? { source, key, first_at: at, last_at: at, started_at: null, subject: {}, values: {} };
  const created = earliest(before.created_at ?? null, created_at ?? null);
  return {
    source,
    key,
    first_at: at < before.first_at ? at : before.first_at,
    last_at: at > before.last_at ? at : before.last_at,
    started_at: earliest(before.started_at, started_at ?? null),
    ...(created !== null && { created_at: created }),
    status: laterStatus(before.status, status && { at, value: status, ...(final === true && { final }) }),
    subject: mergedValues(before.subject, subject, at),
    values: mergedValues(before.values, values, at),
  };
}

/** Replaces each value by the one of the later event. */
function mergedValues<Known extends Record<string, Dated<unknown> | undefined>>(
  known: Known,
  values: object,
  at: Timestamp,
): Known {
  const merged: Record<string, Dated<unknown> | undefined> = { ...known };
  for (const [name, value] of Object.entries<unknown>({ ...values }))
    if (value !== undefined) merged[name] = laterValue(merged[name], { at, value });
  return merged as Known;
}

/** Two events of the same time that differ need an order that does not depend on their arrival. */
function laterValue<T extends Dated<unknown>>(one: T | undefined, other: T): T {
  if (one === undefined || one.at < other.at) return other;
  if (one.at > other.at) return one;
  return JSON.stringify(one.value) < JSON.stringify(other.value) ? other : one;
}

type ReportedStatus = NonNullable<Rollout['status']>;

/** Maximum number of reported ends stored per rollout. */
const ENDS_MAX = 20;

/** An ended rollout does not start again, and a final status stays, whatever the times of other events. */
function laterStatus(one: ReportedStatus | undefined, other: ReportedStatus | undefined): ReportedStatus | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (hasEnded(one) !== hasEnded(other)) return hasEnded(one) ? one : other;
  if (one.final !== other.final) return one.final === true ? one : other;
  if (one.final === true && one.at !== other.at) return one.at < other.at ? one : other;
  return one.final === true || !hasEnded(one) ? laterValue(one, other) : withRepeats(one, other);
}

/**
 * Returns the latest outcome, since it was reported first: a repeat, such as after pods were replaced, does not move the
 * end. What has succeeded once ended then, whatever was reported in between. Keeps the repeats, because another outcome can
 * arrive late whose time is between them.
 */
function withRepeats(one: ReportedStatus, other: ReportedStatus): ReportedStatus {
  const byText = new Map([...endsOf(one), ...endsOf(other)].map((end) => [`${end.at} ${end.value}`, end]));
  const ends = [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, end]) => end);
  const { value } = ends.at(-1) ?? other;
  const before = ends.findLastIndex((end) => end.value !== value);
  const success = ends.findIndex((end) => end.value === 'succeeded');
  const { at } = ends[value === 'succeeded' ? success : before + 1] ?? other;
  const kept = ends.filter((_, n) => n === success || n >= before);
  if (kept.length === 1) return { at, value };
  // The first success, the outcome before, and the first report of this one are at the beginning.
  return { at, value, ends: kept.length > ENDS_MAX ? [...kept.slice(0, 3), ...kept.slice(3 - ENDS_MAX)] : kept };
}

const endsOf = ({ at, value, ends }: ReportedStatus) => ends ?? [{ at, value }];

const hasEnded = ({ value }: Pick<ReportedStatus, 'value'>): boolean => value !== 'started';

const earliest = (one: Timestamp | null, other: Timestamp | null): Timestamp | null =>
  one === null || (other !== null && other < one) ? other : one;

/** Returns what the sender calls the subject of the rollout. */
export const subjectOf = ({ subject }: Rollout): ReportSubject =>
  Object.fromEntries(Object.entries(subject).map(([name, { value }]) => [name, value]));

/** What a rollout says about its change. Without a kind, its history tells whether it brings an older version back. */
export type RolloutChange = Omit<NewChange, 'service' | 'environment' | 'started_at' | 'kind'> & {
  kind?: ChangeKind | undefined;
  /** The commit in the repository for deployments, if `commit` is the application's. */
  deploy_commit?: string | undefined;
  artifact?: Artifact | undefined;
  /** Key of the action by which Firebreak made the change. The sender says so; it is checked. */
  action?: string | undefined;
  started_at: Timestamp;
};

/** How long after a version was applied its rollout usually settles. What runs may change later for other reasons. */
export const SETTLES_SECONDS = 15 * 60;

/** How long a rollout can take that an earlier event has reported. */
const SLOWEST_SECONDS = 6 * 3600;

/**
 * Returns when the version was applied, or the rollout created, if its end is reported long after: that can be about what runs
 * since, such as replaced pods. With an earlier event, the rollout can be slow.
 */
function longAppliedAt(
  { created_at, values, started_at, first_at }: Rollout,
  { at, value }: ReportedStatus,
): Timestamp | undefined {
  const isFirst = at === first_at;
  const appliedAt = values.applied_at?.value;
  if (appliedAt !== undefined)
    return secondsBetween(appliedAt, at) > (isFirst ? SETTLES_SECONDS : SLOWEST_SECONDS) ? appliedAt : undefined;
  const isOld = created_at !== undefined && secondsBetween(created_at, at) > SLOWEST_SECONDS;
  return isOld && isFirst && started_at === null && value === 'succeeded' ? created_at : undefined;
}

/** Version of a rollout that began, and failed before its sender determined one. */
const UNKNOWN_VERSION = Version.parse('unknown');

/**
 * Returns the change that a rollout makes. Undefined: it has not started yet, or no event has named a version or a
 * commit yet and it can still do so.
 */
export function changeOfRollout(rollout: Rollout): RolloutChange | undefined {
  const { values, status, started_at, first_at } = rollout;
  const version =
    values.version?.value ??
    Version.safeParse(values.commit?.value).data ??
    (status?.value === 'failed' && started_at !== null ? UNKNOWN_VERSION : undefined);
  if (status === undefined || version === undefined) return undefined;
  const end = values.finished_at?.value ?? longAppliedAt(rollout, status) ?? status.at;
  // A start after the end is no start.
  const isStart = started_at !== null && !(hasEnded(status) && started_at > status.at);
  const start = isStart ? started_at : end < first_at ? end : first_at;
  return {
    version,
    kind: values.kind?.value,
    status: status.value,
    started_at: start,
    ...(hasEnded(status) && { finished_at: end > start ? end : start }),
    commit: values.commit?.value,
    committed_at: values.committed_at?.value,
    commits: values.commits?.value,
    author: values.author?.value,
    url: values.url?.value,
    previous_version: values.previous_version?.value,
    has_migration: values.has_migration?.value,
    artifact: values.artifact?.value,
    action: values.action?.value,
  };
}

/** Fields that a later report of the same change can fill. */
const FILLABLE_FIELDS = [
  'commit',
  'committed_at',
  'author',
  'url',
  'has_migration',
  'rollback_safe_to',
  'previous_version',
  'canary_weight',
] as const satisfies readonly (keyof ChangePatch)[];

/**
 * Returns what another report adds to a recorded change: fields that were unknown, and the end of a change that was in
 * progress. A known field keeps its value. Undefined: it adds nothing.
 */
export function patchOfReport(
  change: Change,
  report: Omit<NewChange, 'service' | 'environment' | 'kind'>,
): ChangePatch | undefined {
  const fields = FILLABLE_FIELDS.filter((name) => change[name] === null && report[name] != null);
  const ends = change.status === 'started' && report.status !== 'started';
  const patch: ChangePatch = {
    ...Object.fromEntries(fields.map((name) => [name, report[name]])),
    ...(change.commits.length === 0 && (report.commits?.length ?? 0) > 0 && { commits: report.commits }),
    ...(ends && { status: report.status }),
    ...(report.finished_at != null &&
      change.finished_at === null &&
      report.finished_at >= change.started_at && { finished_at: report.finished_at }),
  };
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Returns the version, which stays as it is while the sender calls it the same. */
const versionAs = (
  { version, reported_version: reported }: Change,
  report: Pick<RolloutChange, 'version'>,
): Partial<Pick<Change, 'version' | 'reported_version'>> =>
  reported === undefined
    ? { version: report.version }
    : reported === report.version
      ? { version }
      : { version: report.version, reported_version: report.version };

/**
 * Returns a recorded change after its sender has reported more. What the sender says replaces what it said before;
 * what it has not said stays. An ended change does not start again, and the end stays that another system has observed.
 *
 * @param earlierEnds ends by what the sender has said before
 */
export function revisedChange(
  change: Change,
  report: RolloutChange,
  now: Timestamp,
  earlierEnds: readonly Timestamp[] = [],
): Change {
  const startsAgain = change.status !== 'started' && report.status === 'started';
  const known = Object.fromEntries(Object.entries(report).filter(([, value]) => value != null)) as Partial<Change>;
  // As when it was recorded: the clock of the sender is still ahead.
  if (known.started_at !== undefined) known.started_at = notAhead(known.started_at, change.recorded_at);
  if (known.finished_at != null) known.finished_at = notAhead(known.finished_at, now);
  const { status: _status, finished_at: _end, ...withoutEnd } = known;
  const isEndObserved = change.ended_by !== undefined && change.ended_by !== change.reported_by;
  // Another system can have reported the success, long before the sender repeats it.
  const hasSucceeded =
    change.status === 'succeeded' &&
    known.status === 'succeeded' &&
    earlierEnds.every((end) => end !== change.finished_at) &&
    secondsBetween(change.finished_at ?? change.started_at, known.finished_at ?? change.started_at) > SLOWEST_SECONDS;
  const keepsEnd = startsAgain || isEndObserved || hasSucceeded;
  const next = { ...change, ...(keepsEnd ? withoutEnd : known), ...versionAs(change, report) };
  const isBackwards = next.finished_at !== null && next.finished_at < next.started_at;
  return isBackwards ? { ...next, finished_at: next.started_at } : next;
}
