import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { docPathProblems } from '../../scripts/checks/doc-paths.ts';
import { projectFiles } from '../../scripts/checks/files.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');

test('every path on the page exists, also in commands', () => {
  const text = docPathProblems(ROOT).filter((problem) => problem.startsWith('CONTRIBUTING.md:'));
  const commands = [...page.matchAll(/`((?:npm|node|bash|[A-Z_]+=)[^`]*)`|^```sh\n([^]*?)^```/gm)].map(
    ([, code, block]) => code ?? block ?? '',
  );
  const paths = commands.flatMap((command) => command.match(/(?<=\s)[\w.-]+\/[\w./-]+\.(?:ts|mjs|md)\b/g) ?? []);
  expect(paths.length).toBeGreaterThan(4);
  expect([...text, ...paths.filter((path) => !existsSync(join(ROOT, path)))]).toEqual([]);
});

test('the table of folders has a row for every folder', () => {
  const table = /^## Where things are\n([^]*?)^## /m.exec(page)?.[1] ?? '';
  const cells = [...table.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell);
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)\/`/g)].map(([, folder = '']) => folder));
  const folders = projectFiles(ROOT).flatMap((file) => /^([\w-]+)\//.exec(file)?.[1] ?? []);
  expect(listed.toSorted()).toEqual([...new Set(folders)].toSorted());
});

test('every npm script on the page exists', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const named = [...page.matchAll(/\bnpm run ([a-z][\w:]*)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
