import * as fc from 'fast-check';
import { lint } from '../../decisions/lint.ts';
import { describe, expect, test } from 'vitest';
import {
  actionItemsOf,
  actionItemIds,
  parseItem,
  itemLine,
  sectionWith,
  statusOf,
  withChangedItem,
} from '../../decisions/action-items.ts';
import { escaped, hasOpenFence, markdownOf, partsOf } from '../../decisions/markdown.ts';
import { markdown as shown } from '../../../../entrances/console/markdown.ts';
import { ActionItem } from '../../../../schemas/action-items/action-item.ts';
import { visibleText } from '../../../../schemas/parsing/free-text.ts';
import { runs } from '../../../../test/support/runs.ts';

/** Pieces of text that mean something in Markdown, or to this parser. */
const piece = fc.oneof(
  fc.constantFrom(
    '\n',
    '\n\n',
    '## ',
    '# ',
    '\\## ',
    '\\\\## x',
    '### a',
    '```',
    '~~~',
    '````js',
    '    ```',
    '\r\n',
    '\r',
    '- [ ] ',
    '- [x] a (P1)',
    ' (owner: ada, due: 2026-12-04, P2)',
    ' ()',
    '[E1]',
    '<script>',
    '| a | b |',
    '\u2028',
    '\u202e',
    '--',
    '\t',
    '```\n## in code\n```',
    '__proto__',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const closed = text.filter((one) => !hasOpenFence(one));
const line = text
  .map((one) => visibleText(one.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '')))
  .filter((one) => one !== '' && one.length < 400);

describe('a text', () => {
  test('is read as the parts from which it was written, whatever they contain', () => {
    const parts = fc.record({
      title: line,
      introduction: closed,
      sections: fc.array(fc.record({ heading: line, text: closed }), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(parts, (given) => {
        expect(partsOf(markdownOf(given))).toEqual(given);
      }),
      { numRuns: runs(200) },
    );
  });

  test('that a person wrote keeps its parts when it is read, written, and read again', () => {
    fc.assert(
      fc.property(text, (written) => {
        const parts = partsOf(written);
        // Only the last part can have an open fence, because it would contain the others.
        expect(partsOf(markdownOf(parts))).toEqual(parts);
      }),
      { numRuns: runs(200) },
    );
  });

  test('has headings only outside of code', () => {
    expect(partsOf('# T\n\n## A\n\n```\n## no\n```\n\n## B\nb\n')).toEqual({
      title: 'T',
      introduction: '',
      sections: [
        { heading: 'A', text: '```\n## no\n```' },
        { heading: 'B', text: 'b' },
      ],
    });
  });

  test('without a title has an empty one, and loses nothing', () => {
    expect(partsOf('Hello\n# later\n')).toEqual({ title: '', introduction: 'Hello\n# later', sections: [] });
  });
});

describe('action items', () => {
  const item = fc.record({
    title: line,
    done: fc.boolean(),
    owner: fc.option(fc.constantFrom('payments', 'team payments', 'Åsa', 'a')),
    due: fc.option(fc.constantFrom('2026-12-04', '2024-02-29')),
    priority: fc.option(fc.constantFrom('P1' as const, 'P2' as const, 'P3' as const)),
  });

  test('are read as they were written, whatever their titles contain', () => {
    fc.assert(
      fc.property(item, (given) => {
        fc.pre(ActionItem.safeParse(given).success);
        expect(parseItem(itemLine(given))).toEqual(given);
      }),
      { numRuns: runs(200) },
    );
  });

  test('are changed without a change of any other line', () => {
    fc.assert(
      fc.property(closed, fc.array(item, { minLength: 1, maxLength: 4 }), closed, (before, items, after) => {
        const markdown = markdownOf({
          title: 'T',
          introduction: before.replaceAll(/^action items$/gim, ''),
          sections: [
            { heading: 'Action items', text: sectionWith('', items) },
            { heading: 'After', text: after },
          ],
        });
        const placed = actionItemsOf(markdown);
        expect(placed.map((one) => one.item)).toEqual(items);
        const [first] = placed;
        if (first === undefined) throw new Error('no item');
        const done = withChangedItem(markdown, first, { status: 'done', owner: null });
        const [lines, changed] = [markdown.split('\n'), done.split('\n')];
        expect(changed.toSpliced(first.at, 1)).toEqual(lines.toSpliced(first.at, 1));
        expect(actionItemsOf(done).map((one) => one.item)).toEqual([
          { ...first.item, done: true, owner: null },
          ...items.slice(1),
        ]);
      }),
    );
  });

  test('are only those of their section, and a person can write them without details', () => {
    const markdown =
      '# T\n\n- [ ] no\n\n## action items\n\nSoon:\n\n* [ ] one\n  - [X] two (P9)\r\n```\n- [ ] code\n```\n\n## B\n- [ ] no\n';
    expect(actionItemsOf(markdown).map(({ item: { title, done, priority } }) => [title, done, priority])).toEqual([
      ['one', false, null],
      ['two (P9)', true, null],
    ]);
  });

  test.each([
    ['Add a check (owner: payments, due: 2026-13-40)', 'Add a check (due: 2026-13-40)', 'payments', null],
    ['Add a check (owner: payments, due: next week, P1)', 'Add a check (due: next week)', 'payments', 'P1'],
    ['Add a check (P9, owner: payments)', 'Add a check (P9)', 'payments', null],
    ['Add a check (owner: <b>, P2)', 'Add a check (owner: <b>)', null, 'P2'],
    ['Add a check  (owner: payments)', 'Add a check', 'payments', null],
    ['Add a check (due: Friday)', 'Add a check (due: Friday)', null, null],
  ])('keep the good details beside a bad one, which stays in the title: %s', (written, title, owner, priority) => {
    const read = parseItem(`- [ ] ${written}`);
    expect(read).toEqual({ title, done: false, owner, due: null, priority });
    expect(parseItem(itemLine(ActionItem.parse(read)))).toEqual(read);
  });

  test('with a bad date are found with it, and with their owner', () => {
    const found = (details: string) =>
      lint(`# T\n\n## Action items\n\n- [ ] Add a check ${details}\n`, [], null).map(({ code, text: said }) => [
        code,
        said,
      ]);
    expect(found('(owner: payments, due: 2026-13-40)')).toEqual([
      ['no_due_date', '“2026-13-40” is no date: write (due: 2026-12-04)'],
    ]);
    expect(found('(owner: payments)')).toEqual([['no_due_date', 'the action item has no date: add (due: 2026-12-04)']]);
    expect(found('(due: 2026-12-04)')).toEqual([['no_owner', 'the action item has no owner: add (owner: NAME)']]);
  });

  test('have IDs that follow from their titles', () => {
    const hash = (title: string): string => title.padEnd(8, '0');
    const placed = ['a', 'b', 'a'].map((title, at) => ({ at, item: ActionItem.parse({ title }) }));
    expect(actionItemIds('INC', placed, hash)).toEqual(['INC-a0000000', 'INC-b0000000', 'INC-a\n100000']);
  });

  test('are overdue after their day', () => {
    expect(statusOf({ done: false, due: '2026-12-04' }, '2026-12-04')).toBe('open');
    expect(statusOf({ done: false, due: '2026-12-04' }, '2026-12-05')).toBe('overdue');
    expect(statusOf({ done: true, due: '2026-12-04' }, '2026-12-05')).toBe('done');
  });
});

test('text of others is one line without a meaning in Markdown', () => {
  expect(escaped('a\n# b <script> [x](http://y) `c` *d* _e_ f_g \u202e')).toBe(
    'a \\# b \\<script\\> \\[x\\](http://y) \\`c\\` \\*d\\* \\_e\\_ f_g',
  );
});

// A search that goes back for each character would take hours.
test('long texts that are built to be slow are read and shown', async () => {
  const many = 1_000_000;
  const title = `a${' '.repeat(many)}b`;
  expect(partsOf(`# ${title}`).title).toBe(title);
  expect((await shown(`a|b\n-|${'-'.repeat(many)} x\n`, '')).toString()).toContain('a|b');
});
