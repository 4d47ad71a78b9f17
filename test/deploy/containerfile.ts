import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** An instruction of a Containerfile: its keyword and the rest of its line, with continued lines joined. */
type Instruction = { word: string; rest: string };

/** Reads deploy/Containerfile. @throws if a line is not an instruction */
export async function containerfile(): Promise<Instruction[]> {
  const text = await readFile(join(ROOT, 'deploy/Containerfile'), 'utf8');
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word, rest] = /^([A-Z]+) +(\S.*)$/.exec(line) ?? [];
      if (word === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
      return { word, rest };
    });
}

/** Returns the arguments of each instruction with this keyword. */
export const restOf = (all: readonly Instruction[], wanted: string): string[] =>
  all.filter(({ word }) => word === wanted).map(({ rest }) => rest);

/** Returns the files and folders that the build copies, relative to the root. */
export const copiedInto = (all: readonly Instruction[]): string[] =>
  restOf(all, 'COPY').flatMap((rest) => (rest.startsWith('--from=') ? [] : rest.split(/ +/).slice(0, -1)));

/** Returns the variables that the image sets. */
export const environmentOf = (all: readonly Instruction[]): Record<string, string> =>
  Object.fromEntries(
    restOf(all, 'ENV')
      .flatMap((rest) => rest.split(/ +/))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
