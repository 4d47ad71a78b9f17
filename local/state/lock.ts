import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { isDiskFailure } from '../../core/stores/storage-errors.ts';

/**
 * The holder of a data folder, as recorded in its file `lock`. For people, error messages, and the command line, which reads the
 * address there (entrances/cli/credentials.ts). `url`: absent until it accepts requests.
 */
const Holder = z.object({ pid: z.number(), startedAt: z.string(), host: z.string(), url: z.string().optional() });
type Holder = z.infer<typeof Holder>;

/** How long a start waits for a holder that is ending: `kill -9` returns before the kernel is done. */
const WAIT_MS = 500;
const POLL_MS = 25;

const SQLITE_BUSY = 5;

/** A lock lives as long as its connection, so the connection must not be garbage-collected while it holds the lock. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the only user of the data folder `dir`; creates the folder with mode 0700 if it is missing.
 *
 * The lock is the operating system's, taken by SQLite on `lock.sqlite`, not the existence of a file. It ends with its
 * holder, however that ends, and exactly one of two starts gets it. Checking the process id in a leftover file would
 * fail for a reused id, for a killed process that was not reaped, and between two containers that share the folder. The
 * file `lock` names the holder; after a crash it stays, and the next start replaces it.
 *
 * @throws Error that names the process and the fix if another one holds the folder
 */
export async function lockDataDir(
  dir: string,
): Promise<{ release(): Promise<void>; recordAddress(url: string): Promise<void> }> {
  const folder = resolve(dir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const record = join(folder, 'lock');
  const database = await acquire(join(folder, 'lock.sqlite'));
  if (!database) throw new Error(await inUse(folder, record));
  held.add(database);
  await writeRecord(record, thisProcess());
  return {
    recordAddress: (url) => writeRecord(record, { ...thisProcess(), url }),
    async release() {
      if (!held.delete(database)) return;
      await rm(record, { force: true }); // while the lock is held: later it could be the next holder's
      database.close(); // keep the file: a lock on a deleted file excludes no one
    },
  };
}

/** The record is only for people and the command line, so that a disk that cannot be written to prevents no start. */
async function writeRecord(record: string, holder: Holder): Promise<void> {
  await writeFile(record, `${JSON.stringify(holder)}\n`, { mode: 0o600 }).catch((error: unknown) => {
    if (!isDiskFailure(error)) throw error;
  });
}

/** Returns whether another process holds the data folder. */
export async function isInUse(dir: string): Promise<boolean> {
  const database = await acquire(join(resolve(dir), 'lock.sqlite'));
  database?.close();
  return database === undefined;
}

async function acquire(path: string): Promise<DatabaseSync | undefined> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const database = tryAcquire(path);
    if (database || performance.now() > deadline) return database;
    await sleep(POLL_MS);
  }
}

function tryAcquire(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  createPrivate(path);
  try {
    database = new DatabaseSync(path);
    // Nothing is written, also not a journal, so that a full disk prevents no lock.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) return undefined;
    throw new Error(
      `Cannot lock ${path}. Check that its folder is writable and on a file system that supports locks.`,
      {
        cause,
      },
    );
  }
}

/** Creates a file that only its owner can read, unless it exists: closing an existing one would end the lock of this process. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch {
    // it exists, or opening it as a database fails as well
  }
}

const thisProcess = (): Holder => ({
  pid: process.pid,
  startedAt: new Date(Date.now() - process.uptime() * 1000).toISOString(),
  host: hostname(),
});

async function inUse(folder: string, record: string): Promise<string> {
  const holder = await readHolder(record);
  const description = holder
    ? `process ${holder.pid} on ${holder.host}, started ${holder.startedAt}`
    : 'another process';
  const stop = holder ? `Stop it (kill ${holder.pid})` : 'Stop it';
  return `The data folder ${folder} is in use by ${description}. ${stop}, or set FIREBREAK_DATA_DIR to another folder.`;
}

async function readHolder(record: string): Promise<Holder | undefined> {
  try {
    return Holder.parse(JSON.parse(await readFile(record, 'utf8')));
  } catch {
    return undefined; // incomplete, or written by another program
  }
}
