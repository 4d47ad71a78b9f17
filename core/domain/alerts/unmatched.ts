import { type EnvironmentName, type IncidentId, UNMATCHED } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { type Arrival, opensIncident, scopeOf } from './admission.ts';

/**
 * Alerts of services outside the catalogue. Their senders choose everything that distinguishes them, so their incidents
 * are limited: the first few services have one each, and all others share one (ADR 30).
 */

/** Seconds for which a service keeps its slot after its incident opened, even if it is resolved. */
const SLOT_HELD_SECONDS = 3600;

/** Minimum seconds between two pages of the shared incident. */
const PAGE_AGAIN_SECONDS = 3600;

/** Scope of the shared incident. Every other scope has at least two parts, so none equals it. */
export const SHARED_SCOPE: string = UNMATCHED;

/** Environment of the shared incident, whose alerts may name any environment. */
export const SHARED_ENVIRONMENT = 'unknown' as EnvironmentName;

export const sharedTitle = (alerts: number): string =>
  `${alerts} ${alerts === 1 ? 'alert' : 'alerts'} of services outside the catalogue`;

/** Slot of a service outside the catalogue: `scope` has, or within the last hour had, an incident that it doesn't share. */
export type UnmatchedScope = { scope: string; incident: IncidentId; at: Timestamp };

/** Returns whether the slot can be given to another service once its incident is resolved. */
export const isReassignable = ({ at }: Pick<UnmatchedScope, 'at'>, now: Timestamp): boolean =>
  secondsBetween(at, now) > SLOT_HELD_SECONDS;

/**
 * Returns the slots that remain when `scope` takes one: its own, an unused one, or the oldest that can be reassigned.
 *
 * @param free slots whose hour has passed and whose incidents are resolved
 * @param max number of slots
 * @returns undefined if none is available: its alerts join the shared incident
 */
export function otherSlotsOf(
  { taken, free, max }: { taken: readonly UnmatchedScope[]; free: readonly UnmatchedScope[]; max: number },
  own: string,
): UnmatchedScope[] | undefined {
  const others = taken.filter(({ scope }) => scope !== own);
  const tooMany = Math.max(0, others.length + 1 - max);
  const oldestFirst = free.filter(({ scope }) => scope !== own).toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const reassigned = new Set(oldestFirst.slice(0, tooMany).map(({ scope }) => scope));
  return reassigned.size < tooMany ? undefined : others.filter(({ scope }) => !reassigned.has(scope));
}

/** Where an arrival goes. `otherSlots`: the slots that remain taken by others if the arrival opens an incident. */
export type Target = {
  scope: string;
  incident: IncidentRecord | undefined;
  mayOpen: boolean;
  otherSlots?: readonly UnmatchedScope[];
};

/** `open`: incidents by scope. `free`: slots whose hour has passed and whose incidents are resolved. */
export type Slots = {
  taken: readonly UnmatchedScope[];
  free: readonly UnmatchedScope[];
  max: number;
  open: ReadonlyMap<string, IncidentRecord>;
};

/**
 * Returns where an alert of a service outside the catalogue goes: into its service's own incident, into the shared one,
 * or into the record.
 *
 * @param knownIn incident of the alert's newest episode
 */
export function targetOf(slots: Slots, arrival: Arrival, knownIn: IncidentId | null): Target {
  const scope = scopeOf(arrival.signal);
  const [own, sharedIncident] = [slots.open.get(scope), slots.open.get(SHARED_SCOPE)];
  const sharedTarget: Target = { scope: SHARED_SCOPE, incident: sharedIncident, mayOpen: true };
  if (sharedIncident !== undefined && knownIn === sharedIncident.id) return sharedTarget;
  if (own !== undefined) return { scope, incident: own, mayOpen: true };
  if (!opensIncident([arrival])) return { scope: '', incident: undefined, mayOpen: false };
  const otherSlots = otherSlotsOf(slots, scope);
  return otherSlots === undefined ? sharedTarget : { scope, incident: undefined, mayOpen: true, otherSlots };
}

/** Returns whether the shared incident pages again for alerts that join it. */
export const pagesAgain = (lastPageAt: Timestamp, now: Timestamp): boolean =>
  secondsBetween(lastPageAt, now) >= PAGE_AGAIN_SECONDS;

/**
 * Returns whether the timeline of the shared incident gets an entry for a new count: at each doubling, so that it stays
 * readable during a flood.
 */
export const isReportedCount = (before: number, after: number): boolean =>
  Math.floor(Math.log2(Math.max(1, before))) !== Math.floor(Math.log2(Math.max(1, after)));
