import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './containerfile.ts';

export const UNIT = join(ROOT, 'deploy/firebreak.service');

/** Returns the values of each key of deploy/firebreak.service, in order. */
export async function unit(): Promise<Record<string, string[]>> {
  const lines = (await readFile(UNIT, 'utf8')).split('\n').filter((line) => /^[A-Za-z]+=/.test(line));
  const pairs = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf('=')),
    line.slice(line.indexOf('=') + 1),
  ]);
  return Object.fromEntries(
    [...Map.groupBy(pairs, ([key]) => key)].map(([key, all]) => [key, all.map(([, value]) => value)]),
  );
}

/** Returns the variables of its `Environment=` lines. */
export const environmentOfUnit = ({ Environment = [] }: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(Environment.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
