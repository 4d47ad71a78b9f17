import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CONTENT_CODES } from '../../schemas/parsing/content-codes.ts';

const ROOT = join(import.meta.dirname, '../..');

const CONTENT_REFUSAL = /contentRefusal\(\s*\d+,\s*'([a-z0-9-]+)'/g;

/** Patterns of code that creates an error code; the last one maps `reason.code`. */
const REFUSALS = [
  /new Refusal\(\s*\d+,\s*'([a-z-]+)'/g,
  CONTENT_REFUSAL,
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
  const code = ['core', 'vendors', 'entrances', 'features', 'functions'].flatMap(sources).join('\n');
  const codes = REFUSALS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name ?? ''));
  expect(codes).toEqual(expect.arrayContaining(['second-person-needed', 'too-many-requests', 'unknown-pin']));
  const missing = [...new Set(codes)].filter((name) => !page.includes(`## ${name}\n`) && !page.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});

test('the command line knows each refusal of content, and no other', () => {
  const code = ['core', 'entrances', 'features', 'schemas', 'vendors'].flatMap(sources).join('\n');
  const used = [CONTENT_REFUSAL, /\bfault\(\s*\d+,\s*'([a-z-]+)'/g, /\brefuse\(\d+, '([a-z-]+)'/g];
  const codes = used.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name ?? ''));
  expect([...new Set(codes)].toSorted()).toEqual(CONTENT_CODES);
  const others = [...code.matchAll(/new Refusal\(\s*(?:400|422),\s*'([a-z0-9-]+)'/g)].map(([, name]) => name ?? '');
  expect(others).toContain('invalid');
  expect(others.filter((name) => (CONTENT_CODES as readonly string[]).includes(name))).toEqual([]);
});
