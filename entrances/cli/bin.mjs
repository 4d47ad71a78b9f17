#!/usr/bin/env node
/**
 * Entry point of `npx firebreak …`. Sets up Node and packages as `npm start` does, then runs the command with
 * the same Node in the caller's folder. Plain JavaScript, because the caller's Node may not run TypeScript.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { environment, root, setUp, SetupError } from '../../scripts/setup.mjs';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** @param {string} text */
const say = (text) => void process.stderr.write(`firebreak: ${text}\n`);

try {
  const node = await setUp({ say });
  const child = spawn(node, [join(root, 'entrances/cli/main.ts'), ...process.argv.slice(2)], {
    env: environment(),
    stdio: 'inherit',
  });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    say(`cannot start ${node}: ${error.message}`);
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
