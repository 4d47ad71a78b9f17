import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isOneOf } from '../../scripts/checks/files.ts';
import { KILLS, LONG, STORIES, TESTS } from '../../scripts/test-files.ts';
import { AREAS, MENDS } from './mends.ts';

const ROOT = join(import.meta.dirname, '../..');

test.each(AREAS)('%s has at least three bugs', (area) => {
  expect(MENDS.filter((mend) => mend.area === area).length).toBeGreaterThanOrEqual(3);
});

test('each bug is listed once', () => {
  expect(new Set(MENDS.map(({ bug }) => bug)).size).toBe(MENDS.length);
});

describe.each(MENDS)('$area: $bug', ({ file, mended, broken, tests }) => {
  test('is put back by a change at one place', () => {
    const parts = readFileSync(join(ROOT, file), 'utf8').split(mended);
    expect(parts).toHaveLength(2);
    expect(broken).not.toBe(mended);
    // A file that cannot be loaded proves nothing.
    expect(() => stripTypeScriptTypes(parts.join(broken))).not.toThrow();
  });

  test('has tests that run before each merge', () => {
    expect(tests).not.toEqual([]);
    expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const isFast = (path: string): boolean =>
      isOneOf(path, STORIES) || (isOneOf(path, TESTS) && !isOneOf(path, [...LONG, ...KILLS]));
    expect(tests.filter((path) => !isFast(path))).toEqual([]);
  });
});
