import type { Change } from '../schemas/change.ts';
import type { Cleared, Suspect } from '../schemas/incident.ts';
import { minuteOf } from './story.ts';
import { putsVersionLive } from './versions.ts';

/** What people have said of an incident, the oldest first. Absent: nothing. */
type Said = readonly Cleared[] | undefined;

/** More of one incident are taken for a mistake of whatever says it. */
export const CLEARED_MAX = 50;

/** Those that still hold: nobody has taken them back. */
export const inForce = (cleared: Said): readonly Cleared[] => (cleared ?? []).filter(({ back }) => back === undefined);

/**
 * By what a change is no suspect of the incident, if by anything. Of a version that was put live twice both are meant:
 * it was said of the version.
 */
export const clearingOf = (
  cleared: Said,
  change: Pick<Change, 'id' | 'service' | 'version' | 'kind'>,
): Cleared | undefined =>
  inForce(cleared).find((one) => one.change_id === change.id || (putsVersionLive(change) && isOfVersion(one, change)));

/** By what the version of a service is no suspect, if by anything. */
export const clearingOfVersion = (cleared: Said, of: { service: string; version: string }): Cleared | undefined =>
  inForce(cleared).find((one) => isOfVersion(one, of));

const isOfVersion = (one: Cleared, { service, version }: { service: string; version: string }): boolean =>
  putsVersionLive(one) && one.service === service && one.version === version;

/** What is suspected without what people have cleared since it was judged. */
export function notCleared(suspects: readonly Suspect[], cleared: Said): Suspect[] {
  const ids = new Set<string>(inForce(cleared).map(({ change_id }) => change_id));
  return suspects.filter(({ change_id }) => !ids.has(change_id));
}

/** The same with one more; what was said of that change before is replaced. */
export const withCleared = (cleared: Said, one: Cleared): Cleared[] => [
  ...(cleared ?? []).filter(({ change_id }) => change_id !== one.change_id),
  one,
];

/** The same, but these may be the cause after all. That they had been cleared stays known. */
export const takenBack = (cleared: Said, which: readonly Cleared[], back: NonNullable<Cleared['back']>): Cleared[] => {
  const ids = new Set(which.map(({ change_id }) => change_id));
  return (cleared ?? []).map((one) => (ids.has(one.change_id) ? { ...one, back } : one));
};

const WORDS_MAX = 3;

/** Who has cleared what, and when. */
export function clearedWords(cleared: readonly Cleared[]): string {
  const told = cleared.slice(-WORDS_MAX).map(({ version, by, at, back }) => {
    const again = back === undefined ? '' : `, and is suspected again by ${back.by} since ${minuteOf(back.at)}`;
    return `${version} was cleared by ${by} at ${minuteOf(at)}${again}`;
  });
  const more = cleared.length - told.length;
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
