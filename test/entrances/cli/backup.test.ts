import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDataDir } from '../../../local/state/lock.ts';
import { DATABASE_FORMAT } from '../../../platforms/sqlite/format.ts';
import { cli } from './support.ts';

const BLOB = 'blobs/runs/A.json';
const DATABASES = ['firebreak', 'standins'];

let dir: string;
let dataDir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-backup-'));
  dataDir = join(dir, 'data');
  await mkdir(join(dataDir, 'blobs', 'runs'), { recursive: true });
  for (const name of DATABASES) {
    const database = new DatabaseSync(join(dataDir, `${name}.sqlite`));
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE kept (text); INSERT INTO kept VALUES ('${name}')`);
    database.close();
  }
  await writeFile(join(dataDir, BLOB), 'a blob');
  await writeFile(join(dataDir, 'tokens.json'), '{"FIREBREAK_ADMIN_TOKEN":"fba_kept"}');
  await writeFile(join(dataDir, 'vendor.log'), 'not ours');
});
afterEach(() => rm(dir, { recursive: true }));

const backUp = (...args: string[]) => cli(['backup', ...args, '--data-dir', dataDir]);
const restore = (file: string, to: string, ...args: string[]) => cli(['restore', file, '--data-dir', to, ...args]);

/** An archive of the data folder. */
async function archived(): Promise<string> {
  const file = join(dir, 'archive.tar.gz');
  expect(await backUp(file)).toMatchObject({ code: 0 });
  return file;
}

const keptIn = (folder: string, name: string): unknown => {
  const database = new DatabaseSync(join(folder, `${name}.sqlite`));
  const { text } = database.prepare('SELECT text FROM kept').get() ?? {};
  database.close();
  return text;
};

describe('firebreak backup', () => {
  test('a backup of a stopped instance restores the same files, readable only by their owner', async () => {
    const file = await archived();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const restored = join(dir, 'restored');
    expect(await restore(file, restored)).toMatchObject({ code: 0, err: '' });

    expect((await readdir(restored)).sort()).toEqual([
      'blobs',
      'firebreak.sqlite',
      'lock.sqlite',
      'restored.json',
      'standins.sqlite',
      'tokens.json',
    ]);
    for (const name of DATABASES) expect(keptIn(restored, name)).toBe(name);
    for (const name of [BLOB, 'tokens.json'])
      expect(await readFile(join(restored, name))).toEqual(await readFile(join(dataDir, name)));
    for (const name of await readdir(restored)) expect((await stat(join(restored, name))).mode & 0o077).toBe(0);
    expect((await readdir(dataDir)).filter((name) => name.startsWith('snapshot-'))).toEqual([]);
  });

  test('reports whether the archive contains keys, and that it was verified', async () => {
    const { out, err } = await backUp(join(dir, 'one.tar.gz'));
    expect(out).toMatch(/one\.tar\.gz: 4 files, \d+ KiB, as of \S+Z, Firebreak stopped; archive verified/);
    expect(err).toContain('contains the admin token');
    await rm(join(dataDir, 'tokens.json'));
    expect((await backUp(join(dir, 'two.tar.gz'))).err).toContain('set in the environment');
  });

  test('a folder in use is backed up, and reported as such', async () => {
    const lock = await lockDataDir(dataDir);
    const writing = new DatabaseSync(join(dataDir, 'firebreak.sqlite'));
    writing.exec("UPDATE kept SET text = 'committed'; BEGIN; UPDATE kept SET text = 'open'");
    const file = join(dir, 'archive.tar.gz');
    expect(await backUp(file)).toMatchObject({ code: 0, out: expect.stringContaining('Firebreak running') });
    writing.close();
    await lock.release();
    expect(await restore(file, join(dir, 'restored'))).toMatchObject({ code: 0 });
    expect(keptIn(join(dir, 'restored'), 'firebreak')).toBe('committed');
  });

  test('--to and --keep retain the newest backups and delete no other files', async () => {
    const to = join(dir, 'backups');
    await mkdir(to);
    const older = ['firebreak-20261119T000000Z.tar.gz', 'firebreak-20261120T000000Z.tar.gz'];
    for (const name of [...older, 'firebreak-notes.txt']) await writeFile(join(to, name), '');
    const { code, out } = await backUp('--to', to, '--keep', '2', '--json');
    expect(code).toBe(0);
    const { file, removed } = JSON.parse(out);
    expect(removed).toEqual([older[0]]);
    expect(file).toMatch(/firebreak-\d{8}T\d{6}Z\.tar\.gz$/);
    expect((await readdir(to)).map((name) => join(to, name)).sort()).toEqual(
      [join(to, 'firebreak-notes.txt'), join(to, older[1] ?? ''), String(file)].sort(),
    );
    expect(JSON.parse(await readFile(join(dataDir, 'last-backup.json'), 'utf8'))).toMatchObject({ file });
  });

  test.each([
    [['a.tar.gz', '--to', 'b'], 2, 'not both'],
    [['--keep', '2'], 2, '--keep requires --to'],
  ])('%j is a usage error', async (args, code, why) => {
    expect(await backUp(...args)).toMatchObject({ code, err: expect.stringContaining(why) });
  });

  test('a refused backup leaves no partial archive', async () => {
    const file = await archived();
    expect(await backUp(file)).toMatchObject({ code: 1, err: expect.stringContaining('already exists') });
    await rm(join(dataDir, 'firebreak.sqlite'));
    const refused = await backUp(join(dir, 'more.tar.gz'));
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('has no firebreak.sqlite') });
    expect((await readdir(dir)).sort()).toEqual(['archive.tar.gz', 'data']);
    const nowhere = await cli(['backup', '--data-dir', join(dir, 'nowhere')]);
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('does not exist') });
  });
});

describe('firebreak restore', () => {
  test('refuses a damaged archive, names the file, and writes nothing', async () => {
    const file = await archived();
    const restored = join(dir, 'restored');
    const tar = gunzipSync(await readFile(file));
    for (const [text, name] of [
      ['a blob', BLOB],
      ['fba_kept', 'tokens.json'],
      ['CREATE TABLE kept', 'firebreak.sqlite'],
    ] as const) {
      const damaged = Buffer.from(tar);
      const at = damaged.indexOf(text, damaged.indexOf(`${name}\0`));
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await writeFile(file, gzipSync(damaged));
      const { code, err } = await restore(file, restored);
      expect([code, err]).toEqual([1, expect.stringContaining(`${name} is damaged`)]);
    }
    expect(existsSync(restored)).toBe(false);
  });

  test('refuses a truncated archive, one with a missing file, and other files', async () => {
    const file = await archived();
    const restored = join(dir, 'restored');
    const whole = await readFile(file);
    const refusal = async (content: Buffer) => {
      await writeFile(file, content);
      const { code, err } = await restore(file, restored);
      expect(code).toBe(1);
      return err;
    };
    expect(await refusal(whole.subarray(0, whole.length - 700))).toMatch(/damaged at \S+/);
    expect(await refusal(Buffer.from('hello'))).toContain('damaged at manifest.json');
    const tar = gunzipSync(whole);
    const entry = tar.indexOf(`${BLOB}\0`);
    expect(await refusal(gzipSync(Buffer.concat([tar.subarray(0, entry), Buffer.alloc(1024)])))).toContain(
      `${BLOB} is missing`,
    );
    expect(existsSync(restored)).toBe(false);
  });

  test('refuses an archive of a version with other formats, and names the version', async () => {
    const file = await archived();
    const tar = gunzipSync(await readFile(file));
    const refusalWith = async (text: string, other: string) => {
      const changed = tar.toString('latin1').replace(text, other);
      await writeFile(file, gzipSync(Buffer.from(changed, 'latin1')));
      return restore(file, join(dir, 'restored'));
    };
    for (const format of [1, 9])
      expect(await refusalWith('"format": 2', `"format": ${format}`)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/created by Firebreak \d\S+ This version cannot read its archives/),
      });
    expect((await refusalWith(`"database": ${DATABASE_FORMAT}`, '"database": 9')).err).toContain(
      'This version cannot read its database',
    );
  });

  test('refuses a folder that is in use or not empty', async () => {
    const file = await archived();
    const lock = await lockDataDir(dataDir);
    const running = await restore(file, dataDir);
    expect(running).toMatchObject({ code: 1, err: expect.stringContaining(`in use by process ${process.pid}`) });
    await lock.release();
    const full = await restore(file, dataDir);
    expect(full).toMatchObject({ code: 1, err: expect.stringMatching(/is not empty \(it contains .*Move it away/) });
    expect(keptIn(dataDir, 'firebreak')).toBe('firebreak');
  });

  test('restores into an existing empty folder, such as a mounted volume', async () => {
    const file = await archived();
    const volume = join(dir, 'volume');
    await mkdir(volume);
    await chmod(volume, 0o700);
    expect(await restore(file, volume, '--no-pause')).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(join(volume, 'restored.json'), 'utf8'))).toMatchObject({ pause: false });
  });

  test('starts over after a crash during a restore', async () => {
    const file = await archived();
    const restored = join(dir, 'restored');
    await mkdir(join(restored, 'restoring'), { recursive: true });
    await writeFile(join(restored, 'firebreak.sqlite'), 'half');
    expect(await restore(file, restored)).toMatchObject({ code: 0 });
    expect(keptIn(restored, 'firebreak')).toBe('firebreak');
    expect(existsSync(join(restored, 'restoring'))).toBe(false);
  });
});
