import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, matchesGlob, relative } from 'node:path';

/** Generated and installed folders of .gitignore, which are skipped in a folder without git. */
const GENERATED_FOLDERS = new Set(['.git', '.firebreak', '.setup-lock', '.sst', 'build', 'coverage', 'node_modules']);

/**
 * Returns the project's files, including uncommitted ones: paths relative to `root`, with `/`.
 *
 * Uses git. Without it (an unpacked archive), returns all files except those of generated and installed folders.
 */
export function projectFiles(root: string): string[] {
  const listed = git(root, '--cached', '--others', '--exclude-standard');
  if (listed === undefined) return filesBelow(root, root);
  const deleted = new Set(git(root, '--deleted'));
  return listed.filter((path) => !deleted.has(path));
}

function git(root: string, ...selection: string[]): string[] | undefined {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout } = spawnSync('git', ['ls-files', '-z', ...selection], options);
  return status === 0 ? stdout.split('\0').filter((path) => path !== '') : undefined;
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !GENERATED_FOLDERS.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(root, path) : entry.isFile() ? [relative(root, path)] : [];
    });
}

/** Returns whether a file matches one of these globs. */
export const isOneOf = (file: string, globs: readonly string[]): boolean =>
  globs.some((glob) => matchesGlob(file, glob));
