import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../../..');

/** Time limits for a program's start, and for its stop before it is killed. Milliseconds. */
const READY_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 10_000;

/** Characters of its output that are kept for errors. */
const OUTPUT_KEPT = 4_000;

/**
 * A running program with an HTTP address. `readyMs`: from its start to its `ready` line. `lastOutput`: the end of its
 * log.
 */
export type Program = { url: string; pid: number; readyMs: number; lastOutput(): string; stop(): Promise<void> };

/** Those that run. */
const running = new Set<() => Promise<void>>();

/** Stops all programs: those of a part that has failed. */
export const stopAll = async (): Promise<void> => void (await Promise.all([...running].map((stop) => stop())));

/**
 * Starts a program of this project as a user does, and waits for its line `… ready on <address>`. When this process
 * ends in any way, the IPC channel closes, and the program ends as well.
 *
 * @throws Error with its output if it does not become ready
 */
export async function startProgram(
  file: string,
  { args = [], env = {}, nodeArgs = [] }: { args?: string[]; env?: Record<string, string>; nodeArgs?: string[] } = {},
): Promise<Program> {
  const began = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, file, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...asByNpmStart(), ...env },
  });
  child.channel?.unref(); // the channel must not keep this process alive
  const stop = async () => {
    running.delete(stop);
    await stopChild(child);
  };
  running.add(stop);
  let output = '';
  const lastOutput = () => output;
  const append = (chunk: Buffer) => void (output = `${output}${chunk.toString()}`.slice(-OUTPUT_KEPT));
  child.stdout?.on('data', append); // keeps reading after the start, because a full pipe would block its log
  child.stderr?.on('data', append);
  try {
    const url = await readyLine(child, file, lastOutput);
    return { url, pid: child.pid ?? 0, readyMs: performance.now() - began, lastOutput, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Environment variables that `npm start` also passes on. The compile cache avoids repeated compilation. */
const asByNpmStart = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
});

function readyLine(child: ChildProcess, file: string, lastOutput: () => string): Promise<string> {
  return new Promise((ready, fail) => {
    const failed = (why: string) => fail(new Error(`${file} ${why}; output:\n${lastOutput()}`));
    const timer = setTimeout(() => failed(`was not ready within ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    const look = () => {
      const url = / ready on (http:\S+)\n/.exec(lastOutput())?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      ready(url);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('error', (error) => failed(`cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      failed(`exited with ${code ?? signal}`);
    });
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOPS_WITHIN_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(killer);
}
