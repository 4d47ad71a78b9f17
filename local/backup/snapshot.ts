import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../aws/s3/durable-files.ts';
import { DATABASES, CREDENTIAL_FILES, REQUIRED_DATABASES, OBJECTS_FOLDER, SNAPSHOT_PREFIX } from './contents.ts';

export type Snapshot = {
  /** A folder in the data folder, with the same layout. */
  folder: string;
  /** The point in time of its data, as ISO 8601. */
  at: string;
};

/** Thrown if a store is missing, with the reason. */
export class NoSnapshot extends Error {
  override readonly name = 'NoSnapshot';
}

/** Database pages to copy in one step on SQLite's own thread: large steps for speed, but not the whole file at once. */
const PAGES_AT_ONCE = 4096;
const LINKS_AT_ONCE = 32;

/**
 * Copies the data folder as of one moment, whether or not it is in use.
 *
 * A start on the copy equals a start after a `kill -9` at that moment. Only this process writes the queues, the
 * executions, and the stand-ins, and only between turns of its event loop, so read transactions that begin in one turn
 * see the same moment. The database is another process: the copy contains all acknowledged writes and possibly some of
 * those in progress, as after a kill. Objects do not change until each has a hard link.
 *
 * @param hold runs its argument while no object changes
 * @throws NoSnapshot if a store is missing
 */
export async function takeSnapshot(
  dataDir: string,
  hold: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Snapshot> {
  const absent = [...REQUIRED_DATABASES, OBJECTS_FOLDER].find((name) => !existsSync(join(dataDir, name)));
  if (absent !== undefined)
    throw new NoSnapshot(
      `${dataDir} has no ${absent}: Firebreak never started completely there, or that store is elsewhere`,
    );
  const folder = join(dataDir, `${SNAPSHOT_PREFIX}${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  const readers = new Map<string, DatabaseSync>();
  try {
    const at = await hold(async () => {
      const moment = new Date().toISOString();
      for (const name of DATABASES) {
        if (existsSync(join(dataDir, name))) readers.set(name, openReader(join(dataDir, name)));
      }
      await linkTree(join(dataDir, OBJECTS_FOLDER), join(folder, OBJECTS_FOLDER));
      return moment;
    });
    for (const [name, reader] of readers) await backup(reader, join(folder, name), { rate: PAGES_AT_ONCE });
    for (const name of CREDENTIAL_FILES) await copyIfExists(join(dataDir, name), join(folder, name));
    return { folder, at };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    for (const reader of readers.values()) reader.close();
  }
}

/** Removes snapshots that their readers have left behind. @param olderThanMs 0: no other process uses the folder */
export async function removeSnapshots(dataDir: string, olderThanMs: number): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(SNAPSHOT_PREFIX));
  for (const folder of names.map((name) => join(dataDir, name))) {
    const stats = await stat(folder).catch(() => undefined); // its reader may be removing it now
    if (stats && Date.now() - stats.mtimeMs >= olderThanMs) await rm(folder, { recursive: true, force: true });
  }
}

/** Opens a connection that sees the file as it is now, regardless of later writes. */
function openReader(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec('BEGIN');
    database.prepare('SELECT count(*) FROM sqlite_schema').get(); // only the first read fixes the state that the transaction sees
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Links object files, which are replaced and never changed, so that a hard link preserves the current content. */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: relative(from, join(entry.parentPath, entry.name)) }));
  const included = paths.filter(({ path }) => !path.startsWith('.')); // skip files that are being written
  for (const { entry, path } of included) {
    if (entry.isDirectory()) await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  }
  const files = included.filter(({ entry }) => entry.isFile());
  for (const { path } of files) await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
  for (let first = 0; first < files.length; first += LINKS_AT_ONCE) {
    const batch = files.slice(first, first + LINKS_AT_ONCE);
    await Promise.all(batch.map(({ path }) => linkOrCopy(join(from, path), join(to, path))));
  }
}

/** Copies on file systems without hard links. */
const linkOrCopy = (from: string, to: string): Promise<void> => link(from, to).catch(() => copyFile(from, to));

async function copyIfExists(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}
