import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { lockDataDir } from '../lock.ts';
import { onDisk, pack } from './archive.ts';
import { RESTORING } from './contents.ts';
import { askForSnapshot } from './control.ts';
import { noteBackup } from './last.ts';
import { removeSnapshots, type Snapshot, takeSnapshot } from './snapshot.ts';

/** A backup that cannot be made, and why. */
export class NoBackup extends Error {
  override readonly name = 'NoBackup';
}

export type Backup = { file: string; at: string; bytes: number; files: number; withKeys: boolean; running: boolean };

/**
 * Backs a data folder up into a new archive: through the Firebreak that uses it, or by itself when none does.
 *
 * @throws NoBackup, or an error of what could not be read or written
 */
export async function backUp(dataDir: string, file: string): Promise<Backup> {
  if (!existsSync(dataDir)) throw new NoBackup(`there is no data folder ${dataDir}`);
  if (existsSync(join(dataDir, RESTORING)))
    throw new NoBackup(`a restore into ${dataDir} has not ended: restore again before you back it up`);
  if (existsSync(file)) throw new NoBackup(`${file} exists already`);
  await mkdir(dirname(resolve(file)), { recursive: true, mode: 0o700 });
  const lock = await lockDataDir(dataDir).catch(() => undefined);
  let snapshot: Snapshot | undefined;
  try {
    if (lock === undefined) {
      snapshot = await askForSnapshot(dataDir);
    } else {
      await removeSnapshots(dataDir, 0);
      snapshot = await takeSnapshot(dataDir, (work) => work());
    }
    const { folder, at } = snapshot;
    const { bytes, manifest } = await pack(folder, at, file);
    await onDisk(dirname(resolve(file)));
    await noteBackup(dataDir, { at, file: resolve(file), bytes });
    const withKeys = manifest.files.some(({ name }) => name === 'tokens.json');
    return { file, at, bytes, files: manifest.files.length, withKeys, running: lock === undefined };
  } finally {
    if (snapshot !== undefined) await rm(snapshot.folder, { recursive: true, force: true });
    await lock?.release();
  }
}

const SCHEDULED = /^firebreak-\d{8}T\d{6}Z\.tar\.gz$/;

/** The name of an archive of now: names sort by time. */
export const nameOfBackup = (now: Date): string =>
  `firebreak-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.tar.gz`;

/** Removes all archives of a folder but the newest, by their names. @returns the names of those that are gone */
export async function prune(folder: string, keep: number): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => SCHEDULED.test(name)).sort();
  const gone = names.slice(0, Math.max(0, names.length - keep));
  for (const name of gone) await rm(join(folder, name));
  return gone;
}
