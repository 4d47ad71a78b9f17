import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFiles } from './checks/files.ts';

/**
 * Copies the files of a tree, also uncommitted ones, to a new temporary folder, which uses the packages of the tree.
 *
 * @param name part of the folder's name
 * @param isNeeded whether a file is copied, by its path
 * @returns the path of the copy, which the caller removes
 */
export function copyOf(root: string, name: string, isNeeded: (file: string) => boolean = () => true): string {
  const copy = mkdtempSync(join(tmpdir(), `firebreak-${name}-`));
  for (const file of projectFiles(root).filter(isNeeded))
    cpSync(join(root, file), join(copy, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
