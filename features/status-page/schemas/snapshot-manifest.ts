import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';

/** The file of a snapshot that says what it consists of. */
export const MANIFEST_PATH = 'snapshot.json';

export const SnapshotManifest = z.object({
  /** When the snapshot was made. */
  at: Timestamp,
  /** Hashes of its files by their paths. An empty hash means that the file may be incomplete: its write was not confirmed. */
  files: z.record(z.string(), z.string()),
});
export type SnapshotManifest = z.infer<typeof SnapshotManifest>;

/**
 * The event of a run. `onChange`: take one snapshot if something has changed, or the last one becomes old for its readers.
 * Without it, a run takes two, half a minute apart.
 */
export const SnapshotEvent = z.object({ onChange: z.boolean().default(false) });
export type SnapshotEvent = z.infer<typeof SnapshotEvent>;
