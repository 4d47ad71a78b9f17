import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { projectFiles } from './files.ts';

/** Folders of people, on the systems that developers have. */
const HOMES = [/\/home\/[a-z][\w.-]*\//, /\/Users\/[A-Za-z][\w.-]*\//, /(?<![\w.-])\/root\//, /[A-Z]:\\Users\\/];

/** Text that names a folder of somebody's machine: it is true on no other one. */
export function machinePathProblems(root: string): string[] {
  const own = [root, homedir()].filter((path) => path.split('/').length > 2);
  const patterns = [...HOMES, ...own.map((path) => new RegExp(`(?<![\\w.-])${RegExp.escape(path)}(?![\\w.-])`))];
  return projectFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (text.includes('\0')) return []; // not text
    return text.split('\n').flatMap((line, index) => {
      const found = patterns.map((pattern) => pattern.exec(line)?.[0]).find((match) => match !== undefined);
      return found === undefined ? [] : [`${file}:${index + 1}: names a folder of one machine: ${found}`];
    });
  });
}
