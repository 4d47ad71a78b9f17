import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommandFailure, type CommandContext } from './command-context.ts';

/** Reads a file that the caller names; `-`: standard input. @throws CommandFailure if it cannot be read */
export async function readInputFile(
  { cwd, stdin }: Pick<CommandContext, 'cwd' | 'stdin'>,
  file: string,
): Promise<Uint8Array> {
  try {
    if (file === '-' && stdin !== undefined) return await stdin();
    return await readFile(resolve(cwd, file));
  } catch (error) {
    throw new CommandFailure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
