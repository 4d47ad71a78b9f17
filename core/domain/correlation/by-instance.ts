import { millisOf, timestamp } from '../../../schemas/time/time.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { sameVersion } from '../changes/versions.ts';
import { wholeIn } from './chance.ts';
import type { Evidence, InstancesOfVersion } from './evidence.ts';
import { type Point, pointsBetween, pointsOf } from './samples.ts';
import { formatDuration, formatHealth, list } from './words.ts';

/** Minimum requests to an instance that is well, and failed ones of an instance that is not. */
const MIN_REQUESTS = 10;
const MIN_FAILED = 2;

/** Time in seconds after its first sample within which an instance fails from its start. */
const START_SECONDS = 45;

/** Time in seconds without a sample, beside instances with newer ones, after which an instance has ended: three intervals. */
const ENDED_SECONDS = 90;

/** Greatest time in seconds between the last sample of a version on a host and the first one of the next version. */
const REPLACED_SECONDS = 300;

type Instance = InstancesOfVersion['instances'][number];

/** The newest values of an instance. `sampled`: their time in milliseconds. `requests`: null: not measured. `isBad`: it is above the limit by more than chance. */
type Newest = { instance: Instance; sampled: number; value: number; requests: number | null; isBad: boolean };

/** How the values of instances are to be read. `window`: seconds that they cover; null: unknown. */
type Scale = { window: number | null; health: NonNullable<Evidence['health']> };

/** Returns whether it is known which instances of a version fail. */
export const isKnownByInstance = (
  { by_instance: measured }: Pick<Evidence, 'by_instance'>,
  version: Change['version'],
): boolean => measured?.versions.some((one) => sameVersion(one.version, version)) ?? false;

/**
 * Says that a single instance explains the errors of a version: its other instances are well, or it is the only one and had been
 * well, or it is a host that failed with another version before. A node that fails, a full disk, or a noisy neighbour concerns one
 * instance; a version concerns all of its own.
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
  if (measured === undefined || own === undefined || health === null || !Number.isFinite(health.max)) return null;
  const { max } = health;
  const scale = { window: measured.window, health };
  const newest = own.instances.flatMap((instance) => newestOf(instance, { ...scale, at, from }));
  const failing = newest.filter(({ isBad }) => isBad);
  const before = measured.versions.filter((one) => one !== own).flatMap(({ instances }) => instances);
  const known = failing.filter(({ instance }) => failedBefore(instance, before, { ...scale, at }));
  const [bad, ...more] = failing.filter((one) => !known.includes(one));
  const namesKnown = list(known.map(({ instance }) => instance.name));
  if (bad === undefined)
    return known.length === 0
      ? null
      : `${known.length === 1 ? 'instance' : 'instances'} ${namesKnown} failed before ${version}, too, and no other instance of it fails`;
  if (more.length > 0) return null;
  const well = newest.filter(
    (one) => !failing.includes(one) && (one.requests === null || one.requests >= MIN_REQUESTS),
  );
  const name = `${bad.instance.name} of ${version}`;
  if (well.length > 0)
    return `only instance ${name} fails, at ${formatHealth(bad.value, health.whole)}; ${well.length} other ${well.length === 1 ? 'instance of it is' : 'instances of it are'} well${known.length === 0 ? '' : `, and ${namesKnown} failed before ${version}, too`}`;
  return wasWell(bad.instance, max, at)
    ? `instance ${name} had been well, and no other instance of the version is measured`
    : null;
}

/**
 * Returns whether an instance failed with the version before, under the same name, such as a host whose disk is full. What
 * fails while the process of that version ends does not count.
 */
function failedBefore(
  instance: Instance,
  others: readonly Instance[],
  { at, ...scale }: Scale & Pick<Evidence, 'at'>,
): boolean {
  const until = timestamp(firstSample(instance, at) - START_SECONDS * 1000);
  const from = millisOf(until) - REPLACED_SECONDS * 1000;
  const replaced = others
    .filter(({ name }) => name === instance.name)
    .flatMap((one) => newestOf(one, { ...scale, at: until, from }));
  return replaced.reduce((last, one) => (one.sampled > last.sampled ? one : last), NEVER).isBad;
}

const NEVER = { sampled: -Infinity, isBad: false };

function newestOf(
  instance: Instance,
  { at, from, window, health }: Scale & Pick<Evidence, 'at'> & { from: number },
): Newest[] {
  const newest = pointsBetween(pointsOf(instance.curve, at), from, Infinity).at(-1);
  if (newest === undefined) return [];
  const { value } = newest;
  const requests = requestsAt(instance, { newest, at, window });
  // A quantile counts no failed requests.
  const isCounted =
    requests === null ||
    (health.quantile === true
      ? requests >= MIN_REQUESTS
      : requests * Math.min(1, value / wholeIn(health)) >= MIN_FAILED);
  return [{ instance, sampled: newest.at, value, requests, isBad: value > health.max && isCounted }];
}

/** Returns the requests in the window of a sample. Null: they are not measured. */
function requestsAt(
  { traffic }: Pick<Instance, 'traffic'>,
  { newest, at, window }: { newest: Point; at: Evidence['at']; window: number | null },
): number | null {
  if (traffic === null || window === null) return null;
  const rate = pointsOf(traffic, at).findLast((point) => point.at <= newest.at)?.value;
  return (rate ?? 0) * window;
}

/** Returns whether an instance, or a version, was within the limit for longer than the time of its start. */
export function wasWell(
  { curve, traffic }: Pick<Instance, 'curve' | 'traffic'>,
  max: number,
  at: Evidence['at'],
): boolean {
  const points = pointsOf(curve, at);
  const began = firstSample({ curve, traffic }, at);
  const failed = points.find(({ value }) => value > max);
  return failed !== undefined && failed.at - Math.min(began, millisOf(at)) > START_SECONDS * 1000;
}

/** Age in seconds up to which caches and connections can be cold. */
const YOUNG_SECONDS = 180;

/** Parts by which errors have fallen with the age of instances, at least: of young ones, and of older ones. */
const FALLEN_YOUNG = 0.05;
const FALLEN = 0.12;

/** Most seconds after the first whole window in which a fall can be seen; half a window, if it is shorter. */
const SEEN_SECONDS = 30;
const USUAL_WINDOW_SECONDS = 60;

/** Minimum samples of an instance. */
const MIN_SAMPLES = 3;

/** Part of the age of the oldest instance that fails below which others that fail are too new to show a fall. */
const OLD = 0.5;

/** Mean levels of the younger and of the older half of the time of instances, weighted by their requests. */
type Halves = { early: number; late: number };

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
  if (health === null || !Number.isFinite(health.max)) return null;
  const { max } = health;
  const { units, window } = unitsOf(evidence, version);
  const monitoredSince = Math.min(...(evidence.by_version ?? []).map((one) => firstSample(one, at)));
  const served = units.map((unit) => ({ ...unit, points: pointsOf(unit.curve, at) }));
  const newestOfAll = Math.max(...served.map(({ points }) => points.at(-1)?.at ?? -Infinity));
  const known = served.flatMap(({ curve, traffic, points }) => {
    const sampled = firstSample({ curve, traffic }, at);
    // Where monitoring itself is as young, the record says when the version began.
    const began = sampled <= monitoredSince + SAME_TIME_MS ? Math.min(sampled, millisOf(started_at)) : sampled;
    const [newest, first] = [points.at(-1), points.find(({ value }) => value > max)];
    // What was well at first does not fail because it is new.
    const isColdFrom = first !== undefined && first.at - began <= START_SECONDS * 1000;
    if (newest === undefined || newestOfAll - newest.at > ENDED_SECONDS * 1000) return [];
    const lastBad = points.findLast(({ value }) => value > max)?.at ?? began;
    // A single value within the limit can be chance.
    const warmedFor = newest.at - lastBad >= window * 1000 ? (lastBad - began) / 1000 : 0;
    const requests = requestsAt({ traffic }, { newest, at, window });
    const isWell = newest.value <= max && (requests === null || requests >= MIN_REQUESTS);
    return [{ traffic, points, newest, isWell, isColdFrom, warmedFor, age: (millisOf(at) - began) / 1000 }];
  });
  const failing = known.filter(({ newest }) => newest.value > max);
  const recovered = known.filter(({ isWell, isColdFrom }) => isWell && isColdFrom);
  const oldest = Math.max(...failing.map(({ age }) => age));
  if (failing.length === 0)
    return recovered.length > 0 && known.every(({ age }) => age < YOUNG_SECONDS)
      ? warming(`${version} has served for less than ${formatDuration(YOUNG_SECONDS)}, and does not fail any more`)
      : null;
  const isYoung = oldest < YOUNG_SECONDS;
  const areCold = failing.every(({ isColdFrom }) => isColdFrom);
  const isAsOthersWere = areCold && recovered.some(({ warmedFor }) => oldest <= warmedFor);
  if (recovered.length > 0 && (isYoung || isAsOthersWere))
    return warming(
      `the instances of ${version} that fail are at most ${formatDuration(oldest)} old, and ${recovered.length} other ${recovered.length === 1 ? 'one has' : 'ones have'} recovered`,
    );
  if (areCold && oldest < Math.min(YOUNG_SECONDS, window + Math.min(SEEN_SECONDS, window / 2)))
    return {
      name: 'too_young',
      text: `${version} has served for ${formatDuration(oldest)}, too short to see whether its errors fall`,
    };
  const halves = known
    .filter(({ isColdFrom, points }) => isColdFrom && points.length >= MIN_SAMPLES)
    .filter(({ newest, age }) => newest.value <= max || age >= OLD * oldest)
    .map(halvesOf);
  const [early, late] = [sumOf(halves, 'early'), sumOf(halves, 'late')];
  return areCold && late < (1 - (isYoung ? FALLEN_YOUNG : FALLEN)) * early
    ? warming(`${version} has served for ${formatDuration(oldest)}, and its errors fall: caches may be cold`)
    : null;
}

const warming = (text: string) => ({ name: 'warming_up' as const, text });

/** Milliseconds within which two first samples count as simultaneous. */
const SAME_TIME_MS = 60_000;

const firstSample = ({ curve, traffic }: Pick<Instance, 'curve' | 'traffic'>, at: Evidence['at']): number =>
  Math.min(...[...pointsOf(curve, at), ...pointsOf(traffic ?? [], at)].map((point) => point.at));

const sumOf = (halves: readonly Halves[], half: keyof Halves): number =>
  halves.reduce((sum, one) => sum + one[half], 0);

/** Returns the mean levels of an instance in the halves of its time, by as many requests in each. */
function halvesOf({ points, traffic }: { points: readonly Point[]; traffic: Instance['traffic'] }): Halves {
  const middle = Math.floor(points.length / 2);
  const rate = traffic === null ? 1 : (traffic.at(-1)?.[1] ?? 0);
  const level = (some: readonly Point[]): number =>
    (rate * some.reduce((sum, { value }) => sum + value, 0)) / some.length;
  return { early: level(points.slice(0, middle)), late: level(points.slice(middle)) };
}

function unitsOf(
  { by_instance: instances, by_version: versions, by_version_close: close, health }: Parameters<typeof warmingUp>[0],
  version: string,
): { units: readonly Pick<Instance, 'curve' | 'traffic'>[]; window: number } {
  const isOwn = (one: { version: string }): boolean => sameVersion(one.version, version);
  const own = instances?.versions.find(isOwn);
  if (own !== undefined) return { units: own.instances, window: instances?.window ?? USUAL_WINDOW_SECONDS };
  return close === undefined
    ? { units: (versions ?? []).filter(isOwn), window: health?.window ?? USUAL_WINDOW_SECONDS }
    : { units: close.versions.filter(isOwn), window: close.window };
}
