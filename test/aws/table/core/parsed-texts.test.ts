import { expect, test } from 'vitest';
import { ParsedTexts } from '../../../../aws/table/core/parsed-texts.ts';

test('a text is parsed once, until more than so many others were asked for since', () => {
  const parsed: string[] = [];
  const texts = new ParsedTexts((text) => {
    parsed.push(text);
    return { text };
  }, 2);
  const first = texts.of('a');
  expect(texts.of('a')).toBe(first);
  texts.of('b');
  texts.of('a');
  texts.of('c'); // b was asked for longest ago
  expect(texts.of('a')).toBe(first);
  texts.of('b');
  expect(parsed).toEqual(['a', 'b', 'c', 'b']);
});
