import { execFileSync } from 'node:child_process';

/**
 * The files that are, or are about to be, under version control: paths relative to `root`, with `/`.
 *
 * @throws Error when `root` is no git work tree: what belongs to the project can't be told then
 */
export function projectFiles(root: string): string[] {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const out = execFileSync('git', list, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const gone = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: root, encoding: 'utf8' });
  const deleted = new Set(gone.split('\0'));
  return out.split('\0').filter((path) => path !== '' && !deleted.has(path));
}
