import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatButton, ChatMessage, ChatPart, Span, Text } from '../../../core/domain/messages/chat-message.ts';
import { type Block, bodyOf } from '../../../vendors/slack/blocks.ts';
import {
  BLOCKS_MAX,
  BLOCKS_MAX_CHARS,
  BUTTON_MAX_CHARS,
  CONFIRM_TEXT_MAX_CHARS,
  FIELD_MAX_CHARS,
  FIELDS_MAX,
  HEADER_MAX_CHARS,
  LINK_MAX_CHARS,
  NOTE_MAX_CHARS,
  SECTION_MAX_CHARS,
  SUMMARY_MAX_CHARS,
  TOPIC_MAX_CHARS,
} from '../../../vendors/slack/limits.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Button, buttonIds, readButton } from '../../../schemas/slack/button.ts';
import { httpUrl, plainLine, mrkdwn, plainOneLine, unescaped } from '../../../vendors/slack/mrkdwn.ts';
import { foreign } from '../../support/foreign-text.ts';
import { runs } from '../../support/runs.ts';

const MAX = SECTION_MAX_CHARS;

describe('a time', () => {
  const at = '2026-11-20T17:05:09.000Z' as Timestamp;

  test("is shown in the reader's time zone, with UTC as the fallback", () => {
    const date = '{date_short_pretty} {time}|2026-11-20 17:05 UTC>';
    expect(mrkdwn(['since ', { at }], MAX)).toBe(`since <!date^1795194309^${date}`);
    expect(mrkdwn([{ at, seconds: true }], MAX)).toContain('{time_secs}|2026-11-20 17:05:09 UTC>');
  });

  test("within a sentence is also shown in the reader's time zone", () => {
    const until = mrkdwn(['Frozen until 2026-11-20 17:05 UTC, see 2026-11-20 17:05:09 UTC.'], MAX);
    expect(until).toBe(
      'Frozen until <!date^1795194300^{date_short_pretty} {time}|2026-11-20 17:05 UTC>, ' +
        'see <!date^1795194309^{date_short_pretty} {time_secs}|2026-11-20 17:05:09 UTC>.',
    );
  });

  test.each(['2026-13-40 17:05 UTC', '12026-11-20 17:05 UTC', '2026-11-20 17:05 UTCX', '2026-11-20 17:05'])(
    '%s is not a time in UTC',
    (text) => expect(mrkdwn([text], MAX)).toBe(text),
  );

  test('is never truncated within its token, and is plain text without formatting', () => {
    expect(mrkdwn([{ at }, 'x'.repeat(40)], 40)).not.toContain('<!date');
    expect(plainLine([{ at }], 100)).toBe('2026-11-20 17:05 UTC');
  });
});

describe('text from other sources', () => {
  test.each<[string, Text, string]>([
    ['mentions nobody', ['<!channel> <@U1> <!subteam^S1>'], '&lt;!channel&gt; &lt;@U1&gt; &lt;!subteam^S1&gt;'],
    ['is no link', ['<https://evil.test|ok>'], '&lt;https://evil.test|ok&gt;'],
    ['that is escaped stays escaped', ['&lt;!here&gt;'], '&amp;lt;!here&amp;gt;'],
    ['is not bold', ['*all* is well'], '∗all∗ is well'],
    ['is no code', ['```rm -rf```'], 'ˋˋˋrm -rfˋˋˋ'],
    ['keeps what formats nothing', ['job:error_ratio 2 * 3'], 'job:error_ratio 2 * 3'],
    ['quotes nothing', ['a\n>>> b\n > c'], 'a\n\u2060&gt;&gt;&gt; b\n\u2060 &gt; c'],
    ['stays within bold', [{ bold: 'a* _b_\n*c' }], '*a∗ ˍbˍ ∗c*'],
    ['stays within code', [{ code: 'a` `b`\n```c' }], '`aˋ ˋbˋ ˋˋˋc`'],
    ['of blanks is neither bold nor code', [{ bold: ' ' }, { code: '\n' }], ''],
    ['has no halves of characters', ['a\ud83d b\udd25'], 'a\ufffd b\ufffd'],
    ['has no controls and does not turn around', ['a\u0000\u202eb\r\nc'], 'a \ufffdb\nc'],
  ])('%s', (_, text, expected) => {
    expect(mrkdwn(text, MAX)).toBe(expected);
  });
});

describe('a link', () => {
  test.each<[string, Span, string]>([
    [
      'has its words',
      { link: 'https://a.test/b?c=1&d=2', text: 'the graph' },
      '<https://a.test/b?c=1&amp;d=2|the graph>',
    ],
    [
      'without words shows where it leads',
      { link: 'https://a.test/b', text: ' ' },
      '<https://a.test/b|https://a.test/b>',
    ],
    [
      'cannot be left by its address',
      { link: 'https://a.test/b|c> <!here> d', text: 'x' },
      '<https://a.test/b%7Cc%3E%20%3C!here%3E%20d|x>',
    ],
    [
      'cannot be left by its words',
      { link: 'https://a.test', text: 'x> <!here|y\nz*' },
      '<https://a.test/|x&gt; &lt;!here|y z∗>',
    ],
    [
      'shows a foreign alphabet for what it is',
      { link: 'https://exаmple.test', text: 'x' },
      '<https://xn--exmple-4nf.test/|x>',
    ],
    ['to a script is its words', { link: 'javascript:alert(1)', text: 'click' }, 'click'],
    ['to nowhere is its words', { link: 'not an address', text: '' }, 'not an address'],
  ])('%s', (_, span, expected) => {
    expect(mrkdwn([span], MAX)).toBe(expected);
  });

  test('that is too long is only its label', () => {
    const at = 'https://a.test/'.padEnd(LINK_MAX_CHARS, 'b');
    expect(httpUrl(at)).toBe(at);
    expect(httpUrl(`${at}b`)).toBeNull();
    expect(mrkdwn([{ link: `${at}b`, text: 'the graph' }], MAX)).toBe('the graph');
  });

  test("that doesn't fit is its label, truncated", () => {
    const text: Text = ['12345 ', { link: 'https://a.test/', text: 'the graph' }];
    expect(mrkdwn(text, 33)).toBe('12345 <https://a.test/|the graph>');
    expect(mrkdwn(text, 32)).toBe('12345 the graph…');
    expect(mrkdwn(text, 12)).toBe('12345 the g…');
  });
});

describe('a channel', () => {
  test('is mentioned only by its ID', () => {
    expect(mrkdwn([{ channel: 'C2147483705' }], MAX)).toBe('<#C2147483705>');
    expect(mrkdwn([{ channel: 'C1> <!here' }], MAX)).toBe('#C1&gt; &lt;!here');
  });
});

describe('a text that is too long', () => {
  test.each<[string, Text, number, string]>([
    ['is cut with an ellipsis', ['abcdef'], 5, 'abcd…'],
    ['that just fits is not cut', ['abcde'], 5, 'abcde'],
    ['is not cut within an escape', ['ab&c'], 6, 'ab…'],
    ['is not cut within a character', ['ab🔥c'], 4, 'ab…'],
    ['closes what is bold', ['a ', { bold: 'bcdef' }], 7, 'a *bc*…'],
    [
      'keeps the end of what is bold',
      [{ bold: 'back from v42 to v41? Approve.' }, 'x'],
      24,
      '*back from …? Approve.*…',
    ],
    ['keeps whole escapes at its ends', [{ bold: 'a&bcdefg&h' }], 19, '*a&amp;bc…g&amp;h*…'],
    ['leaves out a mention that does not fit', ['a ', { channel: 'C123' }], 8, 'a …'],
  ])('%s', (_, text, max, expected) => {
    expect(mrkdwn(text, max)).toBe(expected);
  });
});

test('a topic is one line without formatting', () => {
  const text: Text = [{ bold: 'SEV1' }, ' |\n ', { code: 'a&b' }, ' ', { link: 'https://a.test', text: 'x' }];
  expect(plainLine(text, TOPIC_MAX_CHARS)).toBe('SEV1 | a&amp;b x');
  expect(plainLine(['ü'.repeat(TOPIC_MAX_CHARS + 1)], TOPIC_MAX_CHARS)).toHaveLength(TOPIC_MAX_CHARS);
});

test('unescaping text from Slack restores the sent text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('&', '<', '>', 'a', ';', 'lt;', 'amp;') }), (text) => {
      expect(unescaped(plainOneLine(text, Number.MAX_SAFE_INTEGER))).toBe(text);
    }),
  );
});

const address = fc.oneof(
  foreign,
  foreign.map((rest) => `https://a.test/${rest}`),
  fc.webUrl(),
);
const span: fc.Arbitrary<Span> = fc.oneof(
  foreign,
  foreign.map((bold) => ({ bold })),
  foreign.map((code) => ({ code })),
  fc.record({ link: address, text: foreign }),
  fc.oneof(foreign, fc.constant('C2147483705')).map((channel) => ({ channel })),
  fc.oneof(foreign, fc.constant('U2147483697')).map((user) => ({ user })),
  fc.oneof(foreign, fc.constant('S2147483697')).map((group) => ({ group })),
);
const INCIDENT = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId;
const meaningOf = (name: fc.Arbitrary<string>): fc.Arbitrary<Button> =>
  fc.oneof(
    fc.constantFrom('acknowledge' as const, 'resolve' as const).map((verb) => ({ verb, incident: INCIDENT })),
    name.map((digest) => ({ verb: 'approve' as const, incident: INCIDENT, digest })),
    name.map((flag) => ({ verb: 'turn_flag_on' as const, incident: INCIDENT, flag })),
  );
const button: fc.Arbitrary<ChatButton> = fc.record(
  {
    button: meaningOf(foreign),
    text: foreign,
    style: fc.constantFrom('primary' as const, 'danger' as const),
    confirm: fc.record({ title: foreign, text: foreign, yes: foreign, no: foreign }),
  },
  { requiredKeys: ['button', 'text'] },
);
const text: fc.Arbitrary<Text> = fc.array(span, { maxLength: 6 });
const part: fc.Arbitrary<ChatPart> = fc.oneof(
  foreign.map((header) => ({ kind: 'header' as const, text: header })),
  text.map((spans) => ({ kind: 'text' as const, text: spans })),
  fc
    .array(fc.record({ name: foreign, value: text }), { maxLength: 25 })
    .map((fields) => ({ kind: 'fields' as const, fields })),
  text.map((spans) => ({ kind: 'note' as const, text: spans })),
  fc.constant({ kind: 'line' as const }),
  fc.array(button, { maxLength: 12 }).map((buttons) => ({ kind: 'buttons' as const, buttons })),
);
const message: fc.Arbitrary<ChatMessage> = fc.record({
  summary: foreign,
  parts: fc.array(part, { maxLength: 60, size: 'max' }),
});

/** Returns all texts of a block with their limits. */
function textsOf(block: Block): { text: string; max: number; verbatim: boolean }[] {
  const of = (max: number) => (one: { text: string; verbatim?: true }) => ({
    text: one.text,
    max,
    verbatim: one.verbatim ?? false,
  });
  if (block.type === 'divider') return [];
  if (block.type === 'header') return [{ ...of(HEADER_MAX_CHARS)(block.text), verbatim: true }];
  if (block.type === 'actions')
    return block.elements.flatMap((element) => [
      { ...of(BUTTON_MAX_CHARS)(element.text), verbatim: true },
      ...(element.confirm === undefined
        ? []
        : [{ ...of(CONFIRM_TEXT_MAX_CHARS)(element.confirm.text), verbatim: true }]),
    ]);
  if (block.type === 'context') return block.elements.map(of(NOTE_MAX_CHARS));
  return 'fields' in block ? block.fields.map(of(FIELD_MAX_CHARS)) : [of(SECTION_MAX_CHARS)(block.text)];
}

/** Firebreak's own links and mentions, in their exact format. */
const OWN = /<(https?:\/\/[^|<>\s]+\|[^<>\n]+|(#|@|!subteam\^)[A-Z0-9]+)>/g;
const ENTITY = /&(amp|lt|gt);/g;

test("a message with any content is within Slack's limits, and contains no control sequence of other sources", () => {
  fc.assert(
    fc.property(message, (any) => {
      const { blocks, text: fallback } = bodyOf(any);
      expect(blocks.length).toBeGreaterThan(0);
      expect(blocks.length).toBeLessThanOrEqual(BLOCKS_MAX);
      expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(BLOCKS_MAX_CHARS + 1);
      expect(fallback.length).toBeGreaterThan(0);
      expect(fallback.length).toBeLessThanOrEqual(SUMMARY_MAX_CHARS);
      expect(Buffer.byteLength(fallback)).toBeLessThanOrEqual(4000);
      expect(blocks.filter((block) => 'fields' in block && block.fields.length > FIELDS_MAX)).toEqual([]);
      const unfit = blocks
        .flatMap(textsOf)
        .filter(({ text: shown, max, verbatim }) => shown.trim() === '' || shown.length > max || !verbatim);
      expect(unfit).toEqual([]);
      const isControl = (one: string) => {
        const rest = one.replaceAll(OWN, '');
        return !one.isWellFormed() || /[<>]/.test(rest) || rest.replaceAll(ENTITY, '').includes('&');
      };
      expect([fallback, ...blocks.flatMap(textsOf).map((block) => block.text)].filter(isControl)).toEqual([]);
    }),
    { numRuns: runs(12) },
  );
});

test("text from other sources can't end its bold or code span, or start one", () => {
  const ours = fc.array(
    fc.oneof(
      foreign.map((bold) => ({ bold })),
      foreign.map((code) => ({ code })),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(ours, foreign, (spans, plainText) => {
      const apart = spans.flatMap((one) => [' ', one, ' ']);
      const shown = mrkdwn([...apart, plainText], Number.MAX_SAFE_INTEGER);
      const code = apart.filter((one) => typeof one === 'object' && 'code' in one && mrkdwn([one], MAX) !== '');
      expect(shown.match(/`/g) ?? []).toHaveLength(code.length * 2);
      const withoutCode = shown.replaceAll(/`[^`\n]+`/g, '');
      expect(withoutCode).not.toContain('`');
      expect(withoutCode.replaceAll(/\*[^*\n]+\*/g, '')).not.toMatch(/(^|[^\sA-Za-z0-9])[*_~]|[*_~]([^\sA-Za-z0-9]|$)/);
    }),
  );
});

test('only given links are links, with their own targets', () => {
  fc.assert(
    fc.property(text, (spans) => {
      const given = new Set(
        spans.flatMap((one) => (typeof one === 'object' && 'link' in one ? [httpUrl(one.link)] : [])),
      );
      for (const [, target = ''] of mrkdwn(spans, MAX).matchAll(/<(https?:[^|<>]*)\|/g))
        expect(given).toContain(unescaped(target));
    }),
  );
});

test('a topic is one line within its limit, without a control sequence', () => {
  fc.assert(
    fc.property(text, (spans) => {
      const topic = plainLine(spans, TOPIC_MAX_CHARS);
      expect(topic.length).toBeLessThanOrEqual(TOPIC_MAX_CHARS);
      expect(topic).not.toContain('\n');
      expect(topic.replaceAll(/<#[A-Z0-9]+>/g, '')).not.toMatch(/[<>]/);
    }),
  );
});

describe('a message', () => {
  const of = (...parts: ChatPart[]) => bodyOf({ summary: 'checkout: errors & more', parts });

  test('has a notification text in addition to its blocks', () => {
    expect(of({ kind: 'header', text: 'checkout > 1 %' }, { kind: 'line' })).toEqual({
      text: 'checkout: errors &amp; more',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'checkout &gt; 1 %', emoji: false } },
        { type: 'divider' },
      ],
    });
  });

  test('without parts shows its summary', () => {
    const shown = { type: 'mrkdwn', text: 'checkout: errors &amp; more', verbatim: true };
    expect(of()).toMatchObject({ blocks: [{ type: 'section', text: shown }] });
    expect(of({ kind: 'text', text: [' '] }, { kind: 'header', text: '' })).toMatchObject({
      blocks: [{ text: shown }],
    });
  });

  test('has at most ten fields per block, and shows empty ones', () => {
    const fields = Array.from({ length: 11 }, (_, index) => ({ name: `n${index}`, value: index === 0 ? [] : ['v'] }));
    const { blocks } = of({ kind: 'fields', fields });
    expect(blocks.map((block) => ('fields' in block ? block.fields.length : 0))).toEqual([10, 1]);
    expect(
      blocks
        .flatMap(textsOf)
        .map((one) => one.text)
        .slice(0, 2),
    ).toEqual(['*n0*\n—', '*n1*\nv']);
  });

  test.each([
    [BLOCKS_MAX, BLOCKS_MAX, 'divider'],
    [BLOCKS_MAX + 1, BLOCKS_MAX, 'context'],
  ])('of %i blocks has %i, with a note if it is incomplete', (count, expected, last) => {
    const { blocks } = of(...Array.from({ length: count }, () => ({ kind: 'line' as const })));
    expect(blocks).toHaveLength(expected);
    expect(blocks.at(-1)).toMatchObject({ type: last });
  });

  test('of 100 kB in one text keeps the start of the text and the following parts', () => {
    const { blocks } = of({ kind: 'text', text: ['"'.repeat(100_000)] }, { kind: 'note', text: ['see the runbook'] });
    expect(blocks.flatMap(textsOf).map((one) => one.text.length)).toEqual([SECTION_MAX_CHARS, 15]);
  });

  test('of many long texts shortens those that fit, with a note about omitted ones', () => {
    const { blocks } = of(...Array.from({ length: 40 }, () => ({ kind: 'text' as const, text: ['x'.repeat(4000)] })));
    const lengths = blocks.flatMap(textsOf).map((one) => one.text.length);
    expect(lengths.slice(0, -1)).toEqual(Array(24).fill(300));
    expect(blocks.at(-1)).toMatchObject({ elements: [{ text: 'The rest did not fit.' }] });
  });
});

describe('buttons in a message', () => {
  const buttons: ChatPart = {
    kind: 'buttons',
    buttons: [{ button: { verb: 'resolve', incident: INCIDENT }, text: 'x' }],
  };

  test.each([3, 12, 60])('are kept after %i long texts', (count) => {
    const long = Array.from({ length: count }, (): ChatPart => ({ kind: 'text', text: ['x'.repeat(4000)] }));
    const { blocks } = bodyOf({ summary: 'x', parts: [...long, buttons] });
    expect(blocks.at(-1)).toMatchObject({ elements: [{ action_id: 'firebreak:resolve' }] });
  });

  test('keep what a person confirms, when texts above them are shortened', () => {
    const act = `Roll back payments-api in production from ${'registry/'.repeat(8)}v43 to ${'registry/'.repeat(8)}v42. Not proved.`;
    const confirm = { title: 'Roll back?', text: act, yes: 'Roll back', no: 'Not now' };
    const offer: ChatPart = {
      kind: 'buttons',
      buttons: [{ button: { verb: 'resolve', incident: INCIDENT }, text: 'x', confirm }],
    };
    const long: ChatPart = { kind: 'text', text: ['x'.repeat(900)] };
    for (let count = 5; count < 24; count += 1) {
      const { blocks } = bodyOf({ summary: 'x', parts: [...Array.from({ length: count }, () => long), offer] });
      expect(JSON.stringify(blocks), `${count} texts`).toContain(JSON.stringify(act));
    }
  });
});

test('texts that fit when shortened are all included', () => {
  const parts = Array.from({ length: 10 }, (_, index): ChatPart => ({ kind: 'text', text: [`${index}`.repeat(3000)] }));
  const lengths = bodyOf({ summary: 'x', parts })
    .blocks.flatMap(textsOf)
    .map((one) => one.text.length);
  expect(lengths).toEqual([3000, 1200, 1200, 600, 600, 300, 300, 300, 300, 300]);
});

describe('buttons', () => {
  const blocksOf = (...buttons: ChatButton[]): Block[] =>
    bodyOf({ summary: 'x', parts: [{ kind: 'buttons', buttons }] }).blocks;

  test('are parsed back to their meaning, with no two of one kind in a row', () => {
    const few = fc.array(
      meaningOf(fc.string({ minLength: 1, maxLength: 30 })).map((one) => ({ button: one, text: 'x' })),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(few, (buttons) => {
        const rows = blocksOf(...buttons).flatMap((block) => (block.type === 'actions' ? [block.elements] : []));
        for (const row of rows) expect(new Set(row.map(({ action_id: id }) => id)).size).toBe(row.length);
        expect(rows.flat().map(({ action_id: id, value }) => readButton(id, value))).toEqual(
          buttons.map(({ button: one }) => one),
        );
      }),
    );
  });

  test('with values that are too long for Slack are omitted', () => {
    const names = Array.from({ length: 3 }, () => '"'.repeat(256));
    const [service, environment, from] = names as [ServiceName, EnvironmentName, Version];
    const long: Button = { verb: 'rollback', service, environment, from, to: from };
    const [row] = blocksOf({ button: long, text: 'x' }, { button: { verb: 'resolve', incident: INCIDENT }, text: 'y' });
    expect(row).toMatchObject({ elements: [{ action_id: 'firebreak:resolve' }] });
  });

  test('of other apps are ignored', () => {
    const { action_id: id, value } = buttonIds({ verb: 'resolve', incident: INCIDENT });
    expect(readButton(id, value)).toEqual({ verb: 'resolve', incident: INCIDENT });
    expect(readButton('approve_rollback', 'inc-42:act-7')).toBeUndefined();
    expect(readButton('firebreak:approve', value)).toBeUndefined();
    expect(readButton(id, undefined)).toBeUndefined();
    expect(readButton(id, '{')).toBeUndefined();
  });
});
