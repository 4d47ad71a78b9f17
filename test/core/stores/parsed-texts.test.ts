import { expect, test } from 'vitest';
import { ParsedTexts } from '../../../core/stores/parsed-texts.ts';

test('a text is parsed once, until more than `max` others were requested since', () => {
  const parsed: string[] = [];
  const texts = new ParsedTexts((text) => {
    parsed.push(text);
    return { text };
  }, 2);
  const first = texts.of('a');
  expect(texts.of('a')).toBe(first);
  texts.of('b');
  texts.of('a');
  texts.of('c'); // b is the least recently requested
  expect(texts.of('a')).toBe(first);
  texts.of('b');
  expect(parsed).toEqual(['a', 'b', 'c', 'b']);
});
