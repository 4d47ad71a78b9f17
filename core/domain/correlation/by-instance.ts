import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { sameVersion } from '../changes/versions.ts';
import { wholeIn } from './chance.ts';
import type { Evidence, Health, InstancesOfVersion, Series } from './evidence.ts';
import { mean, median, type Point, pointsBetween, pointsOf } from './samples.ts';
import { firstSample, hasLimit, monitoredSince, SAME_TIME_MS } from './series.ts';
import { formatDuration, formatHealth, list } from './words.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Minimum requests to an instance that is well, and failed ones of an instance that is not. */
const MIN_REQUESTS = 10;
const MIN_FAILED = 2;

/** Failed requests that an instance would have had as before, at least, to show that it does not fail any more. */
const MISSED_FAILURES = 10;

/** Time in seconds after its first sample within which an instance fails from its start. */
const START_SECONDS = 45;

/** Failures that an instance would have had before if it had failed as it does since, at least, to show that it was well. */
const SPARED_FAILURES = 5;

/**
 * Seconds without a sample, beside instances with newer ones, after which an instance that failed has ended, and one that was well:
 * its samples may only be late.
 */
const ENDED_SECONDS = 90;
const LATE_SECONDS = 300;

/**
 * Part of its usual requests, and of those to other instances now, below which an instance ends: its rate falls until the window
 * has passed. The rates of all fall where instances are added.
 */
const ENDING = 0.7;

/** Seconds before an instance gets a version in which the version before counts. A host may be drained and restarted in between. */
const REPLACED_SECONDS = 900;

type Instance = InstancesOfVersion['instances'][number];

/**
 * The newest values of an instance. `requests`: null: not measured. `isBad`: it is above the limit by more than chance. `hasEnded`:
 * it takes no requests any more, or soon.
 */
type Newest<One extends Series> = {
  instance: One;
  newest: Point;
  requests: number | null;
  isBad: boolean;
  hasEnded: boolean;
};

/** How the values of instances are to be read. `window`: seconds that they cover; null: unknown. */
type Scale = { window: number | null; health: Health; at: Evidence['at'] };

/** Returns whether it is known which instances of a version fail now. */
export const isKnownByInstance = (
  { by_instance: measured, health }: Pick<Evidence, 'by_instance' | 'health'>,
  version: string,
): boolean =>
  measured?.versions.some(
    (one) =>
      sameVersion(one.version, version) &&
      one.instances.some(({ curve }) => (curve.at(-1)?.[1] ?? 0) > (health?.max ?? Infinity)),
  ) ?? false;

/**
 * Says that a single instance explains the errors of a version: its other instances are well, or it is the only one and had been
 * well, it is a host that failed with the version before, or none fails any more. A node that fails, a full disk, or a noisy neighbour concerns one
 * instance; a version concerns all of its own. Instances that have ended count neither as failing nor as well, unless no others do.
 *
 * @param from time in milliseconds since which the version fails
 * @returns null if at least two instances fail, or if instances are not measured
 */
export function onlyInstanceBad(
  { by_instance: measured, health, at }: Pick<Evidence, 'by_instance' | 'health' | 'at'>,
  version: string,
  from: number,
): string | null {
  const own = measured?.versions.find((one) => sameVersion(one.version, version));
  if (measured === undefined || own === undefined || !hasLimit(health)) return null;
  const { max } = health;
  const scale = { window: measured.window, health, at };
  const all = newestOf(own.instances, scale, from);
  const isWell = (one: Newest<Instance>): boolean =>
    !one.isBad && (one.requests === null || one.requests >= MIN_REQUESTS);
  const serving = all.filter(({ hasEnded }) => !hasEnded);
  const judged = serving.some((one) => one.isBad || isWell(one)) ? serving : all;
  const failing = judged.filter(({ isBad }) => isBad);
  const before = measured.versions.filter((one) => one !== own).flatMap(({ instances }) => instances);
  const known = failing.filter(({ instance }) => failedBefore(instance, before, scale));
  const [bad, ...more] = failing.filter((one) => !known.includes(one));
  if (more.length > 0) return null;
  const namesKnown = list(known.map(({ instance }) => instance.name));
  const well = judged.filter(isWell);
  const areWell = `${well.length} other ${well.length === 1 ? 'instance of it is' : 'instances of it are'} well`;
  if (bad === undefined) {
    if (known.length > 0)
      return `${known.length === 1 ? 'instance' : 'instances'} ${namesKnown} failed before ${version}, too, and no other instance of it fails`;
    if (well.length === 0) return null;
    if (all.some(({ hasEnded, newest }) => hasEnded && newest.value > max))
      return `the instances of ${version} that failed have ended, and ${areWell}`;
    const failed = judged.flatMap(({ instance, requests }) => {
      const last = pointsBetween(pointsOf(instance.curve, at), from, Infinity).findLast(({ value }) => value > max);
      return last === undefined ? [] : [{ requests, share: last.value / wholeIn(health) }];
    });
    const areOver = failed.length > 0 && judged.every(({ newest }) => newest.value <= max);
    const isChance = failed.some(({ requests, share }) => (requests ?? 0) * Math.min(1, share) < MISSED_FAILURES);
    return areOver && !isChance ? `no instance of ${version} is above the limit any more` : null;
  }
  const name = `${bad.instance.name} of ${version}`;
  const apart = known.length === 0 ? '' : `, apart from ${namesKnown}, which failed before ${version}, too`;
  if (well.length > 0)
    return `only instance ${name} fails, at ${formatHealth(bad.newest.value, health.whole)}${apart}; ${areWell}`;
  return wasWell(bad.instance, health, at)
    ? `instance ${name} had been well, and no other instance of it is known to be well`
    : null;
}

/**
 * Returns whether an instance failed with the version before, under the same name, such as a host whose disk is full. What
 * fails while the process of that version ends does not count.
 */
function failedBefore(instance: Instance, others: readonly Instance[], { at, ...scale }: Scale): boolean {
  const until = timestamp(firstSample(instance, at) - START_SECONDS * 1000);
  const from = millisOf(until) - REPLACED_SECONDS * 1000;
  const alike = others.filter(({ name }) => name === instance.name);
  const replaced = newestOf(alike, { ...scale, at: until }, from);
  // The rates of versions that followed each other soon end at the same time.
  const [last] = replaced.toSorted(
    (a, b) => b.newest.at - a.newest.at || firstSample(b.instance, at) - firstSample(a.instance, at),
  );
  return last?.isBad === true;
}

/** Returns the newest values of instances since a time in milliseconds. */
function newestOf<One extends Series>(all: readonly One[], { at, window, health }: Scale, from: number): Newest<One>[] {
  const sampled = all.flatMap((instance) => {
    const newest = pointsBetween(pointsOf(instance.curve, at), from, Infinity).at(-1);
    const rates = pointsOf(instance.traffic ?? [], at);
    return newest === undefined ? [] : [{ instance, newest, rates, last: lastOf(newest, rates) }];
  });
  const newestOfAll = Math.max(...sampled.map(({ last }) => last));
  const rateOfAll = median(sampled.flatMap(({ rates }) => rates.at(-1) ?? []));
  return sampled.map(({ instance, newest, rates, last }) => {
    const rate = rates.findLast((point) => point.at <= newest.at)?.value ?? 0;
    const requests = instance.traffic === null || window === null ? null : rate * window;
    const isAbove = newest.value > health.max;
    const behind = (newestOfAll - last) / 1000;
    return {
      instance,
      newest,
      requests,
      isBad: isAbove && areCounted(requests, newest.value, health),
      hasEnded: isEnding(rates, rateOfAll) || behind > (isAbove ? ENDED_SECONDS : LATE_SECONDS),
    };
  });
}

/** Returns the time of the last request, or of the last sample of health. */
const lastOf = (newest: Point, rates: readonly Point[]): number =>
  Math.max(newest.at, rates.findLast(({ value }) => value > 0)?.at ?? 0);

function isEnding(rates: readonly Point[], rateOfAll: number): boolean {
  const usual = median(rates.filter(({ value }) => value > 0));
  return (rates.at(-1)?.value ?? usual) < ENDING * Math.min(usual, rateOfAll);
}

/** Returns whether so many requests come that this value of the health query is more than chance. A quantile counts no failed ones. */
const areCounted = (requests: number | null, value: number, health: Health): boolean =>
  requests === null ||
  (health.quantile === true ? requests >= MIN_REQUESTS : requests * Math.min(1, value / wholeIn(health)) >= MIN_FAILED);

/**
 * Returns whether an instance, or a version, was within the limit for longer than the time of its start, with so many requests
 * that failures as since would have shown.
 */
export function wasWell(series: Series, health: Health, at: Evidence['at']): boolean {
  const points = pointsOf(series.curve, at);
  const began = Math.min(firstSample(series, at), millisOf(at));
  const failed = points.find(({ value }) => value > health.max);
  if (failed === undefined || failed.at - began <= START_SECONDS * 1000) return false;
  if (series.traffic === null || health.quantile === true) return true;
  const rate = mean(pointsBetween(pointsOf(series.traffic, at), began, failed.at)) || 0;
  const ratio = Math.min(1, mean(pointsBetween(points, failed.at, Infinity)) / wholeIn(health));
  return (rate * ratio * (failed.at - began)) / 1000 >= SPARED_FAILURES;
}

/** Age in seconds up to which caches and connections can be cold. */
const YOUNG_SECONDS = 180;

/** Age in seconds below which it is not worth telling: the first sample can be as much younger than its instance. */
const NEW_SECONDS = 30;

/** Time in seconds in which the errors of cold caches fall to half, at most. */
const HALF_LIFE_SECONDS = 900;

/** Most seconds after the first whole window in which a fall can be seen; half a window, if it is shorter. */
const SEEN_SECONDS = 30;

/** Minimum samples of an instance. */
const MIN_SAMPLES = 3;

/** Part of the age of the oldest instance that fails below which others that fail are too new to show a fall. */
const OLD = 0.5;

/**
 * Mean levels in the younger and in the older half of the time of an instance, and its requests per second. `cooled`: what caches that warm
 * up slowly would leave of the early level in the older half.
 */
type Halves = { early: number; cooled: number; late: number; rate: number };

/**
 * Says that a version may fail only because it is new: the errors of its oldest instances fall with their age, or some instances
 * have recovered while none that fails is older than three minutes, or than these were when they recovered. Each instance of a
 * rolling deploy is new by itself, so the version as a whole fails until the last one is warm. Instances that have ended tell
 * nothing about those that serve. Without metrics by instance, the version counts as one.
 *
 * @returns `too_young`: that cannot be seen yet. Null: the errors do not fall
 */
export function warmingUp(
  evidence: Pick<Evidence, 'by_instance' | 'by_version' | 'by_version_close' | 'health' | 'at'>,
  { version, started_at }: Pick<Change, 'version' | 'started_at'>,
): { name: 'warming_up' | 'too_young'; text: string } | null {
  const { health, at } = evidence;
  if (!hasLimit(health)) return null;
  const { max } = health;
  const { units, window, areInstances } = unitsOf(evidence, version);
  const seen = window ?? UNKNOWN_WINDOW_SECONDS.shortest;
  const monitored = monitoredSince(evidence);
  const all = newestOf(units, { window, health, at }, -Infinity);
  const serving = all.filter(({ hasEnded }) => !hasEnded);
  const known = (serving.length > 0 ? serving : all).map(({ instance, ...one }) => {
    const points = pointsOf(instance.curve, at);
    const sampled = firstSample(instance, at);
    // Where monitoring itself is as young, the record says when the version began.
    const began = sampled <= monitored + SAME_TIME_MS ? Math.min(sampled, millisOf(started_at)) : sampled;
    const [firstBad, lastBad] = [points.find(({ value }) => value > max), points.findLast(({ value }) => value > max)];
    // What was well at first does not fail because it is new.
    const isColdFrom = firstBad !== undefined && firstBad.at - began <= START_SECONDS * 1000;
    const usual = median(points.filter(({ value }) => value > max));
    const isOver = firstBad !== undefined && one.newest.value <= max && areCounted(one.requests, usual, health);
    const hasRecovered = isColdFrom && isOver;
    const wellFor = one.newest.at - (lastBad?.at ?? began);
    // A single value within the limit can be chance.
    const warmedFor = wellFor >= seen * 1000 ? ((lastBad?.at ?? began) - began) / 1000 : 0;
    const age = (millisOf(at) - began) / 1000;
    const hasFailed = firstBad !== undefined;
    return { ...one, traffic: instance.traffic, points, hasFailed, isColdFrom, isOver, hasRecovered, warmedFor, age };
  });
  const above = known.filter(({ newest }) => newest.value > max);
  const recovered = known.filter(({ hasRecovered }) => hasRecovered);
  if (above.length === 0 && known.some(({ isOver }) => isOver))
    return warming(
      areInstances ? `no instance of ${version} that serves fails any more` : `${version} does not fail any more`,
    );
  // A failed request of an old instance can be chance.
  const bad = above.filter(({ isBad }) => isBad);
  const failing = [bad, above, known.filter(({ hasFailed }) => hasFailed)].find((some) => some.length > 0) ?? [];
  if (failing.length === 0) return null;
  const oldest = Math.max(...failing.map(({ age }) => age));
  const isNew = oldest < NEW_SECONDS;
  const [aged, their] = areInstances
    ? [
        `the instances of ${version} that ${above.length > 0 ? 'fail' : 'failed'} ${isNew ? 'have only just started' : `have reported for at most ${formatDuration(oldest)}`}`,
        'their',
      ]
    : [`${version} has ${isNew ? 'only just begun to serve' : `served for ${formatDuration(oldest)}`}`, 'its'];
  const isYoung = oldest < YOUNG_SECONDS;
  const areCold = failing.every(({ isColdFrom }) => isColdFrom);
  const isAsOthersWere = areCold && recovered.some(({ warmedFor }) => oldest <= warmedFor);
  if (recovered.length > 0 && (isYoung || isAsOthersWere))
    return warming(
      `${aged}, and ${recovered.length} other ${recovered.length === 1 ? 'one has' : 'ones have'} recovered`,
    );
  if (areCold && oldest < Math.min(YOUNG_SECONDS, seen + Math.min(SEEN_SECONDS, seen / 2)))
    return { name: 'too_young', text: `${aged}, too early to see whether ${their} errors fall` };
  const halves = known
    .filter(({ isColdFrom, points }) => isColdFrom && points.length >= MIN_SAMPLES)
    .filter(({ newest, age }) => newest.value <= max || age >= OLD * oldest)
    .map(halvesOf);
  const [early, late] = [meanOf(halves, 'early'), meanOf(halves, 'late')];
  const shown = [early, late].map((value) => formatHealth(value, health.whole));
  return areCold && late < meanOf(halves, 'cooled')
    ? warming(`${aged}, and ${their} errors went from ${shown.join(' to ')} in that time: caches may be cold`)
    : null;
}

const warming = (text: string) => ({ name: 'warming_up' as const, text });

const meanOf = (halves: readonly Halves[], value: Exclude<keyof Halves, 'rate'>): number =>
  halves.reduce((sum, one) => sum + one.rate * one[value], 0) / halves.reduce((sum, { rate }) => sum + rate, 0);

/** Returns the mean levels of an instance in the halves of its time. Without its requests, all instances have as many. */
function halvesOf({
  points,
  traffic,
  age,
}: {
  points: readonly Point[];
  traffic: Instance['traffic'];
  age: number;
}): Halves {
  const middle = Math.floor(points.length / 2);
  const early = mean(points.slice(0, middle));
  return {
    early,
    cooled: early * 0.5 ** (age / 2 / HALF_LIFE_SECONDS),
    late: mean(points.slice(middle)),
    rate: traffic === null ? 1 : (traffic.at(-1)?.[1] ?? 0),
  };
}

/** Returns the instances of a version, or the version as one, and the seconds that their values cover. */
function unitsOf(
  evidence: Parameters<typeof warmingUp>[0],
  version: string,
): { units: readonly Series[]; window: number | null; areInstances: boolean } {
  const isOwn = (one: { version: string }): boolean => sameVersion(one.version, version);
  const { by_instance: instances, by_version: versions, by_version_close: close, health } = evidence;
  const own = isKnownByInstance(evidence, version) ? instances?.versions.find(isOwn) : undefined;
  if (own !== undefined) return { units: own.instances, window: instances?.window ?? null, areInstances: true };
  const { versions: measured, window } = close ?? { versions: versions ?? [], window: health?.window ?? null };
  return { units: measured.filter(isOwn), window, areInstances: false };
}
