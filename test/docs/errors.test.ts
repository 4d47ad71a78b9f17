import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Patterns of code that creates an error code; the last one maps `reason.code`. */
const REFUSALS = [
  /new Refusal\(\s*\d+,\s*'([a-z-]+)'/g,
  /problem\(c, \d+, '([a-z-]+)'/g,
  /\bno\('([a-z-]+)'/g,
  /code: '([a-z]+(?:-[a-z]+)+)'/g,
];

function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}

test('docs/reference/errors.md lists every error code of the API', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8');
  const code = ['core', 'vendors', 'entrances', 'functions'].flatMap(sources).join('\n');
  const codes = REFUSALS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name ?? ''));
  expect(codes).toEqual(expect.arrayContaining(['second-person-needed', 'too-many-requests', 'unknown-pin']));
  const missing = [...new Set(codes)].filter((name) => !page.includes(`## ${name}\n`) && !page.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
