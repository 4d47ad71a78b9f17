import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { brief, refusalText, untilText } from '../../decisions/words.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

test('a refusal names its freeze and its end, and nothing that would be so without the freeze', () => {
  const reasons = [
    { code: 'person', text: 'a sale; it ends at 2026-11-22 18:29 UTC' },
    { code: 'budget_partly_known', text: 'only 0 % of the budget window is known' },
    { code: 'budget_corrected', text: 'corrections apply' },
  ] as const;
  expect(refusalText({ reasons: [...reasons], clears_when: 'at 2026-11-22 18:29 UTC' })).toBe(
    'a sale; it ends at 2026-11-22 18:29 UTC',
  );
  expect(
    refusalText({
      reasons: [{ code: 'pinned_version', text: 'v2 is known bad' }, reasons[1]],
      clears_when: 'when another version is deployed',
    }),
  ).toBe('v2 is known bad; it ends when another version is deployed');
});

test.each([
  ['2026-11-20T12:00:00.000Z', 'until 2026-11-20 12:00 UTC'],
  ['2026-11-20T12:00:00.500Z', 'until 2026-11-20 12:01 UTC'],
  ['2026-11-20T12:00:45.000Z', 'until 2026-11-20 12:01 UTC'],
])('a freeze until %s is not said to be over before: %s', (until, text) => {
  expect(untilText({ until: timestamp(Date.parse(until)), ends_when: '' })).toBe(text);
});

test.each([
  ['a short one stays', 'Black Friday', 'Black Friday', undefined],
  ['of several sentences, the first', 'No deploys. Ask Ada first.', 'No deploys.', ['No deploys. Ask Ada first.']],
  ['of several lines, one', 'No deploys\nplease', 'No deploys please', ['No deploys\nplease']],
  ...[
    'Sale at St. Martin shops',
    'Only backends, e.g. Payments',
    'Load test by Dr. Ada',
    'Shop vs. API, i.e. both',
    'Move by J. R. Miller, Inc. today',
    'See https://wiki.example/a.b?c=d',
    'At most max. 5 from Jan. 5 on',
  ].map((text): [string, string, string, string[]] => [
    `an abbreviation ends no sentence`,
    `${text}. Ask ops.`,
    `${text}.`,
    [`${text}. Ask ops.`],
  ]),
  ['a version ends no sentence', 'v1.2 broke the login', 'v1.2 broke the login', undefined],
  ['a letter of the lower case goes on', 'v1. (see the wiki) broke it', 'v1. (see the wiki) broke it', undefined],
  ...['Why not? ask Ada', 'Stop! ask Ada', '停止。 Ask Ada', 'No deploys (at all.) Ask Ada'].map(
    (text): [string, string, string, string[]] => {
      const [first = ''] = text.split(/ (?=ask|Ask)/);
      return ['a sentence has ended', text, first, [text]];
    },
  ),
  ['a long one is cut', 'x'.repeat(300), `${'x'.repeat(139)}…`, ['x'.repeat(300)]],
])('the text of a reason is one sentence of at most 140 characters: %s', (_, text, shown, more) => {
  const reason = brief({ code: 'person', text });
  expect(reason).toEqual({ code: 'person', text: shown, ...(more && { more }) });
  expect(reason.text.length).toBeLessThanOrEqual(140);
});

test('a short text without the end of a sentence stays whole, and is segmented as one', () => {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' });
  const unended = fc.stringMatching(/^[!-~]([ -~]{0,100}[!-~])?$/).map((text) => text.replaceAll(/[.?!]/g, ';'));
  fc.assert(
    fc.property(unended, (text) => {
      const spaced = text.replaceAll(/ +/g, ' ');
      expect(brief({ code: 'person', text: spaced })).toEqual({ code: 'person', text: spaced });
      expect([...segments.segment(spaced)]).toHaveLength(1);
    }),
  );
});
