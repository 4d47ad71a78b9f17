import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { sameVersion } from '../changes/versions.ts';
import { type Candidate, LOOK_BACK_SECONDS } from './candidates.ts';
import { MIN_REQUESTS } from './chance.ts';
import type { Evidence, VersionSeries } from './evidence.ts';
import { type Factor, weightedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { pointsBetween, mean, type Point, pointsOf, quantile, USUAL_INTERVAL_MS, valuesByTime } from './samples.ts';
import { firstSample, monitoredSince, SAME_TIME_MS, seriesOf } from './series.ts';
import { formatHealth } from './words.ts';

/**
 * Minimum share of traffic, 0 to 1. A smaller share counts as no traffic: health probes, or the remainder of a
 * roll-out.
 */
export const TRAFFIC_SHARE_MIN = 0.01;
export const SERVING_SHARE_MIN = 0.05;

/** Minimum samples since the onset; with fewer, chance decides. */
const MIN_SAMPLES = 2;

/**
 * The level of a version since the onset, in words as well, and its share of the traffic. `series`: what it is calculated from.
 * `hasFewRequests`: too few for a comparison. `since`: time of its first sample.
 */
export type Measured = {
  version: string;
  series: VersionSeries;
  value: number;
  words: string;
  share: number | null;
  hasFewRequests: boolean;
  since: number;
};

/** Returns the levels of the versions that had samples since a time in milliseconds. */
export function measuredSince(
  { by_version, at, health }: Pick<Evidence, 'by_version' | 'at' | 'health'>,
  from: number,
): Measured[] {
  // A value describes the window before it.
  const begin = from - (health?.window ?? 0) * 1000;
  const versions = (by_version ?? []).map((series) => ({
    series,
    samples: pointsBetween(pointsOf(series.curve, at), from, Infinity),
    rate: series.traffic === null ? null : mean(pointsBetween(pointsOf(series.traffic, at), from, Infinity)) || 0,
  }));
  const all = versions.reduce((sum, { rate }) => sum + (rate ?? 0), 0);
  return versions
    .filter(({ samples }) => samples.length >= MIN_SAMPLES)
    .map(({ samples, ...one }) => ({ ...one, value: quantile(samples, 0.75) }))
    .map(({ series, value, rate }) => ({
      version: series.version,
      series,
      since: firstSample(series, at),
      value,
      words: formatHealth(value, health?.whole),
      share: rate === null ? null : all > 0 ? rate / all : 0,
      hasFewRequests:
        series.traffic !== null &&
        requestsSince(pointsOf(series.traffic, at), begin, health?.window ?? null) < MIN_REQUESTS,
    }))
    .toSorted((a, b) => (a.version === b.version ? a.value - b.value : a.version < b.version ? -1 : 1));
}

/**
 * Returns the number of requests since a time in milliseconds. A rate describes the window before it, so the rates of
 * successive windows add up, also where a series is younger than its window.
 */
function requestsSince(rates: readonly Point[], begin: number, window: number | null): number {
  const length = (window ?? 0) * 1000;
  let [count, until] = [0, Infinity];
  for (const { at, value } of rates.toReversed()) {
    if (at <= begin) break;
    if (at > until) continue;
    const step = length > 0 ? length : at - (rates.findLast((one) => one.at < at)?.at ?? at);
    const isYounger = (rates[0]?.at ?? at) > at - step;
    count += (value * (isYounger ? step : Math.min(step, at - begin))) / 1000;
    until = at - step;
  }
  return count;
}

/**
 * Returns when a version has served last, by its samples of requests, or of the health query where these are not measured, in
 * milliseconds. -Infinity: never, or it is not measured.
 */
export const lastServed = (
  { by_version: versions, at }: Pick<Evidence, 'by_version' | 'at'>,
  { version }: { version: string },
): number =>
  Math.max(
    ...(versions ?? [])
      .filter((one) => sameVersion(one.version, version))
      .map(
        ({ curve, traffic }) =>
          pointsOf(traffic ?? curve, at).findLast(({ value }) => traffic === null || value > 0)?.at ?? -Infinity,
      ),
  );

/** Returns whether a version has served recently. */
export const isRecent = (one: VersionSeries, at: Evidence['at']): boolean =>
  millisOf(at) - lastServed({ by_version: [one], at }, one) <= FRESH_SECONDS * 1000;

/** Treats an unknown share as traffic: the query would return no value for the version otherwise. */
export const takesTraffic = ({ share }: Measured, least = TRAFFIC_SHARE_MIN): boolean =>
  share === null || !(share < least);

/** Returns the part of the window, up to 1, for which a version has had samples: the rate of a younger one is as much too low. */
export const ageInWindows = ({ since }: Measured, { health, at }: Evidence): number =>
  Math.min(1, (millisOf(at) - since) / 1000 / (health?.window ?? 1));

/**
 * Returns whether the version's own newest samples are above the limit. Without its traffic, the alert must name it: a few
 * requests can fail by chance.
 */
export function isVersionBadNow(evidence: Evidence, change: Change): boolean {
  const { health, at, alert_versions: named } = evidence;
  const own = seriesOf(evidence, change);
  if (own === undefined || health === null) return false;
  if (own.traffic === null && !(named.length > 0 && named.every((one) => sameVersion(one, change.version))))
    return false;
  const newest = pointsOf(own.curve, at).slice(-MIN_SAMPLES);
  const isFresh = newest.every((point) => millisOf(at) - point.at <= FRESH_SECONDS * 1000);
  return newest.length === MIN_SAMPLES && isFresh && newest.every(({ value }) => value > health.max);
}

/** Greatest age in seconds of the newest samples of a version that describe the present. */
export const FRESH_SECONDS = 120;

/** Returns the version's share of the measured traffic since a time in milliseconds. Null: not measured. */
export function shareSince(evidence: Evidence, { version }: Change, from: number): number | null {
  const measured = measuredSince(evidence, from);
  const ownMeasured = measured.filter((one) => sameVersion(one.version, version));
  return ownMeasured.reduce<number | null>((sum, { share }) => (share === null ? null : (sum ?? 0) + share), null);
}

/**
 * Returns the time in milliseconds until which the versions of before have had traffic beside this one: the CD system may
 * report no end, or an earlier one. Null: not measured.
 */
export function othersServedUntil(evidence: Evidence, { change, relation }: Candidate): number | null {
  const { by_version: versions, health, at } = evidence;
  const own = seriesOf(evidence, change);
  const start = millisOf(change.started_at);
  if (relation !== 'same' || own?.traffic == null) return null;
  const older = (versions ?? []).filter(
    (one) => one !== own && pointsOf(one.traffic ?? [], at).some((point) => point.at < start),
  );
  const until = Math.max(
    ...older.map((one) => servedUntil(one, own, start, { at, window: health?.window ?? 0 }) ?? -Infinity),
  );
  return Number.isFinite(until) ? until : null;
}

/**
 * Returns the time in milliseconds until which a version has had traffic beside another one, after a time in milliseconds. Null: not known.
 *
 * @param window seconds that a rate describes
 */
export function servedUntil(
  one: Pick<VersionSeries, 'traffic'>,
  beside: Pick<VersionSeries, 'traffic'>,
  after: number,
  { at, window }: { at: Evidence['at']; window: number },
): number | null {
  const rates = valuesByTime(beside.traffic ?? [], at);
  const last = pointsOf(one.traffic ?? [], at).findLast(
    (point) =>
      point.at > after &&
      rates.has(point.at) &&
      point.value >= SERVING_SHARE_MIN * (point.value + (rates.get(point.at) ?? 0)),
  );
  // A rate describes the window before it.
  return last === undefined ? null : last.at - (1 - SERVING_SHARE_MIN) * window * 1000;
}

/** Returns when monitoring has seen the version first, in milliseconds. Infinity: never. */
function firstSeen(evidence: Evidence, change: Change): number {
  const own = seriesOf(evidence, change);
  return own === undefined ? Infinity : firstSample(own, evidence.at);
}

/**
 * Returns whether monitoring has seen the version first within the half hour before the onset, and others before: it was
 * deployed then, whatever the records say.
 */
export function hasBegunBefore(
  evidence: Evidence,
  { change, relation }: Candidate,
  { earliest, latest }: Onset,
): boolean {
  const first = firstSeen(evidence, change);
  return (
    relation === 'same' &&
    first >= millisOf(earliest) - LOOK_BACK_SECONDS * 1000 &&
    first <= millisOf(latest) + USUAL_INTERVAL_MS &&
    monitoredSince(evidence) < first - SAME_TIME_MS
  );
}

/**
 * Weighs a version whose first sample is later than the errors: it has not caused them, whatever the records say. A migration
 * can break the service before its version serves.
 */
export function notYetServing(
  evidence: Evidence,
  { change, relation }: Candidate,
  { latest, from }: Onset,
): Factor | null {
  if (relation !== 'same' || change.has_migration === true || from !== 'health') return null;
  const first = firstSeen(evidence, change);
  return Number.isFinite(first) &&
    first > millisOf(latest) + USUAL_INTERVAL_MS &&
    monitoredSince(evidence) < millisOf(latest) - SAME_TIME_MS
    ? weightedFactor('served_later', `monitoring has seen ${change.version} only after the errors began`)
    : null;
}
