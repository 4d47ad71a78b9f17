import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { removeAbandonedSnapshots, takeSnapshot } from '../../../local/backup/snapshot.ts';
import { HEAD_KEY } from '../../../core/stores/audit/audit-head.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-snapshot-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** Another process that numbers its steps: it writes a blob, then the rows that refer to it, then the head of the audit log. */
function writer() {
  const script = `
    import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { DatabaseSync } from 'node:sqlite';
    const [dir, headKey] = process.argv.slice(1);
    const opened = (name) => {
      const database = new DatabaseSync(join(dir, name));
      database.exec('PRAGMA journal_mode = WAL; CREATE TABLE numbers (n INTEGER)');
      return database.prepare('INSERT INTO numbers VALUES (?)');
    };
    const [product, sandbox] = ['firebreak.sqlite', 'standins.sqlite'].map(opened);
    const blob = (key, text) => {
      const file = join(dir, 'blobs', key);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(join(dir, 'unfinished'), text);
      renameSync(join(dir, 'unfinished'), file);
    };
    for (let n = 1; ; n += 1) {
      blob('evidence/' + n, String(n));
      product.run(n);
      blob(headKey, String(n));
      sandbox.run(n);
      process.stdout.write(n + '\\n');
      await new Promise((resolve) => setTimeout(resolve, 1)); // or there would be too many files to check
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir, HEAD_KEY], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  let written = 0;
  lines.on('line', (line) => (written = Number(line)));
  return {
    /** The last step of which the process said that it is done. */
    written: () => written,
    /** Waits until it has done more steps. */
    after: async (steps: number) => {
      for (let left = steps; left > 0; left -= 1) await once(lines, 'line');
    },
    kill: async () => {
      const closed = once(lines, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

const newest = (file: string): number => {
  const database = new DatabaseSync(file);
  const { n } = database.prepare('SELECT coalesce(max(n), 0) AS n FROM numbers').get() ?? {};
  database.close();
  return Number(n);
};

const numberIn = async (file: string): Promise<number> => Number(await readFile(file, 'utf8'));

/** Checks that a snapshot has everything that was written before it, and no reference to anything that it has not. */
async function expectComplete(folder: string, before: number): Promise<void> {
  const number = newest(join(folder, 'firebreak.sqlite'));
  expect(number).toBeGreaterThanOrEqual(before);
  expect(newest(join(folder, 'standins.sqlite'))).toBeGreaterThanOrEqual(before);
  for (let n = 1; n <= number; n += 1) expect(await numberIn(join(folder, 'blobs', 'evidence', String(n)))).toBe(n);
  const head = await numberIn(join(folder, 'blobs', HEAD_KEY));
  expect([head <= number, head >= before]).toEqual([true, true]);
}

test('is complete while another process writes, and after that process was killed', async () => {
  const process = writer();
  await process.after(1);
  for (let round = 1; round <= 4; round += 1) {
    await process.after(10);
    const before = process.written();
    const { folder } = await takeSnapshot(dir);
    await expectComplete(folder, before);
    await rm(folder, { recursive: true });
  }
  await process.kill();
  const { folder } = await takeSnapshot(dir);
  await expectComplete(folder, process.written());
});

test('later writes do not change a snapshot, and unfinished blobs are not in it', async () => {
  const database = new DatabaseSync(join(dir, 'firebreak.sqlite'));
  database.exec('CREATE TABLE numbers (n INTEGER)');
  database.close();
  await mkdir(join(dir, 'blobs', '.unfinished'), { recursive: true });
  await writeFile(join(dir, 'blobs', '.unfinished', 'half'), '');
  const { folder } = await takeSnapshot(dir);
  expect(existsSync(join(folder, 'blobs', '.unfinished'))).toBe(false);
});

test('a folder without a database is refused', async () => {
  await mkdir(join(dir, 'blobs'));
  await expect(takeSnapshot(dir)).rejects.toThrow(`${dir} has no firebreak.sqlite`);
  expect(await readdir(dir)).toEqual(['blobs']);
});

test('leftovers of an interrupted backup are removed, and a snapshot in use is kept', async () => {
  const [old, young] = [join(dir, 'snapshot-old'), join(dir, 'snapshot-young')];
  await Promise.all([old, young].map((folder) => mkdir(folder)));
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
  await utimes(old, hoursAgo(25), hoursAgo(25));
  await utimes(young, hoursAgo(1), hoursAgo(1));
  await removeAbandonedSnapshots(dir);
  expect(await readdir(dir)).toEqual(['snapshot-young']);
});
