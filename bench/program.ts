import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** How long a program may take to be ready, and to stop before it is killed. Milliseconds. */
const READY_WITHIN_MS = 20_000;
const STOPS_WITHIN_MS = 10_000;

/** As much of what it printed as goes into the error when it does not start. Characters. */
const OUTPUT_KEPT = 4_000;

/** A running program with an HTTP address. `readyMs`: from its start to its `ready` line. */
export type Program = { url: string; readyMs: number; stop(): Promise<void> };

/**
 * Starts a program of this project by itself, as a user would, and waits for its line `… ready on <address>`. Both the
 * product and the references are spoken to over HTTP alone. The channel between us closes however we end, and the
 * program ends then, too.
 *
 * @throws Error with what it printed when it does not get ready
 */
export async function startProgram(
  file: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<Program> {
  const began = performance.now();
  const child = spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...asByNpmStart(), ...env },
  });
  child.channel?.unref(); // waiting for its end is no reason for us to stay
  const stop = () => stopChild(child);
  try {
    const url = await readyLine(child, file);
    return { url, readyMs: performance.now() - began, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of this process's environment what `npm start` gives, too: with it, what was compiled once is not compiled again. */
const asByNpmStart = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
});

function readyLine(child: ChildProcess, file: string): Promise<string> {
  return new Promise((ready, fail) => {
    let output = '';
    const failed = (why: string) => fail(new Error(`${file} ${why}; it printed:\n${output}`));
    const timer = setTimeout(() => failed(`was not ready within ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    const hear = (chunk: Buffer) => {
      output = `${output}${chunk.toString()}`.slice(-OUTPUT_KEPT);
      const url = / ready on (http:\S+)\n/.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      ready(url);
    };
    child.stdout?.on('data', hear); // goes on after it is ready: a full pipe would hold its log up
    child.stderr?.on('data', hear);
    child.once('error', (error) => failed(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      failed(`ended with ${code ?? signal}`);
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
