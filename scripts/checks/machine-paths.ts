import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** Home folders on Linux, macOS, and Windows. */
const HOMES = [/\/home\/[a-z][\w.-]*\//, /\/Users\/[A-Za-z][\w.-]*\//, /(?<![\w.-])\/root\//, /[A-Z]:\\Users\\/];

/** Returns text with a path that exists only on one machine. */
export function machinePathProblems(root: string): string[] {
  const ownPaths = [root, homedir()].filter((path) => path.split('/').length > 2);
  const patterns = [...HOMES, ...ownPaths.map((path) => new RegExp(`(?<![\\w.-])${RegExp.escape(path)}(?![\\w.-])`))];
  return projectFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (text.includes('\0')) return []; // not text
    return text.split('\n').flatMap((line, index) => {
      const found = patterns.map((pattern) => pattern.exec(line)?.[0]).find((match) => match !== undefined);
      return found === undefined ? [] : [`${file}:${index + 1}: contains a path of one machine: ${found}`];
    });
  });
}
