import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { flagKeyOf, isOffVariant } from '../changes/flags.ts';
import { putsVersionLive, sameVersion } from '../changes/versions.ts';
import { isKnownByInstance, onlyInstanceBad, warmingUp } from './by-instance.ts';
import { DOUBLED, FAR_WORSE, MIN_REQUESTS, wholeIn } from './chance.ts';
import { asCallersSee, BLAMES, type OfCallers, oneInstanceExplains, withCallers } from './callers.ts';
import { type Candidate } from './candidates.ts';
import type { ByFlag, Evidence, Series } from './evidence.ts';
import { applying, type Factor, weightedFactor, unweightedFactor, withoutEffect } from './factor.ts';
import { type Course, courseOf } from './health.ts';
import type { Onset } from './onset.ts';
import { onlyPodBad, podsFactor, podsOf, whyNotServing } from './pods.ts';
import {
  countsBeside,
  differsBeside,
  keepsRate,
  leastSeconds,
  otherFailsBeside,
  type Measure,
  type VersionCurves,
} from './side-by-side.ts';
import { type Point, pointsOf, USUAL_INTERVAL_MS, valuesByTime } from './samples.ts';
import { formatDuration, list, formatPercent } from './words.ts';
import {
  FRESH_SECONDS,
  type Measured,
  SERVING_SHARE_MIN,
  TRAFFIC_SHARE_MIN,
  ageInWindows,
  isRecent,
  lastServed,
  measuredSince,
  servedUntil,
  takesTraffic,
} from './version-traffic.ts';
import { hasLimit, SAME_TIME_MS, seriesOf, windowOfVersions } from './series.ts';
import { wasReplaced } from './succession.ts';
import { errorsWithoutVersion, whyUnseen } from './unseen-version.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Time in seconds since the onset for which the variants of a flag must have served. In a shorter time, errors would hardly show. */
const BESIDE_SECONDS = 60;

/** Smallest part of the rise of all errors that a version's errors explain if they are its cause. */
const EXPLAINED_SHARE = 0.4;

/**
 * The levels of the versions since the problem began. `missing`: why it is not known that they have served side by side since
 * then; null: it is. `stopped`: seconds since the others stopped serving; null: they still serve.
 */
type Beside = { measured: Measured[]; missing: string | null; stopped: number | null };

/**
 * Returns the time in milliseconds since which the version fails: the onset, or its first sample if each of its samples is
 * above the limit. The health of all shows a version that takes over slowly later.
 */
function failsSince(evidence: Evidence, change: Change, { latest }: Onset): number {
  const { health, at } = evidence;
  const points = pointsOf(seriesOf(evidence, change)?.curve ?? [], at);
  const [first] = points;
  const isBadFromStart = first !== undefined && health !== null && points.every(({ value }) => value > health.max);
  return isBadFromStart ? Math.min(first.at, millisOf(latest)) : millisOf(latest);
}

/**
 * Returns the levels of the versions since the onset, and whether others have served beside this one since then. The
 * values of a version that was replaced just before the onset still exist for the length of the window, but describe the
 * healthy time before it.
 */
function measuredBeside(evidence: Evidence, change: Change, onset: Onset): Beside {
  const { finished_at: finished, version, kind, canary_weight: weight } = change;
  const window = windowOfVersions(evidence);
  const since = failsSince(evidence, change, onset);
  const after = measuredSince(evidence, since + window * 1000);
  const isOther = (one: Measured): boolean => !sameVersion(one.version, version);
  // Requests that are not counted can have ended with the roll-out.
  const isOver = finished !== null && millisOf(finished) < since + window * 1000;
  const own = seriesOf(evidence, change);
  const servedBeside = (one: Measured): boolean => {
    const [measure, seconds] = [measureOf(evidence.health, window), secondsBeside(evidence, own, one.series, since)];
    return (
      (one.share ?? 0) >= SERVING_SHARE_MIN &&
      (seconds === null || measure === null || seconds >= leastSeconds(measure))
    );
  };
  // The CD system says that the others take the rest. Records of older versions lack the weight.
  const isCanary = finished === null && weight !== null && weight !== undefined && weight < 1;
  if (after.some((one) => isOther(one) && (one.share === null ? !isOver : servedBeside(one))) && !after.every(isOther))
    return { measured: after, missing: null, stopped: null };
  const measured = measuredSince(evidence, since);
  // Long after the end of a roll-out, a version that still takes traffic was never replaced.
  const hasEnded = finished !== null && millisOf(finished) <= since - window * 1000;
  const stillServe =
    finished !== null &&
    measured.some(
      (one) =>
        isOther(one) &&
        (one.share ?? 0) >= SERVING_SHARE_MIN &&
        keepsRate(pointsOf(one.series.traffic ?? [], evidence.at), millisOf(finished)),
    );
  const stayed = hasEnded && stillServe;
  // A flag replaces nothing.
  const goesOn = kind === 'flag' && finished === null && (millisOf(evidence.at) - since) / 1000 >= BESIDE_SECONDS;
  return {
    measured,
    missing: isCanary || stayed || goesOn ? null : notShownBeside(evidence, change, measured, since),
    stopped: finished === null || stillServe ? null : (millisOf(evidence.at) - millisOf(finished)) / 1000,
  };
}

/** Returns for how long two versions have served side by side since a time in milliseconds. Null: their requests don't show it. */
function secondsBeside(
  { health, by_version_window: window, at }: Evidence,
  own: Series | undefined,
  other: Series,
  from: number,
): number | null {
  const measure = measureOf(health, window);
  if (measure === null || own === undefined || !hasTraffic(own) || !hasTraffic(other)) return null;
  return countsBeside(own, other, { from, until: at, measure })?.seconds ?? 0;
}

/** Says for how long a version and others have served side by side since a time in milliseconds, and how long a proof takes. */
function notShownBeside(
  evidence: Evidence & CloseUp,
  { version }: Pick<Change, 'version'>,
  measured: readonly Measured[],
  since: number,
): string {
  const { at, isCloseUp } = evidence;
  const window = windowOfVersions(evidence);
  const [own] = measured.filter((one) => sameVersion(one.version, version));
  const others = own === undefined ? [] : measured.filter((one) => !sameVersion(one.version, version));
  const [longest] = others
    .map((one) => ({
      name: one.version,
      seconds:
        own === undefined ? 0 : ((servedUntil(one.series, own.series, since, { at, window }) ?? since) - since) / 1000,
    }))
    .toSorted((a, b) => b.seconds - a.seconds);
  const least = leastSeconds({ window, ...(isCloseUp && { isShortest: true as const }) });
  if (longest !== undefined && longest.seconds >= 1)
    return longest.seconds < least
      ? `${version} and ${longest.name} served side by side for about ${formatDuration(longest.seconds)} since the errors began, and a proof takes ${formatDuration(least)}`
      : `too few requests show how ${version} and ${longest.name} served side by side since the errors began`;
  const isCounted = measured.every(({ share }) => share !== null);
  return `the metrics do not show that ${version} and another version served at the same time since the errors began${isCounted ? '' : '; health.trafficByVersion would show it'}`;
}

/**
 * Compares the variants of a flag as if each were a version: the one that differs most from the rest, except those that
 * users get while the flag is off. Null: the variants are not measured.
 */
function byVariant(evidence: Evidence, candidate: Candidate, onset: Onset, course: Course | null): Factor | null {
  const flag = flagKeyOf(candidate.change);
  const own = evidence.by_flag?.find((one) => one.flag === flag);
  if (own === undefined) return null;
  const { by_version_window: _, ...rest } = evidence;
  const serving = variantsServing(own, evidence, candidate.change);
  const ofFlag = {
    ...rest,
    by_version: serving ?? own.variants,
    ...(own.window !== undefined && { by_version_window: own.window }),
  };
  // A flag does not replace its variants as a roll-out replaces versions: those with traffic go on side by side.
  const goesOn = serving === null ? {} : ({ finished_at: null, status: 'started' } as const);
  const [worst] = own.variants
    .filter(({ version }) => !isOffVariant(version))
    .map(({ version }) =>
      byVersion(
        ofFlag,
        { ...candidate, change: { ...candidate.change, ...goesOn, version: version as Version } },
        onset,
        course,
      ),
    )
    .filter((one) => one !== null)
    .toSorted((a, b) => b.weight - a.weight);
  return worst === undefined ? null : { ...worst, text: `by variant of ${flag}: ${worst.text}` };
}

/**
 * Returns the variants that users get now. Null: not known, because requests are not measured, or the values still
 * describe the time before the change.
 */
function variantsServing(
  { variants, window = UNKNOWN_WINDOW_SECONDS.longest }: ByFlag,
  { at }: Evidence,
  change: Change,
) {
  const age = (millisOf(at) - millisOf(change.finished_at ?? change.started_at)) / 1000;
  if (age < window || variants.some(({ traffic }) => traffic === null)) return null;
  const now = variants.map((one) => {
    const newest = pointsOf(one.traffic ?? [], at).at(-1);
    return { one, rate: newest !== undefined && millisOf(at) - newest.at <= FRESH_SECONDS * 1000 ? newest.value : 0 };
  });
  const all = now.reduce((sum, { rate }) => sum + rate, 0);
  return now.filter(({ rate }) => rate >= SERVING_SHARE_MIN * all && rate > 0).map(({ one }) => one);
}

/**
 * Returns factors that compare the versions in service, or the variants of a flag. Empty unless the change puts a version
 * of the failing service live, or changes one of its flags.
 */
export function versionFactors(
  evidence: Evidence & OfCallers,
  candidate: Candidate,
  onset: Onset,
  course: Course | null,
): Factor[] {
  if (candidate.relation === 'same' && candidate.change.kind === 'flag')
    return applying([byVariant(evidence, candidate, onset, course)]);
  if (candidate.relation !== 'same' || !putsVersionLive(candidate.change)) return [];
  const { change } = candidate;
  const seen = evidence.isOfCallers === true ? evidence : asCallersSee(evidence);
  const stopped = stoppedFactor(evidence.by_version === null ? (seen ?? evidence) : evidence, change, onset);
  const others = [byAlert(evidence.alert_versions, change, onset), podsFactor(evidence, candidate)];
  if (stopped !== null) return applying([stopped, ...others]);
  const own = evidence.isOfCallers === true ? null : byVersion(evidence, candidate, onset, course);
  const callers = seen && byVersion(seen, candidate, onset, courseOf(seen, candidate, onset));
  const factor = withCallers(own, callers);
  const isSeenOnly = seen !== null && factor?.name === 'callers_see_only_it';
  // A person decides about what fails in one instance only, or only while it is new.
  const instance = oneInstanceFails(evidence, change, onset) ?? (isSeenOnly ? oneInstanceExplains(seen, change) : null);
  const young = warmingUp(evidence, change) ?? (isSeenOnly ? warmingUp(seen, change) : null);
  return applying([
    factor,
    instance === null ? null : unweightedFactor('one_instance', instance),
    young && unweightedFactor(young.name, young.text),
    ...others,
  ]);
}

/**
 * Weighs a version that served no more when the problem began, so that what its samples show is no part of the problem: another one
 * had replaced it, or it has no requests for some time, unless it has pods.
 */
function stoppedFactor(evidence: Evidence, change: Change, onset: Onset): Factor<'no_traffic'> | null {
  const { by_version: versions } = evidence;
  if (versions === null) return null;
  const last = lastServed(evidence, change);
  const hasEnded =
    onset.from === 'health' &&
    last > millisOf(change.started_at) &&
    last < millisOf(onset.earliest) - FRESH_SECONDS * 1000 &&
    (podsOf(evidence, change)?.pods ?? 0) === 0 &&
    versions.some(({ version }) => lastServed(evidence, { version }) >= millisOf(onset.latest));
  return hasEnded || wasReplaced(evidence, change, onset)
    ? weightedFactor('no_traffic', `${change.version} received no requests any more when the problem began`)
    : null;
}

/** Says that one instance explains the errors of the version. Null: it does not, or instances are not measured. */
const oneInstanceFails = (evidence: Evidence, change: Change, onset: Onset): string | null =>
  onlyInstanceBad(evidence, change.version, failsSince(evidence, change, onset));

/**
 * Compares the versions over the window of the queries and, if that leaves open whether the others served beside this one,
 * over a shorter one.
 */
function byVersion(evidence: Evidence, candidate: Candidate, onset: Onset, course: Course | null): Factor | null {
  const measured = measuredBeside(evidence, candidate.change, onset);
  const unnamed = errorsWithoutVersion(evidence, onset);
  const usual = comparedOver(evidence, candidate, { onset, course, measured, unnamed });
  const close = closeUpOf(evidence);
  if (close === null || (usual !== null && !LEFT_OPEN.has(usual.name))) return usual;
  const closer = comparedOver(close, candidate, {
    onset,
    course,
    measured: measuredClose(close, candidate.change, onset),
    unnamed,
  });
  return closer !== null && BLAMES.has(closer.name) ? closer : usual;
}

const LEFT_OPEN: ReadonlySet<string> = new Set(['only_it_seems_bad', 'by_version']);

/** Marks evidence whose values by version cover the shortest window. */
type CloseUp = { isCloseUp?: true };

/** Returns the evidence with the values by version over the shorter window. Null: they were not read. */
function closeUpOf({ by_version_close: close, ...evidence }: Evidence): (Evidence & CloseUp) | null {
  const { health } = evidence;
  if (close === undefined || health === null) return null;
  const { versions, window } = close;
  return {
    ...evidence,
    by_version: versions,
    by_version_window: window,
    health: { ...health, window },
    isCloseUp: true,
  };
}

/**
 * Returns the levels of the versions over the shorter window. If requests are measured, only those to both versions show that
 * the others have served beside this one: the CD system may report an end long after the last instance was replaced.
 */
function measuredClose(close: Evidence, change: Change, onset: Onset): Beside {
  const versions = close.by_version ?? [];
  if (versions.some(({ traffic }) => traffic === null)) return measuredBeside(close, change, onset);
  const own = seriesOf(close, change);
  const begun = badSince(pointsOf(own?.curve ?? [], close.at), close.health?.max ?? Infinity) ?? Infinity;
  const since = Math.min(begun, millisOf(onset.latest));
  const measured = measuredSince(close, since);
  return { ...measuredBeside(close, change, onset), measured, missing: notShownBeside(close, change, measured, since) };
}

type Comparison = {
  onset: Onset;
  course: Course | null;
  measured: Beside;
  /** Why errors cannot be attributed to versions. Null: they can. */
  unnamed: string | null;
};

/** Says why versions cannot be compared. */
const notComparable = (text: string): Factor => unweightedFactor('by_version', text);

function comparedOver(
  evidence: Evidence & CloseUp & OfCallers,
  { change }: Candidate,
  { onset, course, measured: { measured, stopped, missing }, unnamed }: Comparison,
): Factor | null {
  const { changes, health } = evidence;
  if (measured.length === 0) return null;
  const ownMeasured = measured.filter(({ version }) => sameVersion(version, change.version));
  const beside = measured.filter((one) => !sameVersion(one.version, change.version) && takesTraffic(one));
  const others = beside.filter((one) => !evidence.unrecorded_versions?.includes(one.version));
  const strangers = beside.filter((one) => !others.includes(one));
  const unrecorded =
    strangers.length === 0
      ? null
      : `${namesIn(strangers)} ${strangers.length === 1 ? 'was' : 'were'} never recorded for ${change.service}, so ${change.version} cannot be compared with ${strangers.length === 1 ? 'it' : 'them'}`;
  const least = Math.min(TRAFFIC_SHARE_MIN, (change.canary_weight ?? 1) / 2);
  const { version } = change;
  if (ownMeasured.length === 0) {
    const seen = evidence.by_version?.some((one) => sameVersion(one.version, version) && isRecent(one, evidence.at));
    if (seen === true) return notComparable(`${version} has too few samples since the problem began`);
    const unseen = whyUnseen(evidence, change);
    if (unseen !== null) return notComparable(unseen);
    const known = changes.some((other) => measured.some((one) => sameVersion(one.version, other.change.version)));
    return known
      ? weightedFactor('no_traffic', `${version} is not among the versions that receive traffic`)
      : notComparable(`monitoring reports no version named ${version}`);
  }
  const own = ownMeasured.reduce((worst, one) => (one.value > worst.value ? one : worst));
  const young = ageInWindows(own, evidence);
  if (!ownMeasured.some((one) => takesTraffic(one, least * young)) && !raises(own, health, course)) {
    const notServing = whyNotServing(evidence, change);
    if (notServing !== null) return notComparable(notServing);
    return weightedFactor('no_traffic', `${version} receives almost no traffic`);
  }
  if (others.length === 0)
    return notComparable(unrecorded ?? `${version} receives all traffic, so it cannot be compared with other versions`);
  const unmeasured = [own, ...others].find((one) => one.hasFewRequests);
  if (unmeasured !== undefined)
    return notComparable(`${unmeasured.version} received fewer than ${MIN_REQUESTS} requests since the problem began`);
  // A version that came later is a fix that is on its way, or its record is. Where monitoring itself began later, the
  // first samples of all versions have about the same time.
  const begun = Math.max(own.since, millisOf(change.started_at));
  const max = hasLimit(health) ? health.max : null;
  // A bad version that was deployed over a bad one did not begin its errors, however soon it came.
  const isLaterFailure = (one: Measured): boolean =>
    max !== null && own.value > max && one.since > own.since && wasDeployedAfter(change, one, changes);
  const older = others.filter((one) => one.since <= begun + SAME_TIME_MS && !isLaterFailure(one));
  if (older.length === 0) return notComparable(`${list(others.map((one) => one.version))} came later than ${version}`);
  const unsteady = older.filter((one) => !isSteady(one, onset));
  const failing = older.filter((one) => isShown(otherFailsBeside, evidence, { own, other: one }, onset));
  const isLookedAt = evidence.isOfCallers === true || isKnownByInstance(evidence, version);
  const instance = oneInstanceFails(evidence, change, onset) ?? (isLookedAt ? null : onlyPodBad(evidence, change));
  const unproved = older.every((one) => isShown(differsBeside, evidence, { own, other: one }, onset))
    ? instance
    : (missing ??
      (failing.length > 0
        ? `the newest requests to ${namesIn(failing)} fail as well`
        : unsteady.length > 0
          ? `${namesIn(unsteady)} has samples only since the errors began, and its requests are not measured`
          : instance));
  const together = { missing: unnamed ?? unrecorded ?? unproved, stopped };
  const isQuantile = health?.quantile === true;
  if (max === null) return withoutLimit(own, others, together);
  const explained = explains(own, course, isQuantile) || explainsAtEachTime(evidence, own.series, course);
  const rivals = others.filter((one) => !isLaterFailure(one));
  return withLimit(own, rivals, { max, together, explained });
}

/** Returns whether another version of the service was deployed after the end of a deploy. */
const wasDeployedAfter = (
  { service, started_at, finished_at }: Change,
  { version }: Measured,
  changes: Evidence['changes'],
): boolean =>
  changes.some(
    ({ change: other }) =>
      other.service === service &&
      sameVersion(other.version, version) &&
      other.started_at >= (finished_at ?? started_at),
  );

const namesIn = (versions: readonly Measured[]): string => list(versions.map(({ version }) => version));

/**
 * Returns whether the samples of a version describe its requests: where these are not measured, a series can have begun with
 * the first errors, which it does not show. That holds beside a canary, too, where requests are few.
 */
const isSteady = ({ share, since }: Measured, { latest }: Onset): boolean =>
  share !== null || since <= millisOf(latest) - SAME_TIME_MS;

/** Returns whether the requests since the version fails show this of it and another one. */
function isShown(
  compare: typeof differsBeside,
  { by_version_window: window, at, health, isCloseUp }: Evidence & CloseUp,
  { own: { series: own }, other: { series: other } }: { own: Measured; other: Measured },
  { latest }: Onset,
): boolean {
  const measure = measureOf(health, window);
  if (measure === null || !hasTraffic(own) || !hasTraffic(other)) return false;
  const from = badSince(pointsOf(own.curve, at), measure.max) ?? millisOf(latest);
  return compare(own, other, {
    from,
    until: at,
    measure: { ...measure, ...(isCloseUp && { isShortest: true as const }) },
  });
}

const hasTraffic = (series: Series): series is VersionCurves => series.traffic !== null;

/** Returns how the health query measures requests. Null: it does not tell. */
function measureOf(health: Evidence['health'], window: number | undefined): Measure | null {
  if (!hasLimit(health) || window === undefined) return null;
  const { max, quantile_of: of } = health;
  const measure = { window, max, whole: wholeIn(health) };
  if (health.quantile !== true) return measure;
  return of === undefined ? null : { ...measure, quantile: of };
}

/** Returns the time before the first sample of the run above the limit that reaches the newest sample. Null: none. */
function badSince(points: readonly Point[], max: number): number | null {
  const good = points.findLastIndex(({ value }) => value <= max);
  const first = points[good + 1];
  return first === undefined ? null : (points[good]?.at ?? first.at - USUAL_INTERVAL_MS);
}

/** Returns whether a version with almost no traffic raises the errors of all above the limit nevertheless. */
const raises = (own: Measured, health: Evidence['health'], course: Course | null): boolean =>
  health !== null &&
  course !== null &&
  course.ratio !== null &&
  !own.hasFewRequests &&
  own.value > health.max &&
  explains(own, course, health.quantile === true);

function withLimit(
  own: Measured,
  others: readonly Measured[],
  { max, together, explained }: { max: number; together: Together; explained: boolean },
): Factor {
  const bad = others.filter(({ value }) => value > max);
  const text = compared(own, others);
  if (own.value <= max)
    return bad.length > 0
      ? weightedFactor('its_version_healthy', `${text}: it is healthy, and others are not`)
      : weightedFactor('no_version_bad', `${text}: no version is bad`);
  if (bad.length === 0) {
    if (together.missing !== null) return notTogether(own, others, together);
    if (others.some(({ value }) => own.value < FAR_WORSE * value))
      return weightedFactor('only_it_seems_bad', `${text}: the difference is small`);
    if (!explained) return weightedFactor('only_it_seems_bad', `${text}, which does not explain all errors`);
    return own.share !== null && own.share <= 0.5
      ? weightedFactor('canary_bad', `${text}, which explains the errors of all`)
      : weightedFactor('only_its_version_bad', text);
  }
  return bad.length === others.length
    ? weightedFactor('all_versions_bad', `${text}: all versions are bad`)
    : weightedFactor('some_other_version_bad', `${text}: it is not the only bad version`);
}

/** Returns whether the errors of a version, by its share of the traffic, explain the rise of all errors. */
function explains({ value, share }: Measured, course: Course | null, isQuantile: boolean): boolean {
  if (share === null || course === null || course.ratio === null) return true;
  if (isQuantile) return share >= TRAFFIC_SHARE_MIN / 2;
  return share * (value - course.baseline) >= EXPLAINED_SHARE * (course.level - course.baseline);
}

/**
 * Returns whether the errors of a version explain the rise of all errors by its share at the time of each sample: the share
 * of a new canary grows over the window of the query.
 */
function explainsAtEachTime(
  { by_version: versions, at, health }: Evidence,
  own: Series,
  course: Course | null,
): boolean {
  if (course === null || health === null || own.traffic === null || health.quantile === true) return false;
  const rates = (versions ?? []).map(({ traffic }) => valuesByTime(traffic ?? [], at));
  const [ownValues, ownRates] = [valuesByTime(own.curve, at), valuesByTime(own.traffic, at)];
  let [ownRequests, total] = [0, 0];
  for (const { at: time, value } of course.since) {
    const [ownValue, ownRate] = [ownValues.get(time), ownRates.get(time)];
    if (ownValue === undefined || ownRate === undefined) continue;
    const rate = rates.reduce((sum, one) => sum + (one.get(time) ?? 0), 0);
    ownRequests += ownRate * (ownValue - course.baseline);
    total += rate * (value - course.baseline);
  }
  return total > 0 && ownRequests >= EXPLAINED_SHARE * total;
}

/** Both versions can be well, however they differ. */
const NO_LIMIT = 'the health query has no answer, so it is not known whether a version is above its limit';

function withoutLimit(own: Measured, others: readonly Measured[], together: Together): Factor {
  const worst = Math.max(...others.map(({ value }) => value));
  const text = compared(own, others);
  if (own.value > 0 && own.value >= DOUBLED * worst)
    return notTogether(own, others, { ...together, missing: together.missing ?? NO_LIMIT });
  return worst >= DOUBLED * own.value && worst > 0
    ? weightedFactor('its_version_healthy', `${text}: other versions are worse`)
    : weightedFactor('all_versions_bad', `${text}: all versions are similar`);
}

function compared(own: Measured, others: readonly Measured[]): string {
  const of = ({ share }: Measured): string => (share === null ? '' : ` (${formatPercent(share)} of traffic)`);
  const words = others.map((one) => `${one.version} at ${one.words}${of(one)}`);
  return `${own.version} is at ${own.words}${of(own)}, ${list(words)}`;
}

type Together = Pick<Beside, 'missing' | 'stopped'>;

/** Says of a version that it seems bad, and why the values of the others may describe an earlier time. */
function notTogether(own: Measured, others: readonly Measured[], { missing, stopped }: Together): Factor {
  // The shares are those of the time since the errors began, in which the others still served.
  const text =
    stopped === null || stopped < 0
      ? compared(own, others)
      : `${compared(
          { ...own, share: null },
          others.map((one) => ({ ...one, share: null })),
        )}, but ${namesIn(others)} stopped serving ${formatDuration(stopped)} ago`;
  return { ...weightedFactor('only_it_seems_bad', text), ...(missing !== null && { missing }) };
}

/** Weighs the versions named in the labels of the alerts. */
function byAlert(named: readonly string[], { version, finished_at }: Change, { latest }: Onset): Factor | null {
  if (named.length === 0) return null;
  const others = [...new Set(named.filter((name) => !sameVersion(name, version)))].toSorted();
  if (others.length === 0) {
    const text = `the alerts name ${version} and no other version`;
    // Once the version takes all traffic, every alert names it, whatever the cause.
    const factor = weightedFactor('alert_names_it', text);
    return finished_at === null || finished_at > latest ? factor : withoutEffect(factor);
  }
  return others.length < new Set(named).size
    ? weightedFactor('alert_names_others_too', `the alerts name ${list(others)} as well as ${version}`)
    : weightedFactor('alert_names_others', `the alerts name ${list(others)}, not ${version}`);
}
