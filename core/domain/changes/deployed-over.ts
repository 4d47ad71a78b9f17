import type { Change } from '../../../schemas/changes/change.ts';
import type { EarlierProblem } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { replacedByOlder } from './recognize.ts';
import { isSameVersion } from './version-identity.ts';
import { byStart, endOf, putsVersionLive } from './versions.ts';

/**
 * A problem of an incident. `until`: when the next one began. Null: it is the newest. `ended_at`: null: it is open, or nothing has shown
 * its end.
 */
type Problem = Pick<EarlierProblem, 'mitigation'> & { until: Timestamp | null; ended_at: Timestamp | null };

/**
 * Returns the changes that put another version of the same service live over the probable cause of a problem while it was open, oldest
 * first, without those that restore an earlier version.
 */
export function deployedOver(changes: readonly Change[], cause: Change, problem: Problem): Change[] {
  const { mitigation, ended_at: end, until } = problem;
  const limit = mitigation?.at ?? end ?? until;
  if (!putsVersionLive(cause)) return [];
  return changes.filter(
    (one) =>
      one.service === cause.service &&
      one.environment === cause.environment &&
      putsVersionLive(one) &&
      one.kind !== 'rollback' &&
      !restoresEarlier(changes, one, cause) &&
      one.status === 'succeeded' &&
      byStart(cause, one) < 0 &&
      !isSameVersion(one, cause) &&
      one.id !== mitigation?.change &&
      (limit === null || one.started_at < limit),
  );
}

/**
 * Returns whether a problem ended while the version ran on that is its probable cause, and nothing is known to have been done: no other
 * version was put live, and nothing else was changed while it was open, such as a feature flag.
 */
export const hasRunOn = (
  changes: readonly Change[],
  cause: Change,
  { at, mitigation, ended_at: end }: Problem & Pick<EarlierProblem, 'at'>,
): boolean =>
  putsVersionLive(cause) &&
  mitigation === undefined &&
  end !== null &&
  !changes.some((one) => {
    if (one.started_at >= end) return false;
    if (!putsVersionLive(one)) return one.started_at >= at;
    const isSamePlace = one.service === cause.service && one.environment === cause.environment;
    return isSamePlace && byStart(cause, one) < 0 && !isSameVersion(one, cause);
  });

/** Returns whether a change restores a version from before another one, as far as it is recorded. */
const restoresEarlier = (changes: readonly Change[], one: Change, cause: Change): boolean =>
  (cause.previous_version !== null && isSameVersion(one, { version: cause.previous_version })) ||
  replacedByOlder(changes, one) !== null;

/**
 * Returns the version with which a problem was fixed forward: the newest one over its probable cause, if the problem ended after that
 * and nothing else was done.
 *
 * @param over the versions over the probable cause, oldest first
 */
export function fixForward(over: readonly Change[], { mitigation, ended_at: end }: Problem): Change | undefined {
  const newest = over.at(-1);
  return newest !== undefined && mitigation === undefined && end !== null && endOf(newest) <= end ? newest : undefined;
}
