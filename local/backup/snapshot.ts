import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { isCode } from '../aws/s3/durable-files.ts';
import { DATABASES, KEYS, NEEDED, OBJECTS, SNAPSHOT } from './contents.ts';

export type Snapshot = {
  /** A folder in the data folder, laid out like it. */
  folder: string;
  /** The moment that it shows, as ISO 8601. */
  at: string;
};

/** There is nothing whole to be copied, and why. */
export class NoSnapshot extends Error {
  override readonly name = 'NoSnapshot';
}

/** How many pages are copied before the next look whether the copy is wanted; they are copied on another thread. */
const PAGES_AT_ONCE = 4096;
const LINKS_AT_ONCE = 32;

/**
 * Copies the data folder as it is at one moment, while it is in use or not.
 *
 * To start on the copy is to start after a `kill -9` at that moment. The queues, the executions, and the stand-ins are
 * written by this process alone, and only between two turns of its event loop, so read transactions that begin in one turn
 * see them at the same moment. The database is another process: what this process has been told of is in it, and of
 * what it was asked for meanwhile, a part may be, as after a kill. Objects do not change until each has a second name.
 *
 * @param hold runs its argument while no object changes
 * @throws NoSnapshot when a store is missing
 */
export async function takeSnapshot(
  dataDir: string,
  hold: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Snapshot> {
  const absent = [...NEEDED, OBJECTS].find((name) => !existsSync(join(dataDir, name)));
  if (absent !== undefined)
    throw new NoSnapshot(`${dataDir} has no ${absent}: no Firebreak was ever ready there, or that store is elsewhere`);
  const folder = join(dataDir, `${SNAPSHOT}${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  const readers = new Map<string, DatabaseSync>();
  try {
    const at = await hold(async () => {
      const moment = new Date().toISOString();
      for (const name of DATABASES) {
        if (existsSync(join(dataDir, name))) readers.set(name, readerOf(join(dataDir, name)));
      }
      await linkTree(join(dataDir, OBJECTS), join(folder, OBJECTS));
      return moment;
    });
    for (const [name, reader] of readers) await backup(reader, join(folder, name), { rate: PAGES_AT_ONCE });
    for (const name of KEYS) await copyIfThere(join(dataDir, name), join(folder, name));
    return { folder, at };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    for (const reader of readers.values()) reader.close();
  }
}

/** Removes what is left of snapshots whose readers have gone. @param olderThanMs 0: nobody else uses the folder */
export async function removeSnapshots(dataDir: string, olderThanMs: number): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(SNAPSHOT));
  for (const folder of names.map((name) => join(dataDir, name))) {
    const made = await stat(folder).catch(() => undefined); // its reader may be done with it just now
    if (made && Date.now() - made.mtimeMs >= olderThanMs) await rm(folder, { recursive: true, force: true });
  }
}

/** A connection that sees the file as it is now, whatever is written later. */
function readerOf(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec('BEGIN');
    database.prepare('SELECT count(*) FROM sqlite_schema').get(); // only the first read fixes what the transaction sees
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Files of objects are replaced, never changed: a second name keeps what a file is now. */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: relative(from, join(entry.parentPath, entry.name)) }));
  const kept = paths.filter(({ path }) => !path.startsWith('.')); // what is being written
  for (const { entry, path } of kept) {
    if (entry.isDirectory()) await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  }
  const files = kept.filter(({ entry }) => entry.isFile());
  for (const { path } of files) await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
  for (let first = 0; first < files.length; first += LINKS_AT_ONCE) {
    const some = files.slice(first, first + LINKS_AT_ONCE);
    await Promise.all(some.map(({ path }) => linkOrCopy(join(from, path), join(to, path))));
  }
}

/** Some file systems know no second names. */
const linkOrCopy = (from: string, to: string): Promise<void> => link(from, to).catch(() => copyFile(from, to));

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}
