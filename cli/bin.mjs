#!/usr/bin/env node
/**
 * `npx firebreak …`. Sets up what is missing, as `npm start` does, and runs the command under the project's own Node in
 * the folder that it was called in. Plain JavaScript, because the Node that reads this file may not know TypeScript.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { environment, root, setUp, SetupError } from '../local/setup.mjs';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {string} text */
const say = (text) => void process.stderr.write(`firebreak: ${text}\n`);

try {
  const node = await setUp({ database: false, say });
  const child = spawn(node, [join(root, 'cli/main.ts'), ...process.argv.slice(2)], {
    env: environment(),
    stdio: 'inherit',
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    say(`${node} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
