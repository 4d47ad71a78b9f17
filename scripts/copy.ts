import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Copies the tracked files of a tree, as they are now, to a new temporary folder, which uses the packages of the tree.
 *
 * @param name part of the folder's name
 * @param isNeeded whether a file is copied, by its path
 * @returns the path of the copy, which the caller removes
 */
export function copyOf(root: string, name: string, isNeeded: (file: string) => boolean = () => true): string {
  const copy = mkdtempSync(join(tmpdir(), `firebreak-${name}-`));
  const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  for (const file of stdout.split('\0').filter((one) => one !== '' && isNeeded(one)))
    cpSync(join(root, file), join(copy, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
