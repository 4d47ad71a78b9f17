import type { Change } from '../../../schemas/changes/change.ts';
import type { ClearedSuspect, Suspect } from '../../../schemas/incidents/incident.ts';
import { putsVersionLive } from './versions.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Suspects that were excluded, oldest first. Absent: none. */
type Clearings = readonly ClearedSuspect[] | undefined;

/** Maximum number of clearings per incident; more indicate a malfunctioning client. */
export const CLEARED_MAX = 50;

/** Returns the clearings that were not withdrawn, whatever they are based on. */
export const activeClearings = (cleared: Clearings): readonly ClearedSuspect[] =>
  (cleared ?? []).filter(({ restored }) => restored === undefined);

/**
 * Returns the clearings that bind Firebreak: a person said that the change is not the cause. A person can reject a rollback also because it
 * is dangerous.
 */
export const clearedByPeople = (cleared: Clearings): readonly ClearedSuspect[] =>
  activeClearings(cleared).filter(({ because }) => because === undefined);

/**
 * Returns the clearing that applies to a change, if any. A clearing applies to the version, so it covers all changes
 * that put this version live.
 */
export const clearingOf = (
  cleared: Clearings,
  change: Pick<Change, 'id' | 'service' | 'version' | 'kind'>,
): ClearedSuspect | undefined =>
  activeClearings(cleared).find(
    (clearing) =>
      clearing.change_id === change.id || (putsVersionLive(change) && isClearingOfVersion(clearing, change)),
  );

/**
 * Returns the clearing that applies to a version of a service, if any.
 *
 * @param changes of the service, with the versions as they are written now, which can be otherwise than when one was cleared
 */
export const clearingOfVersion = (
  cleared: Clearings,
  of: { service: string; version: string },
  changes: readonly Change[] = [],
): ClearedSuspect | undefined =>
  activeClearings(cleared).find((clearing) => {
    const now = changes.find(({ id }) => id === clearing.change_id) ?? clearing;
    return isClearingOfVersion({ ...clearing, version: now.version }, of);
  });

/** Returns whether a clearing is about a version that the change put live. */
export const isOfVersion = ({ kind }: ClearedSuspect): boolean => kind === undefined || putsVersionLive({ kind });

const isClearingOfVersion = (
  clearing: ClearedSuspect,
  { service, version }: { service: string; version: string },
): boolean => isOfVersion(clearing) && clearing.service === service && clearing.version === version;

/** Returns the suspects without those that were excluded since they were determined. */
export function unclearedSuspects(suspects: readonly Suspect[], cleared: Clearings): Suspect[] {
  const ids = new Set<string>(activeClearings(cleared).map(({ change_id }) => change_id));
  return suspects.filter(({ change_id }) => !ids.has(change_id));
}

/** Adds a clearing; it replaces an earlier one of the same change. */
export const withCleared = (cleared: Clearings, clearing: ClearedSuspect): ClearedSuspect[] => [
  ...(cleared ?? []).filter(({ change_id }) => change_id !== clearing.change_id),
  clearing,
];

/** Marks clearings as withdrawn. They remain in the record. */
export const withWithdrawn = (
  cleared: Clearings,
  withdrawn: readonly ClearedSuspect[],
  restored: NonNullable<ClearedSuspect['restored']>,
): ClearedSuspect[] => {
  const ids = new Set(withdrawn.map(({ change_id }) => change_id));
  return (cleared ?? []).map((clearing) => (ids.has(clearing.change_id) ? { ...clearing, restored } : clearing));
};

const CLEARINGS_SHOWN_MAX = 3;

/** Describes the newest clearings: by whom and when. */
export function clearingsText(cleared: readonly ClearedSuspect[]): string {
  const newest = cleared.slice(-CLEARINGS_SHOWN_MAX).map((clearing) => {
    const { restored: restoration } = clearing;
    const restored =
      restoration === undefined
        ? ''
        : `, and marked as suspect again by ${restoration.by} at ${minuteText(restoration.at)}`;
    return `${clearingText(clearing)}${restored}`;
  });
  const more = cleared.length - newest.length;
  return `${newest.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function clearingText({ version, by, at, because, note }: ClearedSuspect): string {
  const when = `at ${minuteText(at)}${note === undefined ? '' : `: "${note}"`}`;
  switch (because) {
    case undefined:
      return `${version} was cleared by ${by} ${when}`;
    case 'rejected':
      return `${version} was suspected, and ${by} refused to undo it ${when}`;
    case 'did_not_help':
      return `${version} was suspected, and the problem went on after it was undone, verified ${when}`;
    case 'resolved':
      return `${version} was suspected, and ${by} named another cause ${when}`;
  }
}
