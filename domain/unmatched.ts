import { type EnvironmentName, type IncidentId, UNMATCHED } from '../schemas/names.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';

/**
 * Alerts of services outside the catalogue. Everything that tells them apart is chosen by whoever sends them, so their
 * incidents are limited: the first few services have one each, and all others share one (ADR 30).
 */

/** Seconds for which a service keeps its place after its incident opened, also when that is resolved. */
const PLACE_HELD_SECONDS = 3600;

/** Seconds between two pages of the shared incident. */
const PAGE_AGAIN_SECONDS = 3600;

/** The scope of the shared incident. Every other scope has at least two parts, so none is equal to it. */
export const SHARED_SCOPE: string = UNMATCHED;

/** The environment of the shared incident: its alerts may name any. */
export const SHARED_ENVIRONMENT = 'unknown' as EnvironmentName;

export const sharedTitle = (alerts: number): string =>
  `${alerts} ${alerts === 1 ? 'alert' : 'alerts'} of services outside the catalogue`;

/** A service outside the catalogue that has, or lately had, an incident of its own. */
export type Place = { scope: string; incident: IncidentId; at: Timestamp };

/** Only these can be given to another service, once their incidents are resolved. */
export const isOld = ({ at }: Pick<Place, 'at'>, now: Timestamp): boolean =>
  secondsBetween(at, now) > PLACE_HELD_SECONDS;

/**
 * The places that stay when `scope` takes one: its own, one that nobody has, or the oldest that can be given away.
 *
 * @param free places whose hour has passed and whose incidents are resolved
 * @param max how many there are
 * @returns undefined when there is none: its alerts go into the shared incident
 */
export function placesBeside(
  { taken, free, max }: { taken: readonly Place[]; free: readonly Place[]; max: number },
  own: string,
): Place[] | undefined {
  const others = taken.filter(({ scope }) => scope !== own);
  const tooMany = Math.max(0, others.length + 1 - max);
  const oldestFirst = free.filter(({ scope }) => scope !== own).toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const given = new Set(oldestFirst.slice(0, tooMany).map(({ scope }) => scope));
  return given.size < tooMany ? undefined : others.filter(({ scope }) => !given.has(scope));
}

/** Whether the shared incident pages again for alerts that join it. */
export const pagesAgain = (lastPageAt: Timestamp, now: Timestamp): boolean =>
  secondsBetween(lastPageAt, now) >= PAGE_AGAIN_SECONDS;

/** Whether the timeline of the shared incident tells of a new count: each doubling, so that a flood stays readable. */
export const isWorthTelling = (before: number, after: number): boolean =>
  Math.floor(Math.log2(Math.max(1, before))) !== Math.floor(Math.log2(Math.max(1, after)));
