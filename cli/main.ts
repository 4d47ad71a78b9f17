import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
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

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  root: resolve(import.meta.dirname, '..'),
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
});
