import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Thrown if this machine cannot run the rest of the checks: they are skipped with this reason. */
class NotHere extends Error {}

/** Time for all checks of a program, in milliseconds. The rest is skipped: on a busy machine, downloads take minutes. */
const ALL_MAX_MS = 285_000;

const remainingMs = (): number => ALL_MAX_MS - performance.now();

/** @throws NotHere if the time is over */
function checkTime(): void {
  if (remainingMs() <= 0) throw new NotHere(`the time limit of ${ALL_MAX_MS / 1000} s is over`);
}

/** Runs checks one after another, prints each, and counts them. */
export class Checks {
  passed = 0;
  failed = 0;
  skipped = 0;

  /**
   * Runs a check. If it fails, the following ones make no sense.
   *
   * @param test may return what was measured
   * @throws Error if it failed, after printing why
   */
  async check(name: string, test: () => Promise<string | void> | string | void): Promise<void> {
    const began = performance.now();
    try {
      const detail = await test();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`ok    ${name}${detail === undefined ? '' : `: ${detail}`} (${seconds} s)`);
      this.passed += 1;
    } catch (error) {
      if (!(error instanceof NotHere)) console.log(`FAIL  ${name}`);
      throw error;
    }
  }

  /** Skips one check. */
  omit(name: string, reason: string): void {
    this.skipped += 1;
    console.log(`skipped: ${name}: ${reason}`);
  }

  /** Skips the rest. @throws always */
  skip(reason: string): never {
    throw new NotHere(reason);
  }

  /** Skips the rest if a program is missing, or this process is not root. */
  need(...programs: string[]): void {
    const folders = (process.env['PATH'] ?? '').split(delimiter);
    const missing = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
    if (missing.length > 0) this.skip(`${missing.join(' and ')} not installed`);
    if (process.getuid?.() !== 0) this.skip('root access is missing');
  }

  /** Runs all checks in a new folder, removes it, prints the result, and sets the exit code. */
  async all(program: (folder: string) => Promise<void>): Promise<void> {
    const folder = temporaryFolder();
    try {
      await program(folder);
    } catch (error) {
      if (error instanceof NotHere) {
        this.skipped += 1;
        console.log(`skipped: ${error.message}`);
      } else {
        this.failed += 1;
        console.log((error instanceof Error ? error.message : String(error)).replaceAll(/^/gm, '      '));
      }
    } finally {
      if (isMounted(folder)) console.log(`still mounted, so not removed: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    }
    console.log(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
    if (this.failed > 0) process.exitCode = 1;
  }
}

/** Memory is several times faster than a disk, which each package of Debian waits for. */
const MEMORY = '/dev/shm';
const MEMORY_MIN_BYTES = 6 * 1024 ** 3;

function temporaryFolder(): string {
  const free = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 };
  return mkdtempSync(join(free.bavail * free.bsize > MEMORY_MIN_BYTES ? MEMORY : tmpdir(), 'firebreak-machine-'));
}

const isMounted = (folder: string): boolean => readFileSync('/proc/self/mounts', 'utf8').includes(` ${folder}/`);

/** Runs a program to its end, and returns its output. @throws Error with its output if it fails */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  checkTime();
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: Math.ceil(remainingMs()),
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return stdout.trim();
  checkTime();
  const why = error?.message ?? (signal === null ? `exited with ${status}` : `ended by ${signal}`);
  throw new Error(`${program} ${args.slice(0, 12).join(' ')} ${why}\n${`${stdout}${stderr}`.slice(-3000)}`);
}

/** Waits until `ask` returns a value. @throws Error after the time limit */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  maxMs = 60_000,
): Promise<T> {
  const end = performance.now() + maxMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    checkTime();
    if (performance.now() > end) throw new Error(`timed out: ${what}`);
    await sleep(100);
  }
}

/** Returns the processes that a process started, directly or indirectly, with their command lines. */
export function descendants(pid: number): { pid: number; command: string[] }[] {
  const children = tasks(pid).flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean));
  return children
    .map(Number)
    .flatMap((child) => [
      { pid: child, command: read(`/proc/${child}/cmdline`).split('\0').slice(0, -1) },
      ...descendants(child),
    ]);
}

/** Ends a process and all that it started, at once. */
export function endAll(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const { pid } of descendants(child.pid).toReversed()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended with another one.
    }
  }
  child.kill('SIGKILL');
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // the process has ended
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process has ended
  }
}

/** Makes a Debian base with more packages, as a tar archive. Skips the rest if Debian's packages cannot be downloaded. */
export function debianBase(checks: Checks, folder: string, packages: readonly string[]): string {
  const tar = join(folder, 'base.tar');
  const include = packages.length === 0 ? [] : [`--include=${packages.join(',')}`];
  try {
    run('mmdebstrap', ['--quiet', '--variant=minbase', ...include, 'bookworm', tar], {
      env: { ...process.env, TMPDIR: folder },
    });
  } catch (error) {
    checks.skip(`no Debian base could be made: ${error instanceof Error ? error.message : String(error)}`);
  }
  return tar;
}
