import { expect, test } from 'vitest';
import * as z from 'zod';
import { cutText, explainTextLimits } from '../../../schemas/parsing/text.ts';

test('a refused text names the field, the limit, and its length', () => {
  explainTextLimits();
  const result = z.object({ note: z.string().max(10) }).safeParse({ note: 'x'.repeat(1234) });
  expect(z.prettifyError(result.error ?? expect.unreachable())).toBe(
    '✖ must have at most 10 characters; this text has 1234\n  → at note',
  );
  expect(z.array(z.string()).max(1).safeParse(['a', 'b']).error?.issues[0]?.message).toBe(
    'Too big: expected array to have <=1 items',
  );
});

test('a text that must not be refused is cut between characters, visibly', () => {
  expect(cutText(3).parse('abc')).toBe('abc');
  expect(cutText(3).parse('abcd')).toBe('ab…');
  expect(cutText(3).parse('😀😀😀')).toBe('😀😀😀');
  expect(cutText(3).parse('😀😀😀😀')).toBe('😀😀…');
  expect(cutText(3).parse('a\uD800')).toBe('a\uFFFD');
});
