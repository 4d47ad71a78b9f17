import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, VARIABLES } from '../../schemas/config/variables.ts';
import { environmentDocument } from '../environment-doc.ts';
import { isOneOf, projectFiles } from './files.ts';

const TABLE = 'schemas/config/variables.ts';
const NOTES = 'schemas/config/variable-notes.ts';
const DOCUMENT = 'docs/reference/environment.md';

/** Patterns that read a variable or a secret by a literal name. */
const READ = [
  /\benv\[\s*'([A-Za-z0-9_]+)'\s*\]/g,
  /\benv\[\s*"([A-Za-z0-9_]+)"\s*\]/g,
  /\benv\.([A-Z][A-Z0-9_]+)\b/g,
  /\bsecrets\.get\(\s*'([A-Z0-9_]+)'/g,
];

/** Tests have variables of their own; the table and its notes have the names that others read. */
export const NOT_CHECKED = ['test/**', TABLE, NOTES];

/** Returns whether a file is code of the product or its tools. */
const isChecked = (file: string): boolean => /\.(ts|tsx|mjs|js)$/.test(file) && !isOneOf(file, NOT_CHECKED);

/** Returns differences between the table of environment variables, the code that reads them, and their page. */
export function environmentProblems(root: string): string[] {
  const files = projectFiles(root);
  const code = files.filter(isChecked).map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  const unknown = code.flatMap(({ file, text }) =>
    READ.flatMap((pattern) => [...text.matchAll(pattern)])
      .filter(([, name]) => !Object.hasOwn(VARIABLES, name ?? ''))
      .map(({ 1: name, index }) => `${file}:${lineAt(text, index)}: reads ${name}, which is not in ${TABLE}`),
  );
  const all = code.map(({ text }) => text).join('\n');
  const unused = namesIn('machine', 'access', 'vendors', 'client', 'functions', 'system')
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(all))
    .map((name) => `${TABLE}: no code reads ${name}`);
  const isWritten = files.includes(DOCUMENT) && readFileSync(join(root, DOCUMENT), 'utf8') === environmentDocument();
  return [...unknown, ...unused, ...(isWritten ? [] : [`${DOCUMENT} differs from ${TABLE}: npm run docs:environment`])];
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
