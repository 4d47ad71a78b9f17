import { expect, test } from 'vitest';
import { freeText, requiredText } from '../../../schemas/parsing/free-text.ts';

const BLANK = ['', ' \n', '\u200b', ' \u2060\u200b ', '\u0000', '\u00ad', '\u3164'];

test.each(BLANK)('text without a visible character is blank: %j', (text) => {
  expect(freeText(10).parse(text)).toBe('');
  expect(requiredText(10, 'write a note').safeParse(text).error?.issues[0]?.message).toBe('write a note');
});

test.each([
  [' a ', 'a'],
  ['🔥', '🔥'],
  ['a\u200bb', 'a\u200bb'],
])('any other text is kept without the spaces around it: %j', (text, kept) => {
  expect(requiredText(10).parse(text)).toBe(kept);
});

test('the spaces around it do not count for its length', () => {
  expect(requiredText(3).parse('  abc  ')).toBe('abc');
  expect(requiredText(3).safeParse('abcd').success).toBe(false);
});
