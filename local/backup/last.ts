import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writePrivate } from '../private-file.ts';
import { line } from '../process-metrics.ts';

const FILE = 'last-backup.json';

const LastBackup = z.object({
  /** The moment that it shows. */
  at: z.iso.datetime(),
  file: z.string(),
  bytes: z.int(),
});
export type LastBackup = z.infer<typeof LastBackup>;

/** Written once the archive is on disk and was read back. */
export const noteBackup = (dataDir: string, backup: LastBackup): Promise<void> =>
  writePrivate(join(dataDir, FILE), `${JSON.stringify(backup)}\n`);

/** The last backup of a data folder that succeeded. Undefined: none, or none that can be read. */
export function lastBackupOf(dataDir: string): LastBackup | undefined {
  try {
    return LastBackup.parse(JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

export const lastBackupMetric = (dataDir: string): string =>
  line(
    'firebreak_backup_last_success_timestamp_seconds',
    'gauge',
    'The moment that the last backup shows, in seconds since the epoch; 0: there is none',
    Date.parse(lastBackupOf(dataDir)?.at ?? new Date(0).toISOString()) / 1000,
  );
