import type { SnapshotManifest } from '../schemas/snapshot-manifest.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** A file of the snapshot of the public status pages, which a static host serves. */
export type SnapshotFile = {
  /** Such as `history/2026-11.html`. */
  path: string;
  type: string;
  body: string;
};

/** Where the snapshot is. */
export type SnapshotStore = {
  /** Undefined: there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Replaces a file at once: readers get the old or the new one. */
  put(file: SnapshotFile): Promise<void>;
  /** Succeeds if there is no such file. */
  remove(path: string): Promise<void>;
};

/** What to change. `announced`: the manifest to write first, if files are to be written. */
export type SnapshotPlan = {
  announced: SnapshotManifest | undefined;
  put: SnapshotFile[];
  remove: string[];
  manifest: SnapshotManifest;
  /** There is nothing to write or to remove. */
  isSame: boolean;
};

/**
 * Compares a snapshot with what the store has. Files that the manifest does not name belong to others and stay.
 *
 * @param before undefined: the store has no readable manifest, so all files are written
 */
export function planSnapshot(
  before: SnapshotManifest | undefined,
  files: readonly SnapshotFile[],
  { at, hashOf }: { at: Timestamp; hashOf: (body: string) => string },
): SnapshotPlan {
  const known = before?.files ?? {};
  const hashes = Object.fromEntries(files.map(({ path, body }) => [path, hashOf(body)]));
  const put = files.filter(({ path }) => !Object.hasOwn(known, path) || known[path] !== hashes[path]);
  // If this snapshot is interrupted, nobody knows which of its files were written. Without a hash, the next snapshot
  // writes them again, even those that are again as before this one, and removes those that it does not have.
  const unknown = Object.fromEntries(put.map(({ path }) => [path, '']));
  const remove = Object.keys(known).filter((path) => !Object.hasOwn(hashes, path));
  return {
    announced: put.length === 0 ? undefined : { at: before?.at ?? NEVER, files: { ...known, ...unknown } },
    put,
    remove,
    manifest: { at, files: hashes },
    isSame: put.length + remove.length === 0,
  };
}

/** Before the first complete snapshot. */
const NEVER = '1970-01-01T00:00:00.000Z' as Timestamp;
