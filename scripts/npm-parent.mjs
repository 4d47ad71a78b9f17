/**
 * Detects whether npm, or the shell between npm and this process, is still running. npm runs a script in a shell and
 * forwards SIGTERM only to that shell, which dies without telling its children; if npm is killed by `kill -9`, not even
 * the shell notices. Plain JavaScript without imports from the project, like all code that runs before the set-up.
 */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

const CHECK_EVERY_MS = 500;

const SHELL = /^-?(a|ba|da|k|z)?sh$/;

/** @typedef {{ parent: number, npm: number | undefined }} Starters process IDs; `npm` is undefined if it is the parent */

/**
 * Returns the processes that started this one if npm is among them, otherwise undefined: a supervisor or `nohup` may exit.
 * Call it before anything that takes time: of a process that is already gone, nobody can tell that it was npm.
 *
 * @returns {Starters | undefined}
 */
export function npmStarters() {
  if (process.env['npm_lifecycle_event'] === undefined) return undefined;
  return { parent: process.ppid, npm: npmAbove(process.ppid) };
}

/**
 * Calls `onExit` once npm, or the shell between it and this process, is gone. Does nothing without `starters`.
 *
 * @param {Starters | undefined} starters
 * @param {() => void} onExit
 */
export function onNpmExit(starters, onExit) {
  if (starters === undefined) return;
  const { parent, npm } = starters;
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isRunning(npm))) return;
    clearInterval(timer);
    onExit();
  }, CHECK_EVERY_MS);
  timer.unref();
}

/**
 * Returns the process ID of npm if `pid` is the shell that npm started. Otherwise returns undefined: `pid` is npm
 * itself, whose own parent may exit.
 *
 * @param {number} pid
 */
function npmAbove(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, parent, command] = /^(\d+)\s+(\S.*)$/.exec((stdout ?? '').trim()) ?? [];
  return parent !== undefined && command !== undefined && SHELL.test(basename(command)) ? Number(parent) : undefined;
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
