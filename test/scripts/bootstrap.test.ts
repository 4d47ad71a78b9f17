import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { npmStarters, onNpmExit } from '../../scripts/npm-parent.mjs';

const project = resolve(import.meta.dirname, '../..');
const parent = join(project, 'local/parent.ts');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-bootstrap-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Started = ChildProcessByStdio<null, Readable, Readable>;

/** Starts the bootstrap with a test program, which prints its pid first. */
async function start(
  code: string,
  ...args: string[]
): Promise<{ bootstrap: Started; lines: AsyncIterator<string>; pid: number }> {
  const program = join(folder, `${crypto.randomUUID()}.ts`);
  await writeFile(program, `console.log(process.pid); setTimeout(() => {}, 60_000);\n${code}`);
  const bootstrap = spawn(process.execPath, [join(project, 'scripts/bootstrap.mjs'), program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void bootstrap.kill('SIGKILL'));
  const lines = createInterface(bootstrap.stdout)[Symbol.asyncIterator]();
  return { bootstrap, lines, pid: Number(await next(lines)) };
}

const next = async (lines: AsyncIterator<string>): Promise<string | undefined> => {
  const { done, value } = await lines.next();
  return done ? undefined : value;
};

/** Waits until no process has this id; the parent may be gone, so only the system can tell. */
const gone = (pid: number) => expect.poll(() => isRunning(pid)).toBe(false);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the program gets its arguments and Node 24 or newer on PATH, and its exit code is returned', async () => {
  const { bootstrap, lines } = await start(
    `import { execFileSync } from 'node:child_process';
     console.log(process.argv.slice(2).join(' '));
     console.log(execFileSync('node', ['--version'], { encoding: 'utf8' }).trim());
     process.exit(7);`,
    'one',
    'two',
  );
  const ended = once(bootstrap, 'exit');
  expect(await next(lines)).toBe('one two');
  expect(await next(lines)).toMatch(/^v(2[4-9]|[3-9]\d)\./);
  expect(await ended).toEqual([7, null]);
});

test('options in front of the program are for Node, and those after it for the program', async () => {
  const program = join(folder, 'options.ts');
  await writeFile(program, 'console.log([...process.execArgv, ...process.argv.slice(2)].join(" "));');
  const args = [join(project, 'scripts/bootstrap.mjs'), '--enable-source-maps', program, '--watch'];
  const bootstrap = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await text(bootstrap.stdout)).toBe('--enable-source-maps --watch\n');
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s reaches the program, which decides how it ends',
  async (signal) => {
    const { bootstrap, lines } = await start(
      `process.once('${signal}', () => { console.log('asked to stop'); process.exit(0); }); console.log('ready');`,
    );
    expect(await next(lines)).toBe('ready');
    const ended = once(bootstrap, 'exit');
    bootstrap.kill(signal);
    expect(await next(lines)).toBe('asked to stop');
    expect(await ended).toEqual([0, null]);
  },
);

test('a program that ends by a signal ends the bootstrap by the same signal', async () => {
  const { bootstrap, pid } = await start('');
  const ended = once(bootstrap, 'exit');
  process.kill(pid, 'SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
});

test('a program whose bootstrap was killed is stopped as by SIGTERM', async () => {
  const { bootstrap, lines, pid } = await start(
    `import { stopWithParent } from ${JSON.stringify(parent)};
     process.once('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
     stopWithParent();
     console.log('ready');`,
  );
  expect(await next(lines)).toBe('ready');
  bootstrap.kill('SIGKILL');
  expect(await next(lines)).toBe('asked to stop');
  await gone(pid);
});

test('a program whose bootstrap was killed while it was being loaded is stopped, too', async () => {
  const { bootstrap, lines, pid } = await start(
    `import { once } from 'node:events';
     import { stopWithParent } from ${JSON.stringify(parent)};
     process.once('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
     console.log('ready');
     await once(process, 'disconnect');
     stopWithParent();`,
  );
  expect(await next(lines)).toBe('ready');
  bootstrap.kill('SIGKILL');
  expect(await next(lines)).toBe('asked to stop');
  await gone(pid);
});

describe('npm runs it in a shell', () => {
  /** Runs the bootstrap in nested shells like npm. Both shells have a command after it. */
  async function inShells(): Promise<{ lines: AsyncIterator<string>; npm: number; shell: number; pid: number }> {
    const program = join(folder, `${crypto.randomUUID()}.ts`);
    await writeFile(
      program,
      `process.once('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
       console.log(process.pid);
       setTimeout(() => {}, 60_000);`,
    );
    const bootstrap = `"${process.execPath}" "${join(project, 'scripts/bootstrap.mjs')}" "${program}"`;
    const npm = spawn('sh', ['-c', `sh -c 'echo $$; ${bootstrap}; true'; true`], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', npm_lifecycle_event: 'start' },
    });
    const lines = createInterface(npm.stdout)[Symbol.asyncIterator]();
    const [shell, pid] = [Number(await next(lines)), Number(await next(lines))];
    if (npm.pid === undefined) throw new Error('no shell could be started');
    const all = [npm.pid, shell, pid];
    onTestFinished(() => {
      for (const each of all.filter((one) => one > 1 && isRunning(one))) process.kill(each, 'SIGKILL');
    });
    return { lines, npm: npm.pid, shell, pid };
  }

  test('the program stops with that shell, the only process to which npm forwards SIGTERM', async () => {
    const { lines, shell, pid } = await inShells();
    process.kill(shell, 'SIGTERM');
    expect(await next(lines)).toBe('asked to stop');
    await gone(pid);
  });

  test('the program stops with npm, whose end the shell does not notice', async () => {
    const { lines, npm, pid } = await inShells();
    process.kill(npm, 'SIGKILL');
    expect(await next(lines)).toBe('asked to stop');
    await gone(pid);
  });

  test.each([
    ['the program stops with its parent if npm started it', 'start', 1],
    ['the program continues if something other than npm started it', undefined, 0],
  ])('%s', (_, event, times) => {
    vi.useFakeTimers();
    vi.stubEnv('npm_lifecycle_event', event);
    const ppid = vi.spyOn(process, 'ppid', 'get').mockReturnValue(process.ppid);
    onTestFinished(() => {
      vi.useRealTimers();
      vi.unstubAllEnvs();
      ppid.mockRestore();
    });
    const onExit = vi.fn<() => void>();
    onNpmExit(npmStarters(), onExit);
    vi.advanceTimersByTime(60_000);
    expect(onExit).not.toHaveBeenCalled();
    ppid.mockReturnValue(1);
    vi.advanceTimersByTime(60_000);
    expect(onExit).toHaveBeenCalledTimes(times);
  });
});

test('watching the bootstrap does not keep an idle program alive', async () => {
  const program = join(folder, 'short.ts');
  await writeFile(program, `import { stopWithParent } from ${JSON.stringify(parent)};\nstopWithParent();`);
  const bootstrap = spawn(process.execPath, [join(project, 'scripts/bootstrap.mjs'), program], { stdio: 'ignore' });
  expect(await once(bootstrap, 'exit')).toEqual([0, null]);
});

test('without a program, it only sets up', async () => {
  const bootstrap = spawn(process.execPath, [join(project, 'scripts/bootstrap.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, [code]] = await Promise.all([text(bootstrap.stdout), once(bootstrap, 'exit')]);
  expect({ out, code: code as unknown }).toEqual({ out: '', code: 0 });
});
