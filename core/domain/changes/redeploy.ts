import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { isProbable } from '../correlation/words.ts';
import { activeClearings, clearedByPeople, clearingOf } from './cleared-suspects.ts';
import { replacedByOlder } from './recognize.ts';
import { rolledBackBy } from './rolled-back.ts';
import { isSameVersion } from './version-identity.ts';
import { byStart, endOf, liveChanges, newestLiveChange, putsVersionLive, restoredChange } from './versions.ts';

/**
 * What a person has replaced by an earlier version. `replaced`: the change that ran until then. `suspect`: of the same version, or
 * of one before it that this undoes as well. `undone`: one change of each version that is known bad from then on.
 */
export type Redeploy = { replaced: Change; suspect: Change; undone: readonly Change[] };

/**
 * Returns what a change that a person or another system made replaces by an earlier version: the version that the newest judgement
 * of the incident holds to be the probable cause, or a later one that was deployed over it. Null: it has not ended well, or ended before the problem began, another version runs
 * since, its version is a new one, such as a fix, it replaces another version, or Firebreak has brought the version back.
 *
 * @param changes newest changes of the service and environment of the change, with the change itself
 * @param onset the earliest time at which the problem can have begun
 */
export function redeployOf(
  { suspects, cleared }: Pick<IncidentRecord, 'suspects' | 'cleared'>,
  changes: readonly Change[],
  change: Change,
  onset: Timestamp,
): Redeploy | null {
  if (change.status !== 'succeeded' || endOf(change) <= onset) return null;
  return newestLiveChange(changes)?.id === change.id ? replacedSuspect({ suspects, cleared }, changes, change) : null;
}

/**
 * Returns what a change of a person or another system replaces by an earlier version, also while it rolls out: the probable cause.
 * Null: it replaces something else.
 *
 * @param changes newest changes of the service and environment of the change, with the change itself
 */
export function replacedSuspect(
  { suspects, cleared }: Pick<IncidentRecord, 'suspects' | 'cleared'>,
  changes: readonly Change[],
  change: Change,
): Redeploy | null {
  if (!putsVersionLive(change) || change.made_for !== null) return null;
  const isRollback = change.kind === 'rollback' && change.status === 'succeeded';
  const replaced = isRollback ? rolledBackBy(changes, change) : replacedByOlder(changes, change);
  if (replaced === null || isRestored(changes, change, replaced)) return null;
  const probable = probableOf({ suspects, cleared }, changes).filter(
    (one) => byStart(one, change) < 0 && !wasUndone(changes, one, { by: change, before: replaced }),
  );
  const restored = restoredChange(liveChanges(changes), { ...change, kind: 'rollback' });
  const below = ranBelow(probable, replaced, restored);
  const suspect =
    probable.find((one) => one.id === replaced.id || (putsVersionLive(one) && isSameVersion(one, replaced))) ??
    below[0];
  return suspect === undefined ? null : { replaced, suspect, undone: [replaced, ...below] };
}

/**
 * Returns the changes that the newest judgement holds to be the probable cause, without those that people have cleared. A person can replace
 * a version after rejecting its rollback.
 */
export const probableOf = (
  { suspects, cleared }: Pick<IncidentRecord, 'suspects' | 'cleared'>,
  changes: readonly Change[],
): Change[] => {
  const rejected = activeClearings(cleared).filter(({ because }) => because === 'rejected');
  const ids = new Set([...suspects.filter(isProbable), ...rejected].map(({ change_id: id }) => id));
  const byPeople = clearedByPeople(cleared);
  return changes.filter((one) => ids.has(one.id) && clearingOf(byPeople, one) === undefined);
};

/**
 * Returns the changes that a later version had replaced, but not undone. Restoring a version from before them undoes them, too.
 * Empty if the restored version is not recorded.
 */
export const ranBelow = (
  changes: readonly Change[],
  over: Parameters<typeof isSameVersion>[0],
  restored: Change | undefined,
): Change[] =>
  changes.filter(
    (one) => restored !== undefined && putsVersionLive(one) && byStart(restored, one) < 0 && !isSameVersion(one, over),
  );

/** Returns whether the version that a change deploys had already replaced another one, such as by a rollback, before a third one ran. */
const wasUndone = (changes: readonly Change[], one: Change, { by, before }: { by: Change; before: Change }): boolean =>
  liveChanges(changes).some(
    (other) => byStart(one, other) < 0 && byStart(other, before) < 0 && isSameVersion(other, by),
  );

/** Returns whether Firebreak has restored the version itself since then: its deploying system can report that in parts. */
const isRestored = (changes: readonly Change[], change: Change, replaced: Change): boolean =>
  changes.some((one) => one.made_for !== null && byStart(one, replaced) > 0 && isSameVersion(one, change));

type Made = Pick<Change, 'author' | 'reported_by'>;

/** Names who made a change, as far as it is known. Null: it is not. */
const whoMade = ({ author, reported_by: system }: Made): string | null => author ?? system ?? null;

/** Names who made a change, to follow what was done. Empty: it is not known. @example ' by ada' */
export const byWhom = (change: Made): string => {
  const by = whoMade(change);
  return by === null ? '' : ` by ${by}`;
};

/** @example 'checkout v1 was deployed again by ada, which replaces v2, the probable cause. Firebreak verifies the recovery' */
export function redeployText(change: Change, { replaced, suspect }: Pick<Redeploy, 'replaced' | 'suspect'>): string {
  const over = isSameVersion(replaced, suspect) ? '' : `${replaced.version} and undoes `;
  return (
    `${change.service} ${change.version} was deployed again${byWhom(change)}, which replaces ${over}${suspect.version}, ` +
    'the probable cause. Firebreak verifies the recovery'
  );
}

/**
 * Returns who made a change, as the actor of a timeline entry. What a report calls its author is not authenticated, so it must not
 * look like a caller, such as `person:ada`.
 */
export function actorOf(change: Change): string {
  const by = whoMade(change);
  return by === null || by.includes(':') ? 'firebreak' : by;
}
