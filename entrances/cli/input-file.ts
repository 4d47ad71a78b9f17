import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { utf8Text } from '../../schemas/parsing/utf-8.ts';
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

/** Reads a text file. @throws CommandFailure if it cannot be read, or is not UTF-8 */
export async function readInputText(context: Pick<CommandContext, 'cwd' | 'stdin'>, file: string): Promise<string> {
  const text = utf8Text(await readInputFile(context, file));
  if (text === undefined) throw new CommandFailure(`cannot read ${file}: it is not UTF-8`);
  return text;
}
