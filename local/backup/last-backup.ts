import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writePrivate } from '../state/private-file.ts';
import { metricLine } from '../process-metrics.ts';

const FILE = 'last-backup.json';

const LastBackup = z.object({
  /** The point in time of its data. */
  at: z.iso.datetime(),
  file: z.string(),
  bytes: z.int(),
});
export type LastBackup = z.infer<typeof LastBackup>;

/** Records a backup after its archive was written to disk and verified. */
export const recordBackup = (dataDir: string, backup: LastBackup): Promise<void> =>
  writePrivate(join(dataDir, FILE), `${JSON.stringify(backup)}\n`);

/** Returns the last successful backup of a data folder, or undefined if there is none or it cannot be read. */
export function lastBackupOf(dataDir: string): LastBackup | undefined {
  try {
    return LastBackup.parse(JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

export const lastBackupMetric = (dataDir: string): string =>
  metricLine(
    'firebreak_backup_last_success_timestamp_seconds',
    'gauge',
    'Time of the last backup, in seconds since the epoch; 0 if there is none',
    Date.parse(lastBackupOf(dataDir)?.at ?? new Date(0).toISOString()) / 1000,
  );
