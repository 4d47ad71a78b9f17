import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** The columns of the table in docs/explanation/architecture.md, with the folders that each of them shows. */
const COLUMNS = [
  ['schemas'],
  ['core/domain', 'core/domain/ports', 'core/stores', 'core/actions'],
  ['entrances/http/routes', 'entrances/http/webhooks', 'workflows', 'core/jobs'],
  ['entrances/console/pages', 'entrances/slack/commands', 'entrances/cli/commands'],
] as const;

/** Layers of the core with a folder for a noun, and their folders that are no nouns. */
const LAYERS = ['core/domain', 'core/stores', 'core/actions'];
const FRAMES = new Set(['ports', 'keys']);

const page = readFileSync(join(ROOT, 'docs/explanation/architecture.md'), 'utf8');
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
const pathsIn = (text: string): string[] => [...text.matchAll(/`([\w-]+\/[\w/.-]*)`/g)].map(([, path]) => path ?? '');

const rows = section('Where a noun is')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => {
    const [noun = '', ...cells] = line.slice(2, -2).split(' | ');
    return { noun: noun.replaceAll('*', ''), cells };
  });

const pathsOf = (folder: string, noun: string): string[] =>
  [`${folder}/${noun}/`, `${folder}/${noun}.ts`].filter((path) => existsSync(join(ROOT, path)));

describe('the table of docs/explanation/architecture.md', () => {
  test.each(rows)('$noun names every folder and file of that noun', ({ noun, cells }) => {
    expect(cells.map(pathsIn)).toEqual(COLUMNS.map((folders) => folders.flatMap((folder) => pathsOf(folder, noun))));
  });

  test('has a row for every noun of the core', () => {
    const folders = LAYERS.flatMap((layer) => readdirSync(join(ROOT, layer), { withFileTypes: true }));
    const nouns = folders.flatMap((one) => (one.isDirectory() && !FRAMES.has(one.name) ? [one.name] : []));
    expect(rows.map(({ noun }) => noun)).toEqual([...new Set(nouns)].toSorted());
  });
});

test.each([
  'The way of an alert',
  'The way of a freeze check',
  'The way of `/rollback`',
  'The way of a console click',
  'The way of a projection',
])('%s names only files that exist', (heading) => {
  const paths = pathsIn(section(heading));
  expect(paths.length).toBeGreaterThan(3);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
