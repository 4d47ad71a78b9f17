import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child process that can't outlive this process. */
export type TiedChild = {
  /** Resolves, and never rejects, with the reason for the exit in readable form: `exit status 1: port in use`. */
  exited: Promise<string>;
  /** Kills the program. Resolves when it has exited. */
  stop(): Promise<void>;
};

/**
 * A shell script that runs between this process and the program, and kills the program when this process's end of the
 * script's standard input closes. The kernel closes that end however this process dies, including by `kill -9`.
 *
 * - The script ignores PIPE, because writing the process ID to a dead parent must not end the script.
 * - The script closes its output, so that only the program holds it: its end shows that the program has exited.
 */
const GUARDIAN = `
trap '' INT TERM HUP PIPE
"$@" &
echo "$!"
exec >&- 2>&-
read -r _
kill -KILL "$!"
wait "$!"
`;

/** The last lines of standard error that are included in the reason for an exit. */
const REASON_LINES = 5;

/**
 * Starts a program that dies with this process, even if only this process gets `kill -9`. Its environment contains only
 * `PATH`. `onLine` gets each line that it writes to standard error.
 */
export function spawnTied(program: string, args: string[], onLine: (line: string) => void = () => {}): TiedChild {
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'guardian', program, ...args], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stop = () => void guardian.stdin.end();
  guardian.stdin.on('error', () => {}); // the script exited first; see the 'exit' event
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
      pid = undefined; // exited: the ID can belong to another process from now on
      stop();
    });
  guardian.once('exit', () => {
    if (pid !== undefined) killQuietly(pid); // only the script was killed, so end the program
  });
  const exited = exitReason(guardian).then((why) => [why, ...lines].join('\n  '));
  return {
    exited,
    stop: async () => {
      stop();
      await exited;
    },
  };
}

function exitReason(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started: ${error.message}`));
    child.once('close', (code, signal) => {
      // A shell reports death by a signal as 128 plus the signal number.
      if (signal !== null) return resolve(`its parent shell was killed by ${signal}`);
      resolve((code ?? 0) > 128 ? `it was killed by signal ${(code ?? 0) - 128}` : `it exited with status ${code}`);
    });
  });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already exited.
  }
}
