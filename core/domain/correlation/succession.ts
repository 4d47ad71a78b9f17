import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { byStart, putsVersionLive, sameVersion } from '../changes/versions.ts';
import { type Candidate, finishedBefore } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, weightedFactor, gradedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { pointsBetween, median, pointsOf, quantile } from './samples.ts';
import { formatDuration } from './words.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** A successor that comes sooner than this may be the fix: the errors may have started before the successor did. */
const SOON_SECONDS = 15 * 60;

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
export function successionFactors(evidence: Evidence, { change }: Candidate, { at: onset, earliest }: Onset): Factor[] {
  if (!putsVersionLive(change)) return [];
  const live = evidence.changes
    .map((related) => related.change)
    .filter((other) => other.service === change.service && other.id !== change.id)
    .filter((other) => other.made_for !== evidence.incident_id && other.started_at <= onset)
    .filter((other) => putsVersionLive(other) && (other.status === 'succeeded' || other.status === 'started'))
    .toSorted(byStart);
  return [
    sameAsBefore(
      change,
      live.findLast((other) => byStart(other, change) < 0),
    ),
    afterIt(
      change,
      live.filter((other) => byStart(other, change) > 0),
      { at: onset, earliest },
    ),
  ].filter((one) => one !== null);
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
function afterIt(
  change: Change,
  newer: readonly Change[],
  { at: onset, earliest }: Pick<Onset, 'at' | 'earliest'>,
): Factor | null {
  const next = newer.find((other) => finishedBefore(other, onset) !== null) ?? newer[0];
  if (next === undefined) return null;
  const ran = lived(change, next);
  const again = newer.find(({ version }) => version === change.version);
  if (again !== undefined)
    return weightedFactor('repeated', `${again.version} went live again ${formatDuration(lived(change, again))} later`);
  const text = `${next.version} followed ${change.version} after ${formatDuration(ran)}`;
  const back = newer.find((other) => other.kind === 'rollback' && finishedBefore(other, onset) !== null);
  if (back !== undefined)
    return gradedFactor('back', `${change.version} was rolled back before the problem began`, { replaced: 1 });
  if (finishedBefore(next, onset) === null) {
    const together = change.finished_at === null || change.finished_at > next.started_at;
    return together ? null : weightedFactor('being_replaced', `${text} and was rolling out when the problem began`);
  }
  if (ran >= SOON_SECONDS) return weightedFactor('replaced', `${text} and had replaced it before the problem began`);
  // The longer it was gone, the less did it begin.
  const gone = Math.min(1, (finishedBefore(next, earliest) ?? 0) / SOON_SECONDS);
  return gradedFactor(
    'replaced_soon',
    `${text}: ${gone < 0.5 ? 'either may be the cause' : 'it was gone when the problem began'}`,
    {
      replaced: gone,
      replaced_soon: 1 - gone,
    },
  );
}

/** Returns the seconds for which the version was live alone; counted from its start if it has no recorded end. */
const lived = ({ finished_at, started_at }: Change, next: Change): number =>
  Math.max(0, secondsBetween(finished_at ?? started_at, next.started_at));
