import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

/** The file of a snapshot that says what it consists of. */
export const MANIFEST_PATH = 'snapshot.json';

export const SnapshotManifest = z.object({
  /** When the snapshot was made. */
  at: Timestamp,
  /** Hashes of its files by their paths. An empty hash means that the file may be incomplete: its write was not confirmed. */
  files: z.record(z.string(), z.string()),
});
export type SnapshotManifest = z.infer<typeof SnapshotManifest>;
