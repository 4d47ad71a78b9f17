import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a folder without git is searched without: what is installed or made, by the names of .gitignore. */
const MADE = new Set(['.git', '.firebreak', '.setup-lock', '.sst', 'build', 'coverage', 'node_modules']);

/**
 * The files that belong to the project, those that are not committed yet included: paths relative to `root`, with `/`.
 *
 * Git knows them. Where there is none (an unpacked archive), all files but those of the well-known folders are taken.
 */
export function projectFiles(root: string): string[] {
  const known = git(root, '--cached', '--others', '--exclude-standard');
  if (known === undefined) return walk(root, root);
  const deleted = new Set(git(root, '--deleted'));
  return known.filter((path) => !deleted.has(path));
}

function git(root: string, ...which: string[]): string[] | undefined {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout } = spawnSync('git', ['ls-files', '-z', ...which], options);
  return status === 0 ? stdout.split('\0').filter((path) => path !== '') : undefined;
}

function walk(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !MADE.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? walk(root, path) : entry.isFile() ? [relative(root, path)] : [];
    });
}
