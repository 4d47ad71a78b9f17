import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { ofVersion } from '../changes/change-words.ts';
import { clearingOf } from '../changes/cleared-suspects.ts';
import { byStart, endOf } from '../changes/versions.ts';
import { DOUBLED } from './chance.ts';
import type { Evidence, Relation } from './evidence.ts';
import { type Factor, gradedFactor } from './factor.ts';
import { type Onset, SLOW_RISE_SECONDS } from './onset.ts';
import { formatDuration } from './words.ts';

/**
 * Tolerance for clock differences. A change whose recorded start is at most this long after the onset can still be the
 * cause, but a person must confirm it.
 */
export const CLOCK_TOLERANCE_SECONDS = 90;

/** A change that finished longer than this before the onset is no candidate. */
export const LOOK_BACK_SECONDS = 30 * 60;

/**
 * Maximum age of any candidate. A change that started longer ago and has no recorded end is a forgotten record rather
 * than a roll-out.
 */
export const LONGEST_LOOK_BACK_SECONDS = 2 * 3600;

/** Usual delay in seconds of a report about a change, at most. What takes longer is a late record, or another clock. */
export const USUAL_DELAY_SECONDS = 30;

/** Seconds by which a clock that is right may be ahead of Firebreak's. */
const CLOCK_ERROR_SECONDS = 10;

/** Time of the change relative to the onset. */
export type Timing = 'rolling_out' | 'finished_before' | 'clock_skew';

/** A change that, by its timing, can be the cause. */
export type Candidate = {
  change: Change;
  relation: Relation;
  distance: number;
  timing: Timing;
};

/**
 * Returns the changes that can precede the problem, within clock tolerance, without duplicates, sorted by start time.
 */
export function candidatesOf({ changes, incident_id, aborted_canary: aborted }: Evidence, onset: Onset): Candidate[] {
  const nearest = new Map<string, Evidence['changes'][number]>();
  for (const one of changes) {
    const known = nearest.get(one.change.id);
    if (known === undefined || nearness(one) < nearness(known)) nearest.set(one.change.id, one);
  }
  return [...nearest.values()]
    .filter(({ change }) => change.made_for !== incident_id && change.status !== 'cancelled')
    .filter(({ change }) => !isOwnRollback(change))
    .flatMap(({ change, relation, distance }) => {
      // It was compared while it had traffic, whatever the start of the problem by other measurements.
      const timing = timingOf(change, onset) ?? (change.id === aborted?.change_id ? 'rolling_out' : null);
      return timing === null ? [] : [{ change, relation, distance: Math.max(0, distance), timing }];
    })
    .toSorted((a, b) => byStart(a.change, b.change));
}

/**
 * Returns the seconds between the event that was reported first, by the clock of the CD system, and its record, by
 * Firebreak's. Negative: that clock is ahead.
 */
const recordedAfter = ({ started_at, finished_at, recorded_at }: Change): number =>
  secondsBetween(finished_at !== null && finished_at <= recorded_at ? finished_at : started_at, recorded_at);

/**
 * Time in seconds after the onset in which a record counts as one from before it: the usual delay of a report, and the
 * tolerated difference between the clocks of monitoring and of Firebreak.
 */
export const LATE_RECORD_SECONDS = CLOCK_TOLERANCE_SECONDS + USUAL_DELAY_SECONDS;

/**
 * Weighs a record that came later than usual. `recorded_late`: the change can have happened as much later, after the onset,
 * because the clock of the CD system is behind, or the record was late. `recorded_after`: Firebreak has learned of the change
 * only after the onset and after the alert, so it may be a note or a fix, whose times nothing confirms.
 *
 * @param isMeasured health is measured, so that the onset is known
 * @param isSeen monitoring has seen its version begin before the onset, which confirms the time
 */
export function lateRecordFactor(
  candidate: Candidate,
  { onset: { alertStartedAt, alertReceivedAt = alertStartedAt } }: Pick<Evidence, 'onset'>,
  { at, latest }: Onset,
  { isMeasured, isSeen }: { isMeasured: boolean; isSeen: boolean },
): Factor | null {
  const { change, timing } = candidate;
  const after = recordedAfter(change);
  const canBeLater =
    isMeasured &&
    timing !== 'clock_skew' &&
    after > USUAL_DELAY_SECONDS &&
    plusSeconds(change.started_at, after) > latest;
  const features = canBeLater ? { recorded_late: 1 } : {};
  const isAfter =
    change.recorded_at > alertReceivedAt && secondsBetween(latest, change.recorded_at) > LATE_RECORD_SECONDS;
  if (isAfter && !isSeen)
    return gradedFactor(
      'recorded_after',
      `${called(candidate)} was recorded ${formatDuration(secondsBetween(at, change.recorded_at))} after the problem began, so its times can't be checked`,
      features,
    );
  return canBeLater
    ? gradedFactor(
        'recorded_late',
        `${called(candidate)} was recorded ${formatDuration(after)} after its time: it may have happened after the problem began`,
        features,
      )
    : null;
}

const RELATIONS: readonly Relation[] = ['same', 'dependency', 'shared', 'caller', 'undeclared'];
const nearness = ({ relation, distance }: { relation: Relation; distance: number }): number =>
  RELATIONS.indexOf(relation) * 1000 + distance;

/** Returns whether Firebreak made the change: its rollbacks, also of flags, return to a state that was good. */
export const isOwnRollback = ({ kind, made_for: madeFor }: Change): boolean =>
  (kind === 'rollback' || kind === 'flag') && madeFor !== null;

/** @returns null if the change cannot have caused a problem that began within the bounds of this onset */
function timingOf(change: Change, { at, earliest, latest }: Onset): Timing | null {
  const late = secondsBetween(latest, change.started_at);
  if (late > CLOCK_TOLERANCE_SECONDS) return null;
  if (late > 0) return 'clock_skew';
  if (change.finished_at === null)
    return secondsBetween(change.started_at, earliest) > LONGEST_LOOK_BACK_SECONDS ? null : 'rolling_out';
  if (secondsBetween(change.finished_at, earliest) > LOOK_BACK_SECONDS) return null;
  return finishedBefore(change, at) === null ? 'rolling_out' : 'finished_before';
}

/**
 * Says why the newest change of the service is no candidate. Null: it is one, or there is none of the last two hours. What this
 * incident has rolled back, and what people have cleared, has other reasons.
 *
 * @example 'v5, began 3 min after it'
 */
export function newestNotWeighed({ changes, incident_id, cleared }: Evidence, onset: Onset): string | null {
  const newest = changes
    .filter(({ relation, change }) => relation === 'same' && !isOwnRollback(change))
    .map(({ change }) => change)
    .filter((change) => change.made_for !== incident_id && change.rolled_back_by !== incident_id)
    .filter((change) => clearingOf(cleared, change) === undefined)
    .toSorted(byStart)
    .at(-1);
  if (newest === undefined || secondsBetween(endOf(newest), onset.earliest) > LONGEST_LOOK_BACK_SECONDS) return null;
  const { status, started_at, finished_at } = newest;
  const called = `${newest.version},`;
  if (status === 'cancelled') return `${called} was cancelled`;
  if (timingOf(newest, onset) !== null) return null;
  const late = secondsBetween(onset.at, started_at);
  if (late > 0) return `${called} began ${formatDuration(late)} after it`;
  return finished_at === null
    ? `${called} began ${formatDuration(-late)} before it and has no recorded end`
    : `${called} had finished ${formatDuration(secondsBetween(finished_at, onset.at))} before it`;
}

/** Returns the version, preceded by the service's name if that is not the failing service. */
export const called = ({ change, relation }: Pick<Candidate, 'change' | 'relation'>): string =>
  relation === 'same' ? change.version : `${change.service} ${change.version}`;

/** Changes that are not of a version, in words. */
const WORDS_FOR_KINDS: Readonly<Partial<Record<Change['kind'], string>>> = {
  flag: 'the change of feature flag',
  config: 'configuration change',
  infrastructure: 'infrastructure change',
};

/** Returns the kind and the name of a change: "deploy of v42", "configuration change c7 of payments". */
function described(candidate: Candidate): string {
  const { change, relation } = candidate;
  const words = WORDS_FOR_KINDS[change.kind];
  if (words === undefined) return `${change.kind} ${ofVersion({ ...change, version: called(candidate) })}`;
  return `${words} ${change.version}${relation === 'same' ? '' : ` of ${change.service}`}`;
}

/** Returns the seconds between the end of the change and the onset; null if it was still rolling out at the onset. */
export function finishedBefore({ finished_at }: Change, onset: Timestamp): number | null {
  const seconds = finished_at === null ? 0 : secondsBetween(finished_at, onset);
  return seconds > 0 ? seconds : null;
}

/**
 * Returns when the traffic of a change doubled last before the onset: by a step of its canary, or at its start. A step that was
 * reported later than it was made counts as one at the onset.
 */
function raisedAt({ canary_steps: steps = [], started_at: start }: Change, onset: Timestamp): Timestamp {
  const latest = plusSeconds(onset, LATE_RECORD_SECONDS);
  const raised = steps.findLast(({ at, weight }, index) => {
    const before = steps[index - 1]?.weight;
    return before !== undefined && at <= latest && weight > 0 && weight >= DOUBLED * before;
  });
  return raised === undefined ? start : raised.at < onset ? raised.at : onset;
}

/**
 * Weighs timing: the closer to the onset, the more probable.
 * @param isMeasured health is measured, so that the distance in time is known
 * @param hidden seconds for which growing errors can have grown before they showed
 * @param isStepped errors may have begun with a step of its canary
 * @param tookOver milliseconds until which versions of before have had traffic. Null: not measured
 */
export function timingFactor(
  candidate: Candidate,
  { at, earliest, latest, rise }: Onset,
  {
    isMeasured,
    hidden,
    tookOver,
    isStepped,
  }: { isMeasured: boolean; hidden: number; tookOver: number | null; isStepped: boolean },
): Factor<Timing> {
  const { change, timing } = candidate;
  const what = described(candidate);
  const raised = isStepped ? raisedAt(change, at) : change.started_at;
  const started = secondsBetween(raised, at);
  // What rises slowly, or grows, began before it showed: how long before is not known if it took long.
  const slowly = (rise ?? 0) > SLOW_RISE_SECONDS ? Infinity : Math.max(rise ?? 0, hidden);
  const sinceStart = isMeasured && {
    long_after_start: distance(started - slowly, LONGEST_LOOK_BACK_SECONDS),
  };
  const after = recordedAfter(change);
  const agrees = isMeasured && timing === 'clock_skew' && after >= -CLOCK_ERROR_SECONDS && after <= USUAL_DELAY_SECONDS;
  if (timing === 'clock_skew')
    return gradedFactor(
      timing,
      `${what} started ${formatDuration(-started)} after the problem began; ${agrees ? 'it was recorded at once, so its clock is right' : 'clocks may differ by that much'}`,
      // Its record came at once, so its clock agrees with Firebreak's.
      agrees ? { clock_agrees: 1 } : {},
    );
  if (timing === 'finished_before') {
    const recorded = finishedBefore(change, earliest) ?? 0;
    const seconds =
      tookOver === null ? recorded : Math.max(0, Math.min(recorded, (millisOf(earliest) - tookOver) / 1000));
    const long = seconds / LOOK_BACK_SECONDS;
    return gradedFactor(
      timing,
      `${what} finished ${formatDuration(finishedBefore(change, at) ?? 0)} before the problem began`,
      {
        ...(isMeasured
          ? { just_finished: 1, long_after_end: distance(seconds - slowly, LOOK_BACK_SECONDS) }
          : { just_finished: 1 - long / 2 }),
        ...sinceStart,
      },
    );
  }
  if (started < 0) {
    // The onset is known to lie between two samples, and the change started between them, too.
    const before = secondsBetween(change.started_at, latest) / Math.max(1, secondsBetween(earliest, latest));
    return gradedFactor(timing, `${what} started about when the problem began, whose start is known only roughly`, {
      rolling_out: before,
    });
  }
  const long = change.finished_at === null ? Math.max(0, started - LOOK_BACK_SECONDS) : 0;
  const late = Math.min(1, long / (LONGEST_LOOK_BACK_SECONDS - LOOK_BACK_SECONDS));
  return gradedFactor(
    timing,
    `${what} was rolling out when the problem began, ${formatDuration(started)} after ${raised > change.started_at ? 'its share of the traffic rose' : 'its start'}`,
    {
      rolling_out: 1,
      ...(late > 0 && !isMeasured && { rolling_out_for_long: late }),
      ...sinceStart,
    },
  );
}

/** Unit of distances in time. */
const MINUTE_SECONDS = 60;

/** Returns a distance in time as a share of the longest one, from 0 to 1: each doubling counts the same. */
export const distance = (seconds: number, longest: number): number =>
  Math.min(1, Math.log1p(Math.max(0, seconds) / MINUTE_SECONDS) / Math.log1p(longest / MINUTE_SECONDS));
