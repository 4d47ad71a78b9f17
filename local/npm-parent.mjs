/**
 * Detects whether npm, or the shell between npm and this process, is still running. npm runs a script in a shell and
 * forwards SIGTERM only to that shell, which dies without telling its children; if npm is killed by `kill -9`, not even
 * the shell notices. Plain JavaScript without imports from the project, like all code that runs before the set-up.
 */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

const LOOK_MS = 500;

const SHELL = /^-?(a|ba|da|k|z)?sh$/;

/**
 * Calls `left` once npm, or the shell between it and this process, is gone. Does nothing if the process was started
 * otherwise, such as by a supervisor or with `nohup`.
 *
 * @param {() => void} left
 */
export function onNpmExit(left) {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const npm = startedBy(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isRunning(npm))) return;
    clearInterval(timer);
    left();
  }, LOOK_MS);
  timer.unref();
}

/**
 * Returns the parent of `pid` if that is a shell; otherwise `pid` is npm itself, whose parent may exit.
 *
 * @param {number} pid
 */
function startedBy(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, over, command] = /^\s*(\d+)\s+(.+?)\s*$/.exec(stdout ?? '') ?? [];
  return over !== undefined && command !== undefined && SHELL.test(basename(command)) ? Number(over) : undefined;
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
