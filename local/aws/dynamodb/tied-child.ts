import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that cannot outlive this process. */
export type TiedChild = {
  /** Resolves, never rejects, with why the program is gone, for a person to read: `exit status 1: port in use`. */
  exited: Promise<string>;
  /** Kills it and resolves when it is gone. Its data must survive that: it is the way every crash ends it, too. */
  stop(): Promise<void>;
};

/**
 * Stands between us and the program, in our process group, and kills the program when our end of its standard input
 * closes. The kernel closes that end however we die, `kill -9` included, and also when we died before this began.
 *
 * - Signals that reach the whole group (Ctrl-C, a supervisor's SIGTERM) are ours to act on: the program must still
 *   answer while we stop in order. A shell can only ignore a signal, which a program may undo; GNU `env` can block it.
 *   Without GNU `env` the program stops at once on Ctrl-C, which is no worse than a crash.
 * - PIPE is ignored because writing the process id to a parent that has gone must not end the guardian.
 * - Output is closed so that only the program holds it: its end is how we learn that the program died by itself.
 */
const GUARDIAN = `
umask 077
trap '' INT TERM HUP PIPE
env --block-signal=INT true 2>/dev/null && set -- env --block-signal=INT --block-signal=TERM "$@"
"$@" &
echo "$!"
exec >&- 2>&-
read -r _
kill -KILL "$!"
wait "$!"
`;

/** The last lines of standard error that go into the reason of an exit. */
const REASON_LINES = 5;

/**
 * Starts a program that dies with this process, even when only this process gets `kill -9`.
 *
 * Its files are created for this user alone, and of our environment it gets only `PATH`: no token of ours is its
 * business. `onLine` gets each line that it writes to standard error.
 */
export function spawnTied(program: string, args: string[], onLine: (line: string) => void): TiedChild {
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'guardian', program, ...args], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stop = () => void guardian.stdin.end();
  guardian.stdin.on('error', () => {}); // the guardian went first; 'exit' tells
  const lines: string[] = [];
  createInterface(guardian.stderr).on('line', (line) => {
    if (line.trim() === '') return;
    lines.push(line);
    if (lines.length > REASON_LINES) lines.shift();
    onLine(line);
  });
  let pid: number | undefined;
  createInterface(guardian.stdout)
    .once('line', (line) => (pid = Number(line)))
    .on('close', () => {
      pid = undefined; // dead: the number may belong to another process from now on
      stop();
    });
  guardian.once('exit', () => {
    if (pid !== undefined) killQuietly(pid); // the guardian alone was killed: its ward must not stay behind
  });
  const exited = whyGone(guardian).then((why) => [why, ...lines].join('\n  '));
  return {
    exited,
    stop: async () => {
      stop();
      await exited;
    },
  };
}

function whyGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      // A shell reports a signal's death as 128 + its number.
      if (signal !== null) return resolve(`its guardian was killed by ${signal}`);
      resolve((code ?? 0) > 128 ? `it was killed by signal ${(code ?? 0) - 128}` : `it exited with status ${code}`);
    });
  });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone already, which is what was wanted.
  }
}
