import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOneOf, projectFiles } from './files.ts';

const GLOSSARY = 'docs/reference/glossary.md';

/** Records of the past keep the words of their time; recorded payloads are not ours. */
export const EXEMPT = ['docs/adr/**', 'test/{fixtures,golden}/**', 'CHANGELOG.md', GLOSSARY];

const IS_TEXT = /\.(ts|tsx|js|mjs|md|ya?ml|html|json)$/;

/** Returns what `pattern` captures in the first cells of a table of the glossary. */
function retiredIn(glossary: string, heading: string, pattern: RegExp): string[] {
  const section = glossary.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const cells = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(pattern)].map(([, word = '']) => word));
}

/**
 * Returns the lines that use a retired name of the glossary as a whole word of code, or a retired phrase in quotation marks.
 *
 * @throws Error if the glossary has no retired names or phrases, because the check would pass without checking
 */
export function retiredWordProblems(root: string): string[] {
  const glossary = readFileSync(join(root, GLOSSARY), 'utf8');
  const names = retiredIn(glossary, 'Retired names', /`([\w.]+)`/g);
  const phrases = retiredIn(glossary, 'Retired words', /"([^"]+)"/g);
  if (names.length === 0 || phrases.length === 0) throw new Error(`${GLOSSARY} has no retired names or phrases`);
  const name = new RegExp(`\\b(?:${names.map((retired) => RegExp.escape(retired)).join('|')})\\b`);
  const phrase = new RegExp(phrases.join('|'), 'i');
  return projectFiles(root)
    .filter((file) => IS_TEXT.test(file) && !isOneOf(file, EXEMPT) && file !== 'package-lock.json')
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const found = (/\.(ts|tsx|js|mjs)$/.test(file) && name.exec(line)?.[0]) || phrase.exec(line)?.[0];
          return found ? [`${file}:${index + 1}: "${found}" is retired; ${GLOSSARY} says what to use instead`] : [];
        }),
    );
}
