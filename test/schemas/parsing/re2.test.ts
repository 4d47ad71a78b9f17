import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compile, PatternError } from '../../../schemas/parsing/re2/pattern.ts';

/* Regular expressions give the recorded results of Go's own, which Alertmanager and Prometheus use. */

const RESULTS = new URL('../../fixtures/go-regexp/results.json', import.meta.url);

const { characters, single, composed, refused } = JSON.parse(readFileSync(RESULTS, 'utf8')) as {
  characters: string[];
  /** The characters that each pattern matches. */
  single: Record<string, string[]>;
  composed: { pattern: string; matches: string[]; others: string[] }[];
  refused: string[];
};

test('every class, escape, and flag matches the same characters as in Go', () => {
  const found = Object.keys(single).map((pattern) => [pattern, characters.filter(compile(pattern))]);
  expect(Object.fromEntries(found)).toEqual(single);
});

test('composed patterns match the same texts as in Go', () => {
  const found = composed.map(({ pattern, matches, others }) => {
    const accepts = compile(pattern);
    const all = [...matches, ...others];
    return { pattern, matches: all.filter(accepts), others: all.filter((text) => !accepts(text)) };
  });
  expect(found).toEqual(composed);
});

test('what Go refuses is refused', () => {
  for (const pattern of refused) expect(() => compile(pattern)).toThrow(PatternError);
});
