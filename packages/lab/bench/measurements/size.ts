import { execFile } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Bench } from '../harness/part.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const MAX_MB = 120;
const INSTALL_MAX_MS = 120_000;

/** Packages that contain Node itself. */
const IS_NODE = /^node(-bin)?-[a-z]+-[a-z0-9]+$/;

/** Measures what is on the disk after a clone and `npm ci --omit=dev`: the program and its packages, without Node. */
export async function* measureSize({ folder }: Bench): AsyncIterable<Measured> {
  const name = 'installed size, production, without Node, MB';
  const clone = join(folder, 'clone');
  await promisify(execFile)('git', ['clone', '--quiet', '--depth=1', `file://${ROOT}`, clone]);
  try {
    await promisify(execFile)('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd: clone,
      timeout: INSTALL_MAX_MS,
    });
  } catch (error) {
    const why = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b/.exec(String(error))?.[1];
    if (why === undefined) throw error;
    yield { name, why: `packages cannot be loaded (${why})` };
    return;
  }
  yield figure(name, (await bytesIn(clone)) / 1e6, null, [valueAtMost(MAX_MB)]);
}

/** Returns the bytes on the disk of all files in a folder, without the history. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const { name, parentPath } of await readdir(folder, { withFileTypes: true })) {
    const path = join(parentPath, name);
    if (name === '.git' || (parentPath.endsWith('node_modules') && IS_NODE.test(name))) continue;
    const { blocks, isDirectory } = await lstatOf(path);
    bytes += isDirectory ? await bytesIn(path) : blocks * 512;
  }
  return bytes;
}

async function lstatOf(path: string): Promise<{ blocks: number; isDirectory: boolean }> {
  const stats = await lstat(path);
  return { blocks: stats.blocks, isDirectory: stats.isDirectory() };
}
