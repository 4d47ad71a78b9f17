import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChatMessage } from '../../../../core/domain/messages/chat-message.ts';
import { emailHtmlOf } from '../../../../core/domain/messages/email-html.ts';
import { COLORS } from '../../../../core/domain/messages/identity.ts';
import { foreign } from '../../../support/foreign-text.ts';

const messageWith = (text: string): ChatMessage => ({
  summary: text,
  parts: [
    { kind: 'header', text },
    { kind: 'text', text: [{ bold: text }, `\n${text}`, { code: text }, { link: text, text }] },
    { kind: 'fields', fields: [{ name: text, value: [text] }] },
    { kind: 'note', text: [text, { user: text }] },
  ],
});

/** The tags that an email consists of. Anything else in angle brackets would come from a text. */
const OWN = /<\/?(?:!doctype|html|head|meta|title|style|body|table|tr|td|h1|h2|p|strong|code|a|br|hr)(?:\s[^<>]*)?>/g;

test('text becomes neither markup nor an address, whatever it is', () => {
  fc.assert(
    fc.property(foreign, (text) => {
      const html = emailHtmlOf(messageWith(text));
      expect(html.replaceAll(/<style>[^]*?<\/style>/g, '').replaceAll(OWN, '')).not.toMatch(/[<>]/);
      expect(html).not.toMatch(/href="(?!https?:)/i);
    }),
  );
});

test('a line break is no element in an address and in the title', () => {
  const link = { link: 'https://firebreak.example.com/a\n', text: 'Open' };
  const html = emailHtmlOf({ summary: 'cart\nfails', parts: [{ kind: 'text', text: [link] }] });
  expect(html).toContain('<title>cart\nfails</title>');
  expect(html).toMatch(/<a href="https:\/\/firebreak\.example\.com\/a\n" [^>]*>Open<\/a>/);
});

test('a heading, a paragraph, a link, and fields are elements, and line breaks stay', () => {
  const html = emailHtmlOf({
    summary: 'x',
    parts: [
      { kind: 'text', text: [{ bold: 'Impact' }, '\ncart fails\nSince noon.'] },
      { kind: 'note', text: [{ link: 'https://firebreak.example.com/a?b=1&c=2', text: 'Open' }] },
      { kind: 'text', text: ['no heading, ', { bold: 'only bold' }] },
    ],
  });
  expect(html).toMatch(/<h2 [^>]*>Impact<\/h2>\n<p [^>]*>cart fails<br>Since noon\.<\/p>/);
  expect(html).toMatch(/<a href="https:\/\/firebreak\.example\.com\/a\?b=1&amp;c=2" [^>]*>Open<\/a>/);
  expect(html).toContain('no heading, <strong>only bold</strong>');
});

test('credentials are removed before characters are escaped', () => {
  const html = emailHtmlOf({ summary: 'x', parts: [{ kind: 'text', text: ['password="hunter2 and more"'] }] });
  expect(html).not.toContain('hunter2');
  expect(html).not.toContain('and more');
});

test('it loads nothing, and has the colors of both schemes', () => {
  const html = emailHtmlOf(messageWith('text'));
  expect(html).not.toMatch(/<(?:img|link|script|iframe)|url\(|@import/i);
  expect(html).toContain('<meta name="color-scheme" content="light dark">');
  for (const name of ['ground', 'surface', 'text', 'quiet'] as const)
    for (const color of COLORS[name]) expect(html).toContain(color);
});

/** @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: string, other: string): number {
  const [a = 0, b = 0] = [one, other]
    .map((color) => {
      const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
        const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .toSorted((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

test.each([0, 1] as const)('all text is readable on all grounds of its color scheme: %i', (scheme) => {
  for (const text of ['text', 'quiet', 'link', 'critical', 'warning', 'good', 'info'] as const)
    for (const ground of ['ground', 'surface'] as const)
      expect(contrast(COLORS[text][scheme], COLORS[ground][scheme])).toBeGreaterThanOrEqual(4.5);
  for (const tone of ['critical', 'warning', 'good', 'info'] as const)
    expect(contrast(COLORS[tone][scheme], COLORS[`${tone}-ground`][scheme])).toBeGreaterThanOrEqual(4.5);
  expect(contrast(COLORS['on-primary'][scheme], COLORS.primary[scheme])).toBeGreaterThanOrEqual(4.5);
});
