import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PICTURES = join(ROOT, 'docs', 'pictures');

/** Limit for all pictures together, because every clone downloads them. */
const MAX_BYTES = 150 * 1024;

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'));

/** Returns each picture on a page with its alternative text. */
const shown = pages.flatMap((text) =>
  [...text.matchAll(/!\[([^\]]*)\]\((?:docs\/|\.\.\/)?pictures\/([\w-]+\.png)\)/g)].map(([, alt = '', name = '']) => ({
    alt,
    name,
  })),
);

test('every picture is used, and every used picture exists', () => {
  expect(new Set(shown.map(({ name }) => name))).toEqual(new Set(readdirSync(PICTURES)));
});

test.each(shown)('$name is small, and told in words, too', ({ alt, name }) => {
  expect(statSync(join(PICTURES, name)).size).toBeLessThan(MAX_BYTES);
  expect(alt.length).toBeGreaterThan(5);
});
