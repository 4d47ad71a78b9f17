import { expect, test } from 'vitest';
import { cutText } from '../../../schemas/parsing/text.ts';

test('a text that must not be refused is cut between characters, visibly', () => {
  expect(cutText(3).parse('abc')).toBe('abc');
  expect(cutText(3).parse('abcd')).toBe('ab…');
  expect(cutText(3).parse('😀😀😀')).toBe('😀😀😀');
  expect(cutText(3).parse('😀😀😀😀')).toBe('😀😀…');
  expect(cutText(3).parse('a\uD800')).toBe('a\uFFFD');
});
