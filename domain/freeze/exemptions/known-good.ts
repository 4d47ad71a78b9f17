import type { Change } from '../../../schemas/changes/change.ts';
import { byStart, putsVersionLive } from '../../changes/versions.ts';
import { checkRollbackVersion } from './rollback-version.ts';

/** A version that a rollback may go to. Some clients know it only by its commit. */
export type KnownGood = { version: string; commit: string | null };

/**
 * Returns the versions that a rollback may go to now, newest first: a client lets these through a freeze while it
 * cannot reach the API.
 *
 * @param changes newest changes of the service and environment, oldest first
 * @param pinned known bad versions
 * @param max maximum number of versions; a rollback to an older one needs an answer from the API
 */
export function knownGood(changes: readonly Change[], pinned: readonly string[], max: number): KnownGood[] {
  const found: KnownGood[] = [];
  const seen = new Set<string>(pinned);
  for (const { version, commit } of changes.filter(putsVersionLive).toSorted(byStart).toReversed()) {
    if (found.length === max) break;
    if (seen.has(version)) continue;
    seen.add(version);
    if (checkRollbackVersion(changes, { version, commit: null }).kind === 'known_good') found.push({ version, commit });
  }
  return found;
}
