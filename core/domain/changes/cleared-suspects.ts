import type { Change } from '../../../schemas/changes/change.ts';
import type { ClearedSuspect, IncidentRecord, Suspect } from '../../../schemas/incidents/incident.ts';
import { putsVersionLive } from './versions.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Suspects cleared by people, oldest first. Absent: none. */
type Clearings = readonly ClearedSuspect[] | undefined;

/** Maximum number of clearings per incident; more indicate a malfunctioning client. */
export const CLEARED_MAX = 50;

/** Returns the clearings that were not withdrawn. */
export const activeClearings = (cleared: Clearings): readonly ClearedSuspect[] =>
  (cleared ?? []).filter(({ restored }) => restored === undefined);

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

const isClearingOfVersion = (
  clearing: ClearedSuspect,
  { service, version }: { service: string; version: string },
): boolean => putsVersionLive(clearing) && clearing.service === service && clearing.version === version;

/** Returns the suspects without those that people have cleared since the suspects were determined. */
export function unclearedSuspects(suspects: readonly Suspect[], cleared: Clearings): Suspect[] {
  const ids = new Set<string>(activeClearings(cleared).map(({ change_id }) => change_id));
  return suspects.filter(({ change_id }) => !ids.has(change_id));
}

/** Returns the incident without suspects that people have cleared, even if an older judgement lists them. */
export function withoutCleared(incident: IncidentRecord): IncidentRecord {
  const { suspects, earlier_problems: earlier, cleared } = incident;
  return {
    ...incident,
    suspects: unclearedSuspects(suspects, cleared),
    ...(earlier !== undefined && {
      earlier_problems: earlier.map((one) => ({ ...one, suspects: unclearedSuspects(one.suspects, cleared) })),
    }),
  };
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
  const newest = cleared.slice(-CLEARINGS_SHOWN_MAX).map(({ version, by, at, restored: restoration }) => {
    const restored =
      restoration === undefined
        ? ''
        : `, and marked as suspect again by ${restoration.by} at ${minuteText(restoration.at)}`;
    return `${version} was cleared by ${by} at ${minuteText(at)}${restored}`;
  });
  const more = cleared.length - newest.length;
  return `${newest.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
