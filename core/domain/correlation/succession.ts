import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { byStart, endOf, liveChanges, putsVersionLive, sameVersion } from '../changes/versions.ts';
import { type Candidate, finishedBefore, isOwnRollback } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import { applying, type Factor, weightedFactor, gradedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { pointsBetween, median, pointsOf, quantile } from './samples.ts';
import { windowOfVersions } from './series.ts';
import { formatDuration } from './words.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';
import { lastServed } from './version-traffic.ts';

/** A successor that comes sooner than this may be the fix: the errors may have started before the successor did. */
const SOON_SECONDS = 15 * 60;

/** The same where the start of the errors is known: the end of a roll-out may be reported before its last instance. */
const SOON_KNOWN_SECONDS = 5 * 60;

/** Part of that time from which on a version counts as gone. */
const GONE = 0.5;

/** Minimum samples on each side of a deploy that is compared. */
const MIN_SAMPLES = 3;

/** Share of the errors before a deploy below which it has helped. */
const HELPED = 0.75;

/**
 * Returns whether errors have not fallen since a newer version took all traffic, for at least a whole window of the query:
 * then it is no fix. Not known if it still rolls out, or if errors are not measured.
 */
export function hasNotHelped(
  { health, at }: Pick<Evidence, 'health' | 'at'>,
  { started_at, finished_at, status }: Change,
  { latest }: Pick<Onset, 'latest'>,
): boolean {
  if (health === null || finished_at === null || status !== 'succeeded') return false;
  const points = pointsOf(health.curve, at);
  const window = (health.window ?? UNKNOWN_WINDOW_SECONDS.longest) * 1000;
  // A value before the onset, or soon after it, describes healthy requests as well.
  const before = pointsBetween(
    points,
    Math.min(millisOf(latest) + window, millisOf(started_at) - 60_000),
    millisOf(started_at),
  );
  const since = pointsBetween(points, millisOf(finished_at) + window, Infinity);
  if (before.length === 0 || since.length < MIN_SAMPLES) return false;
  return since.every(({ value }) => value > health.max) && median(since) >= HELPED * quantile(before, 0.75);
}

/** Weighs the version that ran before the change and the changes after it that had started by the onset. */
export function successionFactors(evidence: Evidence, { change }: Candidate, onset: Onset): Factor[] {
  if (!putsVersionLive(change)) return [];
  const live = liveBeside(evidence, change, onset);
  const before = live.findLast((other) => byStart(other, change) < 0);
  const after = live.filter((other) => byStart(other, change) > 0);
  return applying([sameAsBefore(change, before), afterIt(change, after, onset, evidence)]);
}

/** Returns the other changes that had put a version of the service live by the onset. What was undone for an incident counts. */
const liveBeside = ({ changes }: Pick<Evidence, 'changes'>, change: Change, { at }: Pick<Onset, 'at'>): Change[] =>
  liveChanges(changes.map((related) => related.change)).filter(
    (other) => other.service === change.service && other.id !== change.id && other.started_at <= at,
  );

/** Returns whether another version had replaced this one for so long when the problem began that it did not run any more. */
export function wasReplaced(evidence: Evidence, change: Change, onset: Onset): boolean {
  const newer = liveBeside(evidence, change, onset).filter((other) => byStart(other, change) > 0);
  return (
    newer.every(({ version }) => version !== change.version) &&
    newer.some((other) => goneFor(change, other, onset, evidence) >= GONE)
  );
}

/** What shows whether a version was gone. */
type Seen = Pick<Evidence, 'by_version' | 'by_version_window' | 'health' | 'earlier_problem' | 'at'>;

/**
 * Returns how certainly a version was gone when the problem began, from 0 to 1: the longer since a newer change, the more. It was if
 * an earlier problem of the incident has ended since, and was not if it has served since.
 */
function goneFor(change: Change, next: Change, { earliest, latest, from }: Onset, evidence: Seen): number {
  const { earlier_problem: earlier } = evidence;
  if (lastServed(evidence, change) > millisOf(latest) + windowOfVersions(evidence) * 1000) return 0;
  const seconds = finishedBefore(next, earliest) ?? 0;
  return seconds > 0 && earlier !== undefined && endOf(next) <= earlier.until
    ? 1
    : Math.min(1, seconds / (from === 'alert' ? SOON_SECONDS : SOON_KNOWN_SECONDS));
}

/** Detects that the same version was already running well; the change at most restarted its instances. */
function sameAsBefore(change: Change, previous: Change | undefined): Factor | null {
  const ran = previous?.version === change.version ? lived(previous, change) : 0;
  const { previous_version: before } = change;
  if ((before === null || !sameVersion(before, change.version)) && ran < SOON_SECONDS) return null;
  return weightedFactor(
    'same_version',
    `${change.version} was already running before it${ran > 0 ? `, for ${formatDuration(ran)}` : ''}`,
  );
}

/** Detects that a newer change had replaced the version when the problem began, so that it no longer ran. */
function afterIt(change: Change, newer: readonly Change[], bounds: Onset, evidence: Seen): Factor | null {
  const { at: onset } = bounds;
  const next = newer.find((other) => finishedBefore(other, onset) !== null) ?? newer[0];
  if (next === undefined) return null;
  const ran = lived(change, next);
  const again = newer.filter(({ version }) => version === change.version);
  // Firebreak's rollback is no suspect, so it can't represent the version.
  const repeated = again.find((other) => !isOwnRollback(other));
  if (repeated !== undefined)
    return weightedFactor(
      'repeated',
      `${repeated.version} went live again ${formatDuration(lived(change, repeated))} later`,
    );
  if (again.length > 0) return null;
  const text = `${next.version} followed ${change.version} after ${formatDuration(ran)}`;
  const back = newer.find((other) => other.kind === 'rollback' && finishedBefore(other, onset) !== null);
  if (back !== undefined)
    return gradedFactor('back', `${change.version} was rolled back before the problem began`, { replaced: 1 });
  if (finishedBefore(next, onset) === null) {
    const together = change.finished_at === null || change.finished_at > next.started_at;
    return together ? null : weightedFactor('being_replaced', `${text} and was rolling out when the problem began`);
  }
  if (ran >= SOON_SECONDS) return weightedFactor('replaced', `${text} and had replaced it before the problem began`);
  const gone = goneFor(change, next, bounds, evidence);
  return gradedFactor(
    'replaced_soon',
    `${text}: ${gone < GONE ? 'either may be the cause' : 'it was gone when the problem began'}`,
    { replaced: gone },
  );
}

/** Returns the seconds for which the version was live alone; counted from its start if it has no recorded end. */
const lived = ({ finished_at, started_at }: Change, next: Change): number =>
  Math.max(0, secondsBetween(finished_at ?? started_at, next.started_at));
