import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { code } from '../../../../core/domain/messages/markdown.ts';
import { anyCharacter } from '../../../support/any-character.ts';
import { runs } from '../../../support/runs.ts';

/** Parses a code span at the start of `text` as CommonMark does: its content, and the rest. */
function codeSpan(text: string): { shown: string; rest: string } | null {
  const fence = /^`+/.exec(text)?.[0];
  if (fence === undefined) return null;
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    if (index === 0 || run !== fence) continue;
    const inside = text.slice(fence.length, index).replaceAll(/\r\n?|\n/g, ' ');
    const padded = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
    return { shown: padded ? inside.slice(1, -1) : inside, rest: text.slice(index + run.length) };
  }
  return null;
}

describe('untrusted text', () => {
  test.each([
    ['page @ops, see #1 and https://evil.test', '`page @ops, see #1 and https://evil.test`'],
    ['<!-- firebreak:k --><img src=x>', '`<!-- firebreak:k --><img src=x>`'],
    ['use `rm`', '`` use `rm` ``'],
    ['``` and `', '```` ``` and ` ````'],
    [' spaces ', '`  spaces  `'],
    ['two\n\nparagraphs', '`two paragraphs`'],
    ['a\u202eb', '`ab`'],
    ['', '` `'],
  ])('%j is shown as code', (text, expected) => {
    expect(code(text)).toBe(expected);
  });

  const hostile = fc.string({
    unit: fc.constantFrom('`', ' ', '\n', '\r', '\\', '<', '@', '#', 'a', '\u2028', '\0', '|'),
  });
  test('is a single code span with unchanged content, for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(hostile, fc.string({ unit: anyCharacter })),
        fc.constantFrom('', ' after', '\n'),
        (text, after) => {
          const written = code(text);
          expect(written).not.toMatch(/[\r\n]/);
          const span = codeSpan(written + after);
          expect(span?.rest).toBe(after);
          const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/\p{Bidi_Control}/gu, '');
          expect(span?.shown).toBe(line.trim() === '' ? ' ' : line);
        },
      ),
      { numRuns: runs(100) },
    );
  });
});
