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
  const earlier = live.filter((change) => byStart(change, rollback) < 0 && change.version !== rollback.version);
  const named = earlier.findLast((change) => isCalled(change, rollback.previous_version));
  const removed = named ?? earlier.at(-1);
  if (removed === undefined) return null;
  const restored = restoredChange(live, rollback);
  return restored !== undefined && byStart(restored, removed) > 0 ? null : removed;
}
