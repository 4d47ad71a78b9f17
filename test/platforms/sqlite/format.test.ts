import { spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { Database } from '../../../platforms/sqlite/database.ts';
import { DATABASE_FORMAT } from '../../../platforms/sqlite/format.ts';
import { SqliteStore } from '../../../platforms/sqlite/store.ts';
import { put } from '../../../platforms/store.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-format-'));
  file = join(folder, 'firebreak.sqlite');
});
afterEach(() => rm(folder, { recursive: true }));

const ITEM = { pk: 'A', sk: 'B', text: 'kept'.repeat(20_000) };

/** Creates a file with an item, as of an instance that was stopped. */
async function written(): Promise<void> {
  const database = await Database.open(file);
  await new SqliteStore(database).write([put(ITEM)]);
  await database.close();
}

async function changed(sql: string): Promise<void> {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

const refusal = async (): Promise<string> => {
  const opened = await Database.open(file).catch((error: Error) => error.message);
  if (typeof opened === 'string') return opened;
  await opened.close();
  return '';
};

test('a new file gets the format, and can be opened again', async () => {
  await written();
  const raw = new DatabaseSync(file);
  expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: DATABASE_FORMAT });
  raw.close();
  expect((await readFile(file)).toString('latin1', 68, 72)).toBe('Frbk');
  const database = await Database.open(file);
  expect(await new SqliteStore(database).get(ITEM)).toEqual(ITEM);
  await database.close();
});

test('the file does not need a version later than this one', async () => {
  await written();
  const raw = new DatabaseSync(file);
  const { first_version: version } = raw.prepare('SELECT first_version FROM firebreak').get() ?? {};
  raw.close();
  const order = (text: unknown) =>
    String(text)
      .split('.')
      .map((part) => part.padStart(6, '0'))
      .join('.');
  expect(order(version) <= order(packageJson.version)).toBe(true);
});

describe('a file that cannot be used is refused, and not changed:', () => {
  const unchanged = async (message: RegExp): Promise<void> => {
    const before = await readFile(file);
    expect(await refusal()).toMatch(message);
    expect((await readFile(file)).equals(before)).toBe(true);
  };

  test('the file of a newer version, with the version to start', async () => {
    await written();
    await changed("PRAGMA user_version = 99; UPDATE firebreak SET first_version = '7.8.9'");
    await unchanged(/firebreak\.sqlite was written by a newer version .*format 99; .*Start Firebreak 7\.8\.9 or newer/);
  });

  test('the database of another program', async () => {
    await changed('CREATE TABLE notes (text)');
    await unchanged(/firebreak\.sqlite is not a database of Firebreak: move it away/);
  });

  test('no database', async () => {
    await writeFile(file, 'no database, whatever the name says; '.repeat(100));
    await unchanged(/firebreak\.sqlite is not a database.*: restore a backup/);
  });

  test('a file whose first page is zero', async () => {
    await written();
    await writeFile(file, Buffer.concat([Buffer.alloc(4096), (await readFile(file)).subarray(4096)]));
    await unchanged(/firebreak\.sqlite is not a database.*: restore a backup/);
  });

  test.each([100, 4096, 3 * 4096, 5 * 4096 + 17])('a file that ends after %d bytes', async (bytes) => {
    await written();
    await truncate(file, bytes);
    await unchanged(/firebreak\.sqlite is (not a database|damaged or truncated).*: restore a backup/);
  });
});

test('a file that a crash left without tables is new', async () => {
  await writeFile(file, '');
  expect(await refusal()).toBe('');
});

/** Opens the file in a process that gives up its special rights first, and returns the error. */
function refusalOfUser(): string {
  // Only after the import: other users need not be able to read this folder.
  const script = `
    import { openWriting } from ${JSON.stringify(new URL('../../../platforms/sqlite/connection.ts', import.meta.url).href)};
    if (process.getuid?.() === 0) { process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY}); }
    try { openWriting(process.argv[1]); console.log('opened'); } catch (error) { console.log(error.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], {
    encoding: 'utf8',
  });
  return stdout || stderr;
}
const NOBODY = 65_534;

test('a file or a folder that cannot be written is refused, with the fix', async () => {
  await written();
  if (process.getuid?.() === 0) for (const path of [folder, file]) await chown(path, NOBODY, NOBODY);
  expect(refusalOfUser()).toBe('opened\n');
  await chmod(file, 0o400);
  expect(refusalOfUser()).toMatch(/firebreak\.sqlite cannot be opened for writing: the user of this process must/);
  await chmod(file, 0o600);
  await chmod(folder, 0o500);
  expect(refusalOfUser()).toMatch(/firebreak\.sqlite cannot be opened for writing: .*and to its folder/);
  file = join(folder, 'none.sqlite');
  expect(refusalOfUser()).toMatch(/none\.sqlite cannot be opened for writing/);
  await chmod(folder, 0o700);
});

test('a copy without its write-ahead log, as of a stopped instance, is complete', async () => {
  await written();
  const copy = join(folder, 'copy.sqlite');
  await copyFile(file, copy);
  const database = await Database.open(copy);
  expect(await new SqliteStore(database).get(ITEM)).toEqual(ITEM);
  await database.close();
});
