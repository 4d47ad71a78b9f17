import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { figure, type Measured, valueAtMost } from '../results.ts';

const BUILT = resolve(import.meta.dirname, '../../../../dist');
const MAX_MB = 40;

/** Measures what an installation has on the disk: what was built, without Node. */
export async function* measureSize(): AsyncIterable<Measured> {
  yield figure('installed size, production, without Node, MB', (await bytesIn(BUILT)) / 1e6, null, [
    valueAtMost(MAX_MB),
  ]);
}

/** Returns the bytes on the disk of all files in a folder. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map(async ({ name, parentPath }) => (await lstat(join(parentPath, name))).blocks * 512);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
