import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { isInUse, lockDataDir } from '../../../local/state/lock.ts';

let parent: string;
let dir: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'firebreak-lock-'));
  dir = join(parent, 'data');
});

afterEach(() => rm(parent, { recursive: true, force: true }));

const holder = async () => JSON.parse(await readFile(join(dir, 'lock'), 'utf8')) as Record<string, unknown>;

/** Another process that takes the lock, prints the result, and holds it until it is killed. */
function otherProcess() {
  const script = `
    import { lockDataDir } from ${JSON.stringify(new URL('../../../local/state/lock.ts', import.meta.url).href)};
    const outcome = await lockDataDir(process.argv[1]).then(() => 'locked', (error) => error.message);
    console.log(outcome);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const outcome = once(createInterface(child.stdout), 'line').then(([line]) => String(line));
  const killed = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { pid: child.pid, outcome, killed };
}

test('the folder is private, and the lock records its holder and the time', async () => {
  const lock = await lockDataDir(join(dir, 'nested'));
  await lock.release();
  expect((await stat(join(dir, 'nested'))).mode & 0o777).toBe(0o700);

  const { release } = await lockDataDir(dir);
  expect(await holder()).toEqual({ pid: process.pid, host: hostname(), startedAt: expect.any(String) });
  const startedAt = Date.parse(String((await holder())['startedAt']));
  expect(startedAt).toBeLessThan(Date.now());
  expect(startedAt).toBeGreaterThan(Date.now() - process.uptime() * 1000 - 5_000);
  await release();
});

test('a second start is refused with the process and the fix, and succeeds after the release', async () => {
  const lock = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toThrow(
    new RegExp(
      `${dir} is in use by process ${process.pid} on .+\\. Stop it \\(kill ${process.pid}\\), or set FIREBREAK_DATA_DIR`,
    ),
  );
  await lock.release();
  expect(await readdir(dir)).not.toContain('lock');
  const again = await lockDataDir(dir);
  await lock.release(); // a second release of the old lock must not affect the new one
  expect(await holder()).toMatchObject({ pid: process.pid });
  await expect(lockDataDir(dir)).rejects.toThrow(/is in use/);
  await again.release();
});

test('another process is refused while this one holds it', async () => {
  const lock = await lockDataDir(dir);
  expect(await otherProcess().outcome).toContain(`in use by process ${process.pid} on `);
  await lock.release();
});

test('after kill -9 of the holder, the next start takes over', async () => {
  const other = otherProcess();
  expect(await other.outcome).toBe('locked');
  await expect(lockDataDir(dir)).rejects.toThrow(`in use by process ${other.pid} on `);
  await other.killed();
  expect(await holder()).toMatchObject({ pid: other.pid }); // its record still exists
  const lock = await lockDataDir(dir);
  expect(await holder()).toMatchObject({ pid: process.pid });
  await lock.release();
});

test('whether a folder is in use can be asked, and the question does not count as a use', async () => {
  const lock = await lockDataDir(dir);
  expect(await isInUse(dir)).toBe(true);
  await lock.release();
  expect(await isInUse(dir)).toBe(false);
  expect(await readdir(dir)).toEqual(['lock.sqlite']);
  await (await lockDataDir(dir)).release();
});

test('a start waits for a holder that is ending', async () => {
  const old = await lockDataDir(dir);
  const next = lockDataDir(dir);
  await old.release();
  await (await next).release();
});

test.each([
  [
    'names a running process that never held it',
    JSON.stringify({ pid: process.ppid, startedAt: 'x', host: hostname() }),
  ],
  [
    'names another host',
    JSON.stringify({ pid: 1, startedAt: '2026-01-01T00:00:00.000Z', host: 'a-container-long-gone' }),
  ],
  ['is truncated', '{"pid":'],
])('a leftover lock file that %s does not prevent a start', async (_, left) => {
  await (await lockDataDir(dir)).release();
  await writeFile(join(dir, 'lock'), left);
  const lock = await lockDataDir(dir);
  expect(await holder()).toMatchObject({ pid: process.pid });
  await lock.release();
});

test('of four concurrent starts over a stale lock, exactly one wins', async () => {
  const stale = otherProcess();
  await stale.outcome;
  await stale.killed();
  const starts = Array.from({ length: 4 }, otherProcess);
  const outcomes = await Promise.all(starts.map(({ outcome }) => outcome));
  expect(outcomes.filter((outcome) => outcome === 'locked')).toHaveLength(1);
  const winner = starts[outcomes.indexOf('locked')];
  for (const outcome of outcomes.filter((text) => text !== 'locked')) {
    expect(outcome).toContain(`in use by process ${winner?.pid} on `);
  }
});

test('a lock that fails for another reason is not reported as a running instance', async () => {
  await (await lockDataDir(dir)).release();
  await writeFile(join(dir, 'lock.sqlite'), 'no database, whatever the name says; '.repeat(30));
  await expect(lockDataDir(dir)).rejects.toThrow(/Cannot lock .*lock\.sqlite\. Check that its folder is writable/);
});
