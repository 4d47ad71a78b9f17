import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { projectFiles } from './files.ts';

/** Returns whether a file is a document whose paths are checked. */
const isDocument = (file: string): boolean =>
  ['README.md', 'CONTRIBUTING.md'].includes(file) || (file.startsWith('docs/') && file.endsWith('.md'));

/** Returns whether a file can name pages in messages and comments. Tests name pages that don't exist, too. */
const isCode = (file: string): boolean =>
  /\.(ts|mjs|json|ya?ml|sh|service|example)$/.test(file) && !file.startsWith('test/') && file !== 'package-lock.json';

/**
 * Returns paths of this project that documents name in `code` or link to, and that do not exist, and links to headings
 * that their document does not have. Pages that code names, such as in error messages, count as links.
 *
 * Code counts as a path if it starts with a folder of the project and has only characters of paths: `core/domain/ports/`,
 * `test/kill/`. Placeholders (`<vendor>`, `*`), commands, addresses, and fenced blocks are ignored.
 */
export function docPathProblems(root: string): string[] {
  const files = projectFiles(root);
  const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''));
  return files.flatMap((file) => {
    if (!isDocument(file) && !isCode(file)) return [];
    const all = readFileSync(join(root, file), 'utf8').split('\n');
    const lines = isDocument(file) ? withoutFences(all) : all;
    return lines.flatMap((line, index) => {
      const links = isDocument(file) ? linksIn(line, file) : pagesIn(line);
      const gone = [...(isDocument(file) ? codePaths(line, folders) : []), ...links.map(({ path }) => path)].filter(
        (path) => !existsSync(join(root, path)),
      );
      const unnamed = links.filter(
        ({ path, heading }) =>
          heading !== '' && path.endsWith('.md') && !gone.includes(path) && !headingsOf(root, path).has(heading),
      );
      return [
        ...gone.map((path) => `${file}:${index + 1}: ${path} does not exist`),
        ...unnamed.map(({ path, heading }) => `${file}:${index + 1}: ${path} has no heading #${heading}`),
      ];
    });
  });
}

/** Blanks fenced blocks and keeps the line numbers. */
export function withoutFences(lines: string[]): string[] {
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

/** A link to a file of the project. `heading` is empty if it names none. */
type Link = { path: string; heading: string };

function linksIn(line: string, file: string): Link[] {
  return [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', heading = ''] = target.split('#');
      const from = path.startsWith('/') ? '.' : dirname(file);
      return { path: path === '' ? file : normalize(join(from, path)), heading };
    });
}

/** Returns the pages of `docs/` that a line of code names. */
const pagesIn = (line: string): Link[] =>
  [...line.matchAll(/(?<![\w/.-])(docs\/[\w./-]+\.md)(?:#([\w-]+))?/g)].map(([, path = '', heading = '']) => ({
    path,
    heading,
  }));

/** Returns the fragments by which links name the headings of a document, as GitHub builds them, and its own anchors. */
function headingsOf(root: string, file: string): Set<string> {
  const lines = withoutFences(readFileSync(join(root, file), 'utf8').split('\n'));
  const fragments = lines.flatMap((line) => {
    const heading = /^#+ (.*)/.exec(line)?.[1]?.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const words = heading
      ?.toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    return words ?? /<a id="([^"]+)">/.exec(line)?.[1] ?? [];
  });
  return new Set(fragments);
}
