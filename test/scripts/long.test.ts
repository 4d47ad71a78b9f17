import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { partsOf } from '../../scripts/long.ts';
import { projectFiles, isOneOf } from '../../scripts/checks/files.ts';
import { LONG, STORIES } from '../../scripts/test-files.ts';

const ROOT = join(import.meta.dirname, '../..');
const parts = partsOf(ROOT);
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

test('each long test belongs to one part', () => {
  const played = Object.values(parts)
    .flat(2)
    .filter((argument) => argument.endsWith('.test.ts') && isOneOf(argument, LONG));
  const all = projectFiles(ROOT).filter((file) => isOneOf(file, LONG) && !isOneOf(file, STORIES));
  expect(played.toSorted()).toEqual(all.toSorted());
});

test('no part is empty', () => {
  const empty = ([, commands]: [string, (typeof parts)[string]]): boolean =>
    commands.length === 0 ||
    commands.some(
      (command) =>
        command.includes('--project') &&
        !command.includes('kill') &&
        !command.some((argument) => argument.endsWith('.test.ts')),
    );
  expect(Object.entries(parts).filter(empty)).toEqual([]);
});

test('properties are searched for longer, also those of suites', () => {
  const played = parts['properties']?.flat() ?? [];
  expect(played).toEqual(
    expect.arrayContaining([
      'test/core/domain/rollback/rollback.test.ts',
      'test/platforms/sqlite/queues.test.ts',
      'features/freeze/test/gates.test.ts',
    ]),
  );
  expect(played.filter((argument) => isOneOf(argument, LONG))).toEqual([]);
});

test('the nightly workflow runs each part, and CONTRIBUTING.md names it', () => {
  const matrix = /part:\s+\[([^\]]*)\]/.exec(textOf('.github/workflows/nightly.yml'))?.[1];
  expect(matrix?.match(/[\w-]+/g)).toEqual(Object.keys(parts));
  const named = /Its parts are ([^.]*)\./.exec(textOf('CONTRIBUTING.md'))?.[1];
  expect([...(named ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name)).toEqual(Object.keys(parts));
});
