import { expect, test } from 'vitest';
import { cutText, truncated } from '../../../schemas/parsing/text.ts';

test('a text is truncated between characters, to a length in code units', () => {
  expect(truncated('abc', 3)).toBe('abc');
  expect(truncated('abcd', 3)).toBe('ab…');
  expect(truncated('😀😀', 4)).toBe('😀😀');
  expect(truncated('😀😀', 3)).toBe('😀…');
  expect(truncated('a😀😀', 3)).toBe('a…');
  expect(truncated('a\uD800', 3)).toBe('a\uFFFD');
});

test('a text that must not be refused is cut between characters, visibly', () => {
  expect(cutText(3).parse('abc')).toBe('abc');
  expect(cutText(3).parse('abcd')).toBe('ab…');
  expect(cutText(3).parse('😀😀😀')).toBe('😀😀😀');
  expect(cutText(3).parse('😀😀😀😀')).toBe('😀😀…');
  expect(cutText(3).parse('a\uD800')).toBe('a\uFFFD');
});
