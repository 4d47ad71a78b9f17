import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { projectFiles } from './files.ts';

/** Returns whether a file is a document whose paths are checked. */
const isDocument = (file: string): boolean =>
  ['README.md', 'CONTRIBUTING.md'].includes(file) || (file.startsWith('docs/') && file.endsWith('.md'));

/**
 * Returns paths of this project that documents name in `code` or link to, and that do not exist.
 *
 * Code counts as a path if it starts with a folder of the project and has only characters of paths: `domain/ports/`,
 * `test/kill/`. Placeholders (`<vendor>`, `*`), commands, addresses, and fenced blocks are ignored.
 */
export function docPathProblems(root: string): string[] {
  const files = projectFiles(root);
  const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''));
  return files.filter(isDocument).flatMap((file) => {
    const lines = withoutFences(readFileSync(join(root, file), 'utf8').split('\n'));
    return lines.flatMap((line, index) =>
      [...codePaths(line, folders), ...linkPaths(line, file)]
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${file}:${index + 1}: ${path} does not exist`),
    );
  });
}

/** Blanks fenced blocks and keeps the line numbers. */
function withoutFences(lines: string[]): string[] {
  let fence: string | undefined;
  return lines.map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark && fence === undefined) fence = mark;
    else if (mark && fence !== undefined && mark.startsWith(fence)) fence = undefined;
    else return fence === undefined ? line : '';
    return '';
  });
}

function codePaths(line: string, folders: ReadonlySet<string>): string[] {
  return [...line.matchAll(/`([^`]+)`/g)]
    .map(([, code]) => (code ?? '').replace(/[:#][\w-]+$/, '')) // `file.ts:12`, `file.md#heading`
    .filter((path) => /^[\w.@-]+(\/[\w.@-]+)*\/?$/.test(path))
    .filter((path) => path.includes('/') && folders.has(path.split('/')[0] ?? ''));
}

function linkPaths(line: string, file: string): string[] {
  return [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)[^)]*\)/g)]
    .map(([, target]) => (target ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => normalize(join(target.startsWith('/') ? '.' : dirname(file), target)));
}
