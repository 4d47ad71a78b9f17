/**
 * Runs one of the project's TypeScript programs on a machine that has only Node 20 or newer with npm.
 *
 * node scripts/bootstrap.mjs [--option-of-node…] [<program> [arguments…]]
 *
 * Sets up what is missing (scripts/setup.mjs), then starts the program, if one is named, with a Node that is new enough, in
 * the same process group and with the same terminal. Plain JavaScript, because the Node that reads this file may not
 * support TypeScript.
 *
 * Options in front of the program are for the Node that runs it: `--inspect` debugs the program, `--watch` starts it again
 * when a file that it imports changes. An option with a value is one argument: `--inspect=9230`.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { npmStarters, onNpmExit } from './npm-parent.mjs';
import { environment, pathOfPrograms, PRODUCT_OPTIONS, root, setUp, SetupError } from './setup.mjs';

/** These programs need only the packages of `npm ci --omit=dev`. */
const IS_THE_PRODUCT = /^(entrances\/cli|local|packages\/(demo|sandbox))\//;

/** Time for the program to stop once npm is gone, in milliseconds. */
const STOP_MAX_MS = 15_000;

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {string} text */
const say = (text) => void process.stderr.write(`firebreak: ${text}\n`);

/**
 * Starts `program` and behaves like it to the outside: same process group, same terminal, same exit status.
 *
 * The IPC channel carries no messages. It closes when this process ends for any reason, including `kill -9`, and the
 * program then stops (local/parent.ts).
 *
 * @param {string} node path of the Node to run it with
 * @param {string[]} options of Node
 * @param {string} program path, relative to the project's root
 * @param {string[]} args
 */
function run(node, options, program, args) {
  const env = { ...environment(), PATH: pathOfPrograms(node) };
  const child = spawn(node, [...options, program, ...args], {
    cwd: root,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  onNpmExit(starters, () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS).unref();
  });
  child.once('error', (error) => {
    say(`${node} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Ended by a signal: end by the same signal, so that a shell or a supervisor sees the cause.
    for (const name of FORWARDED) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100); // for signals that do not end this process
  });
}

const starters = npmStarters();
const allArguments = process.argv.slice(2);
const optionCount = allArguments.findIndex((argument) => !argument.startsWith('-'));
const options = allArguments.slice(0, Math.max(optionCount, 0));
const [program, ...args] = allArguments.slice(options.length);
try {
  const development = program === undefined || !IS_THE_PRODUCT.test(program);
  const node = await setUp({ development, say });
  // The last one of several values is used: a person's options follow ours.
  const own = program === 'packages/sandbox/main.ts' ? PRODUCT_OPTIONS : [];
  if (program !== undefined) run(node, [...own, ...options], program, args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
