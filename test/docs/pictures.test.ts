import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PICTURES = join(ROOT, 'docs', 'pictures');

/** Whoever clones this gets all of them. */
const MAX_BYTES = 150 * 1024;

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  .filter((path) => path.endsWith('.md'))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'));

/** Each picture that is shown, with what is said of it to whoever does not see it. */
const shown = pages.flatMap((text) =>
  [...text.matchAll(/!\[([^\]]*)\]\((?:docs\/)?pictures\/([\w-]+\.png)\)/g)].map(([, alt = '', name = '']) => ({
    alt,
    name,
  })),
);

test('every picture is shown somewhere, and every one that is shown is there', () => {
  expect(new Set(shown.map(({ name }) => name))).toEqual(new Set(readdirSync(PICTURES)));
});

test.each(shown)('$name is small, and told in words, too', ({ alt, name }) => {
  expect(statSync(join(PICTURES, name)).size).toBeLessThan(MAX_BYTES);
  expect(alt.length).toBeGreaterThan(5);
});
