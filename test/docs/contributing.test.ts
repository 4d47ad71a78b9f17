import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { docPathProblems } from '../../scripts/checks/doc-paths.ts';
import { projectFiles } from '../../scripts/checks/files.ts';
import { WITH } from '../../schemas/runbooks/parts/kinds.ts';
import { SingleStep } from '../../schemas/runbooks/parts/steps.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const page = read('CONTRIBUTING.md');

test('every path on the page exists, also in commands', () => {
  const text = docPathProblems(ROOT).filter((problem) => problem.startsWith('CONTRIBUTING.md:'));
  const commands = [...page.matchAll(/`((?:npm|node|bash|[A-Z_]+=)[^`]*)`|^```sh\n([^]*?)^```/gm)].map(
    ([, code, block]) => code ?? block ?? '',
  );
  const paths = commands.flatMap((command) => command.match(/(?<=\s)[\w.-]+\/[\w./-]+\.(?:ts|mjs|md)\b/g) ?? []);
  const parts = commands.flatMap((command) => /^npm test -- ([\w./-]+\/[\w./-]+)$/.exec(command)?.[1] ?? []);
  expect(paths.length).toBeGreaterThan(4);
  expect(parts.filter((part) => !projectFiles(ROOT).some((file) => file.includes(part)))).toEqual([]);
  expect([...text, ...paths.filter((path) => !existsSync(join(ROOT, path)))]).toEqual([]);
});

test('the table of folders has a row for every folder', () => {
  const ofProduct = /^## Folders\n([^]*?)^## /m.exec(read('docs/explanation/architecture.md'))?.[1] ?? '';
  const beside = /^## Where things are\n([^]*?)^## /m.exec(page)?.[1] ?? '';
  const cells = [...`${ofProduct}${beside}`.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)\/`/g)].map(([, folder = '']) => folder));
  const folders = projectFiles(ROOT).flatMap((file) => /^([\w-]+)\//.exec(file)?.[1] ?? []);
  expect(listed.toSorted()).toEqual([...new Set(folders)].toSorted());
});

test('every npm script on the page exists', () => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
  const named = [...page.matchAll(/\bnpm run ([a-z][\w:]*)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

describe('the recipes', () => {
  const recipes = page.slice(page.indexOf('\n## Adding '), page.indexOf('\n## Changelog'));

  test('place new files in folders that exist', () => {
    const folders = [...recipes.matchAll(/`([\w./-]+)\/[^`/]*<[^`]*`/g)].map(([, folder = '']) => folder);
    expect(folders.length).toBeGreaterThan(6);
    expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
  });

  test('name lists and types that their files contain', () => {
    const pairs = /`([A-Z]\w+)`(?: and `([A-Z]\w+)`)? (?:in|\()\s*`([\w./-]+\.ts)`/g;
    const named = [...recipes.matchAll(pairs)].flatMap(([, one = '', other, file = '']) =>
      [one, other ?? []].flat().map((name) => ({ name, file })),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter(({ name, file }) => !new RegExp(`\\b${name}\\b`).test(read(file)))).toEqual([]);
  });

  test('a rollback target is a folder, its name in a list, and the line that loads it', () => {
    const foldersIn = (file: string, pattern: RegExp) =>
      [...read(file).matchAll(pattern)].map(([, name = '']) => name).toSorted();
    const folders = projectFiles(ROOT).flatMap((file) => /^vendors\/([\w-]+)\/schema\.ts$/.exec(file)?.[1] ?? []);
    expect(foldersIn('vendors/targets.ts', /from '\.\/([\w-]+)\/schema\.ts'/g)).toEqual(folders.toSorted());
    expect(foldersIn('vendors/rollback-targets.ts', /import\('\.\/([\w-]+)\/target\.ts'\)/g)).toEqual(
      folders.toSorted(),
    );
  });

  test('each kind of runbook step can be used, and has a row in docs/reference/runbooks.md', () => {
    const kinds = Object.keys(WITH).toSorted();
    expect(SingleStep.options.map(({ shape }) => shape.uses.value).toSorted()).toEqual(kinds);
    const table = /^\| `uses` \|.*\n((?:\|.*\n)*)/m.exec(read('docs/reference/runbooks.md'))?.[1] ?? '';
    const rows = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([\w.]+)`/g)].map(([, kind = '']) => kind),
    );
    expect(rows.toSorted()).toEqual(kinds);
  });
});
