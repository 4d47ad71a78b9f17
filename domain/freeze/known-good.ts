import type { Change } from '../../schemas/change.ts';
import { byStart, putsVersionLive } from '../versions.ts';
import { earlierAndGood } from './earlier-good.ts';

/** A version that a rollback may go to. A client may know it by its commit alone. */
export type KnownGood = { version: string; commit: string | null };

/**
 * The versions that a rollback may go to now, the newest first: what a client lets through a freeze while it cannot ask.
 *
 * @param changes the newest of the place, oldest first
 * @param pinned versions known bad
 * @param max at most so many: who goes back further has to wait for an answer
 */
export function knownGood(changes: readonly Change[], pinned: readonly string[], max: number): KnownGood[] {
  const found: KnownGood[] = [];
  const seen = new Set<string>(pinned);
  for (const { version, commit } of changes.filter(putsVersionLive).toSorted(byStart).toReversed()) {
    if (found.length === max) break;
    if (seen.has(version)) continue;
    seen.add(version);
    if (earlierAndGood(changes, { version, commit: null }).kind === 'known_good') found.push({ version, commit });
  }
  return found;
}
