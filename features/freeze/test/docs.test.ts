import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const lines = (text: string): string[] => text.split('\n').map((line) => line.trim());

const page = read('docs/how-to/freeze-check.md');
const folder = 'examples/freeze-check';

test('the page links every example', () => {
  const missing = readdirSync(join(ROOT, folder)).filter((name) => !page.includes(`(../../${folder}/${name})`));
  expect(missing).toEqual([]);
});

test('excerpts on the page match the example files', () => {
  const shown = [...page.matchAll(/^From \[`[^`]+`\]\(\.\.\/\.\.\/([^)]+)\):\n\n```\w+\n([\s\S]*?)^```/gm)];
  expect(shown.length).toBeGreaterThan(0);
  for (const [, file = '', block = ''] of shown) {
    const wanted = lines(block.trim());
    const there = lines(read(file));
    expect(there.join('\n')).toContain(wanted.join('\n'));
  }
});

test('all YAML examples are valid', () => {
  for (const name of [
    ...readdirSync(join(ROOT, folder)).map((each) => `${folder}/${each}`),
    'deploy/actions/action.yml',
  ])
    if (/\.ya?ml$/.test(name)) expect(parseAllDocuments(read(name)).flatMap(({ errors }) => errors)).toEqual([]);
});
