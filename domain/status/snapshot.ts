import type { SnapshotManifest } from '../../schemas/status/snapshot-manifest.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

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

/** What to change. `announced`: the manifest to write first, if there are new paths. */
export type SnapshotPlan = {
  announced: SnapshotManifest | undefined;
  put: SnapshotFile[];
  remove: string[];
  manifest: SnapshotManifest;
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
  const isNew = (path: string): boolean => !Object.hasOwn(known, path);
  // Listed before they are written, so that a later snapshot removes them even if this one is interrupted.
  const added = Object.fromEntries(files.filter(({ path }) => isNew(path)).map(({ path }) => [path, '']));
  return {
    announced: Object.keys(added).length === 0 ? undefined : { at: before?.at ?? NEVER, files: { ...known, ...added } },
    put: files.filter(({ path }) => isNew(path) || known[path] !== hashes[path]),
    remove: Object.keys(known).filter((path) => !Object.hasOwn(hashes, path)),
    manifest: { at, files: hashes },
  };
}

/** Before the first complete snapshot. */
const NEVER = '1970-01-01T00:00:00.000Z' as Timestamp;
