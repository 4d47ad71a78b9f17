import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { BLOBS_FOLDER, DATABASE_FILE } from '../../platforms/sqlite/data-folder.ts';
import { BLOBS_WRITTEN_LAST, CREDENTIAL_FILES, DATABASES, SNAPSHOT_PREFIX } from './contents.ts';

export type Snapshot = {
  /** A folder in the data folder, with the same layout. */
  folder: string;
  /** The point in time of its data, as ISO 8601. */
  at: string;
};

/** Thrown if there is nothing to copy, with the reason. */
export class NoSnapshot extends Error {
  override readonly name = 'NoSnapshot';
}

/** Database pages to copy in one step on SQLite's own thread: large steps for speed, but not the whole file at once. */
const PAGES_AT_ONCE = 4096;
const LINKS_AT_ONCE = 32;

/** After this time, a remaining snapshot was left by an interrupted backup. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Copies the data folder as of one moment, whether or not another process uses it, and without its help.
 *
 * The database is copied in one read transaction: the copy has all transactions that were committed before it began, and
 * no later one. Whatever an item refers to is written before the item, so blobs that are linked after the transaction
 * began are complete; additional ones are referred to by nobody. The exception is `BLOBS_WRITTEN_LAST`, which are linked
 * before it: a head of the audit log that is newer than the log would look like removed entries. A start on the copy
 * equals a start after a `kill -9` at that moment.
 *
 * @throws NoSnapshot if there is no database
 */
export async function takeSnapshot(dataDir: string): Promise<Snapshot> {
  if (!existsSync(join(dataDir, DATABASE_FILE)))
    throw new NoSnapshot(`${dataDir} has no ${DATABASE_FILE}: Firebreak never started there`);
  const folder = join(dataDir, `${SNAPSHOT_PREFIX}${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { mode: 0o700 });
  const readers = new Map<string, DatabaseSync>();
  const [from, to] = [dataDir, folder].map((parent) => join(parent, BLOBS_FOLDER)) as [string, string];
  try {
    for (const key of BLOBS_WRITTEN_LAST) await linkFile(join(from, key), join(to, key));
    const at = new Date().toISOString();
    for (const name of DATABASES) {
      if (existsSync(join(dataDir, name))) readers.set(name, openReader(join(dataDir, name)));
    }
    await linkTree(from, to);
    for (const [name, reader] of readers) await backup(reader, join(folder, name), { rate: PAGES_AT_ONCE });
    for (const name of CREDENTIAL_FILES) await ifPresent(copyFile(join(dataDir, name), join(folder, name)));
    return { folder, at };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    for (const reader of readers.values()) reader.close();
  }
}

/** Removes snapshots that interrupted backups have left behind. */
export async function removeAbandonedSnapshots(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(SNAPSHOT_PREFIX));
  for (const folder of names.map((name) => join(dataDir, name))) {
    const stats = await ifPresent(stat(folder)); // its reader may be removing it now
    if (stats && Date.now() - stats.mtimeMs >= ABANDONED_AFTER_MS) await rm(folder, { recursive: true, force: true });
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

/** Links files, which are replaced and never changed, so that a hard link preserves the current content. */
async function linkTree(from: string, to: string): Promise<void> {
  const entries = (await ifPresent(readdir(from, { recursive: true, withFileTypes: true }))) ?? [];
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('.')); // files that are being written
  for (let first = 0; first < paths.length; first += LINKS_AT_ONCE) {
    const batch = paths.slice(first, first + LINKS_AT_ONCE);
    await Promise.all(batch.map((path) => linkFile(join(from, path), join(to, path))));
  }
}

/** Gives a file a second name, or copies it on file systems without hard links. Keeps a file that has the name. */
async function linkFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await link(from, to).catch(async (error: unknown) => {
    if (!hasCode(error, 'EEXIST')) await ifPresent(copyFile(from, to));
  });
}

/** Returns undefined if a file does not exist. */
async function ifPresent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
