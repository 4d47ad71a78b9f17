import type { Change } from '../../schemas/changes/change.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { byStart } from '../changes/versions.ts';
import type { Evidence, Relation } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { WEIGHTS } from './weights.ts';
import { spell } from './words.ts';

/**
 * Tolerance for clock differences. A change whose recorded start is at most this long after the onset can still be the
 * cause, but a person must confirm it.
 */
export const CLOCK_TOLERANCE_SECONDS = 90;

/**
 * A change that finished longer than this before the onset is a candidate only if a slow rise of errors starts at it.
 */
export const LOOK_BACK_SECONDS = 30 * 60;

/**
 * Maximum age of any candidate. A change that started longer ago and has no recorded end is a forgotten record rather
 * than a roll-out.
 */
export const LONGEST_LOOK_BACK_SECONDS = 2 * 3600;

/** Time of the change relative to the onset. */
export type Timing = 'rolling_out' | 'finished_before' | 'clock_skew';

/** A change that, by its timing, can be the cause. */
export type Candidate = {
  change: Change;
  relation: Relation;
  distance: number;
  timing: Timing;
  /** The change finished too long before the onset for its timing alone to support it. */
  longAgo: boolean;
};

/**
 * Returns the changes that can precede the problem, within clock tolerance, without duplicates, sorted by start time.
 */
export function candidatesOf({ changes, incident_id }: Evidence, onset: Timestamp): Candidate[] {
  const nearest = new Map<string, Evidence['changes'][number]>();
  for (const one of changes) {
    const known = nearest.get(one.change.id);
    if (known === undefined || nearness(one) < nearness(known)) nearest.set(one.change.id, one);
  }
  return [...nearest.values()]
    .filter(({ change }) => change.made_for !== incident_id && change.status !== 'cancelled')
    .flatMap(({ change, relation, distance }) => {
      const placed = timingOf(change, onset);
      return placed === null ? [] : [{ change, relation, distance: Math.max(0, distance), ...placed }];
    })
    .toSorted((a, b) => byStart(a.change, b.change));
}

const RELATIONS: readonly Relation[] = ['same', 'dependency', 'shared'];
const nearness = ({ relation, distance }: { relation: Relation; distance: number }): number =>
  RELATIONS.indexOf(relation) * 1000 + distance;

function timingOf(change: Change, onset: Timestamp): Pick<Candidate, 'timing' | 'longAgo'> | null {
  const started = secondsBetween(change.started_at, onset);
  const finished = finishedBefore(change, onset);
  if (started < -CLOCK_TOLERANCE_SECONDS) return null;
  if (started < 0) return { timing: 'clock_skew', longAgo: false };
  if (finished === null) return started > LONGEST_LOOK_BACK_SECONDS ? null : { timing: 'rolling_out', longAgo: false };
  if (finished > LONGEST_LOOK_BACK_SECONDS) return null;
  return { timing: 'finished_before', longAgo: finished > LOOK_BACK_SECONDS };
}

/** Returns the version, preceded by the service's name if that is not the failing service. */
export const called = ({ change, relation }: Pick<Candidate, 'change' | 'relation'>): string =>
  relation === 'same' ? change.version : `${change.service} ${change.version}`;

/** Returns the seconds between the end of the change and the onset; null if it was still rolling out at the onset. */
export function finishedBefore({ finished_at }: Change, onset: Timestamp): number | null {
  const seconds = finished_at === null ? 0 : secondsBetween(finished_at, onset);
  return seconds > 0 ? seconds : null;
}

/** Weighs timing: the closer to the onset, the more probable. */
export function timingFactor(candidate: Candidate, onset: Timestamp): Factor {
  const { change, timing, longAgo } = candidate;
  const what = `${change.kind} of ${called(candidate)}`;
  const started = secondsBetween(change.started_at, onset);
  const finished = finishedBefore(change, onset) ?? 0;
  if (timing === 'clock_skew')
    return factor(
      timing,
      WEIGHTS.clock_skew,
      `${what} started ${spell(-started)} after the problem began; clocks may differ by that much`,
    );
  if (timing === 'rolling_out') {
    const long = change.finished_at === null ? started - LOOK_BACK_SECONDS : 0;
    const late = Math.max(0, long) / (LONGEST_LOOK_BACK_SECONDS - LOOK_BACK_SECONDS);
    return factor(
      timing,
      WEIGHTS.rolling_out + late * WEIGHTS.rolling_out_for_long,
      `${what} was rolling out when the problem began, ${spell(started)} after its start`,
    );
  }
  const text = `${what} finished ${spell(finished)} before the problem began`;
  if (longAgo) return factor(timing, WEIGHTS.slow_burn, text);
  const decay = (WEIGHTS.just_finished - WEIGHTS.finished_half_an_hour_ago) * (finished / LOOK_BACK_SECONDS);
  return factor(timing, WEIGHTS.just_finished - decay, text);
}
