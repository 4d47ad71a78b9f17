import type { Change } from '../../../schemas/changes/change.ts';
import { isCalled } from './identified-versions.ts';
import { byStart, liveChanges, newestLiveChange, restoredChange } from './versions.ts';

/**
 * Returns the change whose version a recorded rollback removed. Null: the change is no successful rollback, it no longer runs,
 * or its version is newer than the one that it replaced.
 *
 * @param changes changes of the same service and environment
 */
export function rolledBackBy(changes: readonly Change[], rollback: Change): Change | null {
  if (rollback.kind !== 'rollback' || rollback.status !== 'succeeded') return null;
  if (newestLiveChange(changes)?.id !== rollback.id) return null;
  const live = liveChanges(changes);
  const removed = previousOf(changes, rollback) ?? earlierOf(changes, rollback).at(-1);
  if (removed === undefined) return null;
  const restored = restoredChange(live, rollback);
  return restored !== undefined && byStart(restored, removed) > 0 ? null : removed;
}

/**
 * Returns the change whose version a rollback names as its previous one: a name means the commit that was live last. Undefined: it
 * names none that is recorded.
 *
 * @param changes changes of the same service and environment
 */
export const previousOf = (changes: readonly Change[], rollback: Change): Change | undefined =>
  earlierOf(changes, rollback).findLast((change) => isCalled(change, rollback.previous_version));

/** Returns the changes that put other versions live before a rollback, oldest first. */
const earlierOf = (changes: readonly Change[], rollback: Change): Change[] =>
  liveChanges(changes).filter((change) => byStart(change, rollback) < 0 && change.version !== rollback.version);
