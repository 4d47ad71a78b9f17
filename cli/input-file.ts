import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommandFailure, type CommandContext } from './command-context.ts';

/** Reads a file that the caller names. @throws CommandFailure if it cannot be read */
export async function readInputFile({ cwd }: Pick<CommandContext, 'cwd'>, file: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, file));
  } catch (error) {
    throw new CommandFailure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
