import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import type { Screen } from './command-context.ts';
import { run } from './program.ts';

// A closed pipe (`| head`) is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

/** Prompts on stderr, so that stdout contains only the result. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D cancel the command.
  terminal.once('SIGINT', () => process.exit(130));
  terminal.once('close', () => (process.exitCode ??= 1));
  try {
    return await terminal.question(question);
  } finally {
    terminal.removeAllListeners('close');
    terminal.close();
  }
}

/** Returns the width and colors of stdout. Node applies `NO_COLOR` and `FORCE_COLOR`; the latter also colors a pipe. */
function screenOf({ isTTY, columns }: NodeJS.WriteStream, { COLUMNS }: NodeJS.ProcessEnv): Screen | undefined {
  const colors = styleText('bold', 'x', { stream: process.stdout }) !== 'x';
  if (!isTTY) return colors ? { width: Infinity, colors } : undefined;
  return { width: Number(COLUMNS) || columns || Infinity, colors };
}

const screen = screenOf(process.stdout, process.env);

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  root: resolve(import.meta.dirname, '../..'),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  ...(screen && { screen }),
  stdin: () => buffer(process.stdin),
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
});
