import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { lockDataDir } from '../state/lock.ts';
import { writePrivate } from '../state/private-file.ts';
import { BadArchive, type Manifest, flushToDisk, unpack, verify } from './archive.ts';
import { DATABASES, RESTORE_FOLDER } from './contents.ts';
import { RESTORED, type Restored } from './restored-file.ts';

/** Thrown for a folder that cannot be restored into, with the reason. */
export class NotRestored extends Error {
  override readonly name = 'NotRestored';
}

/** Files that a lock leaves in a folder. */
const LOCK_FILES = ['lock', 'lock.sqlite', 'lock.sqlite-journal'];

/**
 * Restores an archive into a folder that is empty or does not exist, and that no Firebreak uses. Verifies the whole
 * archive before it writes anything. After a crash in between, the folder cannot be started, but the archive can be
 * restored into it again.
 *
 * @param options.pause whether automation is paused at the next start
 * @throws BadArchive, NotRestored, or an error when reading or writing fails
 */
export async function restore(
  file: string,
  dataDir: string,
  { pause, now }: { pause: boolean; now: Date },
): Promise<Manifest> {
  // A folder in use is refused with the process that uses it, not only because it is not empty.
  if (existsSync(join(dataDir, 'lock.sqlite'))) await (await acquireLock(dataDir)).release();
  await requireEmpty(dataDir);
  const manifest = await verify(file);
  const lock = await acquireLock(dataDir);
  try {
    await requireEmpty(dataDir);
    await removeInterruptedRestore(dataDir);
    const draft = join(dataDir, RESTORE_FOLDER);
    await mkdir(draft, { mode: 0o700 });
    await flushToDisk(dataDir);
    await unpack(file, async (name, content) => {
      await mkdir(dirname(join(draft, name)), { recursive: true, mode: 0o700 });
      await pipeline(content, createWriteStream(join(draft, name), { flags: 'wx', mode: 0o600, flush: true }));
    });
    for (const name of DATABASES) if (existsSync(join(draft, name))) checkDatabase(join(draft, name), name);
    const restored: Restored = { backup_of: manifest.at, restored_at: now.toISOString(), pause };
    await writePrivate(join(draft, RESTORED), `${JSON.stringify(restored)}\n`);
    await flushFolders(draft);
    for (const name of await readdir(draft)) await rename(join(draft, name), join(dataDir, name));
    await flushToDisk(dataDir);
    await rmdir(draft);
    await flushToDisk(dataDir);
    return manifest;
  } finally {
    await lock.release();
  }
}

async function acquireLock(dataDir: string): Promise<{ release(): Promise<void> }> {
  try {
    return await lockDataDir(dataDir);
  } catch (error) {
    throw new NotRestored(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function requireEmpty(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, RESTORE_FOLDER))) return; // all files there come from an interrupted restore
  const found = existsSync(dataDir) ? (await readdir(dataDir)).filter((name) => !LOCK_FILES.includes(name)) : [];
  if (found.length > 0)
    throw new NotRestored(
      `${dataDir} is not empty (it contains ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}). Move it away, or restore into another folder with --data-dir`,
    );
}

/** The marker is removed last: while it exists, the folder is known to be incomplete. */
async function removeInterruptedRestore(dataDir: string): Promise<void> {
  const rest = (await readdir(dataDir)).filter((name) => !LOCK_FILES.includes(name) && name !== RESTORE_FOLDER);
  for (const name of rest) await rm(join(dataDir, name), { recursive: true, force: true });
  await rm(join(dataDir, RESTORE_FOLDER), { recursive: true, force: true });
}

function checkDatabase(file: string, name: string): void {
  const database = new DatabaseSync(file);
  try {
    const { quick_check: result } = database.prepare('PRAGMA quick_check').get() as { quick_check: string };
    if (result !== 'ok') throw new BadArchive(`${name} is damaged: ${result}`);
  } finally {
    database.close();
  }
}

async function flushFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await flushToDisk(join(entry.parentPath, entry.name));
  await flushToDisk(folder);
}
