/**
 * Whether whoever has started this by npm is still there. npm runs a script in a shell, and passes SIGTERM on to that
 * shell alone, which dies of it and tells nobody; of npm's own end by `kill -9` not even the shell hears. Plain
 * JavaScript, and without imports from the project, as all that runs before the set-up.
 */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

const LOOK_MS = 500;

const SHELL = /^-?(a|ba|da|k|z)?sh$/;

/**
 * Calls `left` once npm, or the shell between it and this process, is gone. Started otherwise, as by a supervisor or with
 * `nohup`, there is nobody whose end would mean anything.
 *
 * @param {() => void} left
 */
export function whenLeftAlone(left) {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const npm = startedBy(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isThere(npm))) return;
    clearInterval(timer);
    left();
  }, LOOK_MS);
  timer.unref();
}

/**
 * The process that has started `pid`, where that is a shell; else `pid` is npm itself, and who has started it may go.
 *
 * @param {number} pid
 */
function startedBy(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, over, command] = /^\s*(\d+)\s+(.+?)\s*$/.exec(stdout ?? '') ?? [];
  return over !== undefined && command !== undefined && SHELL.test(basename(command)) ? Number(over) : undefined;
}

/** @param {number} pid */
function isThere(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
