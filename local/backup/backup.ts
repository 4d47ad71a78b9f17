import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isInUse } from '../state/lock.ts';
import { flushToDisk, pack } from './archive.ts';
import { RESTORE_FOLDER } from './contents.ts';
import { recordBackup } from './last-backup.ts';
import { removeAbandonedSnapshots, takeSnapshot } from './snapshot.ts';

/** Thrown if a backup cannot be created, with the reason. */
export class NoBackup extends Error {
  override readonly name = 'NoBackup';
}

export type Backup = {
  file: string;
  /** The point in time of its data, as ISO 8601. */
  at: string;
  bytes: number;
  /** The number of files in it. */
  files: number;
  /** Whether it contains the tokens of the instance, which are absent if the environment sets them. */
  withKeys: boolean;
  /** Whether a running Firebreak used the data folder. */
  running: boolean;
};

/**
 * Backs up a data folder into a new archive, whether or not a Firebreak uses it.
 *
 * @throws NoBackup, or an error when reading or writing fails
 */
export async function backUp(dataDir: string, file: string): Promise<Backup> {
  if (!existsSync(dataDir)) throw new NoBackup(`the data folder ${dataDir} does not exist`);
  if (existsSync(join(dataDir, RESTORE_FOLDER)))
    throw new NoBackup(`a restore into ${dataDir} was interrupted: restore again before you back it up`);
  if (existsSync(file)) throw new NoBackup(`${file} already exists`);
  await mkdir(dirname(resolve(file)), { recursive: true, mode: 0o700 });
  const running = await isInUse(dataDir);
  await removeAbandonedSnapshots(dataDir);
  const { folder, at } = await takeSnapshot(dataDir);
  try {
    const { bytes, manifest } = await pack(folder, at, file);
    await flushToDisk(dirname(resolve(file)));
    await recordBackup(dataDir, { at, file: resolve(file), bytes });
    const withKeys = manifest.files.some(({ name }) => name === 'tokens.json');
    return { file, at, bytes, files: manifest.files.length, withKeys, running };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const BACKUP_NAME = /^firebreak-\d{8}T\d{6}Z\.tar\.gz$/;

/** Returns the name of a new archive; names sort by time. */
export const nameOfBackup = (now: Date): string =>
  `firebreak-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.tar.gz`;

/** Removes all archives in a folder except the newest `keep`, by name. @returns the names of removed archives */
export async function removeOldBackups(folder: string, keep: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => BACKUP_NAME.test(name)).sort();
  const removed = names.slice(0, Math.max(0, names.length - keep));
  for (const name of removed) await rm(join(folder, name));
  return removed;
}
