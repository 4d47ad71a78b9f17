import { millisOf } from '../../../schemas/time/time.ts';
import { flagKeyOf, turnedFlagOff } from '../changes/flags.ts';
import { isCalled } from '../changes/identified-versions.ts';
import { byStart, endOf, putsVersionLive } from '../changes/versions.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Evidence } from './evidence.ts';
import { type Point, pointsBetween } from './samples.ts';
import { hasLimit } from './series.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** A time in milliseconds since the Unix epoch. `until`: exclusive. */
export type Span = { from: number; until: number };

/** Seconds after the window of the query within which health must be good again, if the change was undone. */
const SETTLES_SECONDS = 180;

/** Samples within the limit that show a recovery. */
const GOOD_SAMPLES = 2;

/**
 * Returns the times at which health was bad because of a change that was undone since: from its start until health was good
 * again, soon after the rollback, or after the flag was turned off; and those of incidents with a confirmed cause. They say nothing about what was deployed later. A rollback
 * that did not help explains nothing.
 *
 * @param points samples of the health query, in order
 */
export function explainedSpans(
  { changes, health, explained = [] }: Pick<Evidence, 'changes' | 'explained' | 'health'>,
  points: readonly Point[],
): Span[] {
  if (!hasLimit(health)) return [];
  const own = changes
    .flatMap(({ change, relation }) => (relation === 'same' && change.status === 'succeeded' ? [change] : []))
    .toSorted(byStart);
  const seconds = (health.window ?? UNKNOWN_WINDOW_SECONDS.usual) + SETTLES_SECONDS;
  const undone = own.flatMap((undo) => {
    const change = undoneBy(own, undo);
    return change === undefined ? [] : [{ from: change.started_at, until: endOf(undo) }];
  });
  return [...undone, ...explained].flatMap(({ from, until }): Span[] => {
    const end = millisOf(until);
    const good = firstGood(pointsBetween(points, end, end + seconds * 1000), health.max);
    return good === null ? [] : [{ from: millisOf(from), until: good }];
  });
}

/** Returns the change that a rollback, or turning a flag off, has undone. Undefined: it undoes none that is known. */
function undoneBy(own: readonly Change[], undo: Change): Change | undefined {
  const earlier = own.filter((change) => byStart(change, undo) < 0);
  if (undo.kind === 'flag')
    return turnedFlagOff(undo)
      ? earlier.findLast((change) => change.kind === 'flag' && flagKeyOf(change) === flagKeyOf(undo))
      : undefined;
  if (undo.kind !== 'rollback') return undefined;
  const versions = earlier.filter((change) => putsVersionLive(change) && change.version !== undo.version);
  return versions.findLast((change) => isCalled(change, undo.previous_version)) ?? versions.at(-1);
}

/** Returns the time of the first sample from which on health was within its limit. Null: it was not. */
function firstGood(points: readonly Point[], max: number): number | null {
  const bad = points.findLastIndex(({ value }) => value > max);
  const good = points.slice(bad + 1);
  return good.length < GOOD_SAMPLES ? null : (good[0]?.at ?? null);
}

/** Returns the points outside the spans. */
export const outside = (points: readonly Point[], spans: readonly Span[]): Point[] =>
  points.filter(({ at }) => !spans.some(({ from, until }) => at >= from && at < until));
