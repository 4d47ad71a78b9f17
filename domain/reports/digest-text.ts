import type { TeamDigest } from '../../schemas/reports/team-digest.ts';
import { type ChatMessage, type ChatPart, type Span, type Text, utcWords } from '../messages/channels.ts';
import { escaped } from '../postmortems/markdown.ts';
import { digestPath, type DigestSection, digestScope, digestSections, digestTitle } from './digest-sections.ts';

/** Rows of a section in a message, and in Markdown and on the page. */
const MESSAGE_ROWS = 5;
export const PAGE_ROWS = 50;

/**
 * Returns the digest as one message for Slack or email.
 *
 * @param publicUrl address of the console without a final slash; undefined: unknown, so there are no links
 */
export function digestMessage(digest: TeamDigest, publicUrl: string | undefined): ChatMessage {
  const withAbsoluteLinks = (text: Text): Text => text.map((span) => absolute(span, publicUrl));
  const sections = digestSections(digest);
  const page: Text = [{ link: digestPath(digest.team), text: 'Digest in the console' }];
  return {
    summary: `${digestTitle(digest)}: ${sections[0]?.summary ?? ''}`,
    parts: [
      { kind: 'header', text: digestTitle(digest) },
      { kind: 'text', text: withAbsoluteLinks(digestScope(digest)) },
      ...sections.map((section): ChatPart => ({ kind: 'text', text: withAbsoluteLinks(sectionText(section)) })),
      ...(publicUrl === undefined ? [] : [{ kind: 'note' as const, text: withAbsoluteLinks(page) }]),
    ],
  };
}

const absolute = (span: Span, publicUrl: string | undefined): Span =>
  typeof span === 'string' || !('link' in span)
    ? span
    : publicUrl === undefined
      ? span.text
      : { ...span, link: `${publicUrl}${span.link}` };

function sectionText({ title, summary, columns, rows, path }: DigestSection): Text {
  const [, ...names] = columns;
  const shown = rows.slice(0, MESSAGE_ROWS);
  const more = rows.length - shown.length;
  return [
    { bold: title },
    `\n${summary}`,
    ...shown.flatMap(([first = [], ...others]): Text => [
      '\n• ',
      ...first,
      ...others.flatMap((cell, n): Text => {
        if (cell.length === 0) return [];
        const name = names[n] ?? '';
        return [`${n === 0 ? ': ' : '; '}${name.toLowerCase()} `, ...cell];
      }),
    ]),
    ...(more > 0 ? ['\n• ', { link: path, text: `${more} more` }] : []),
  ];
}

/** Returns the digest as Markdown. @param publicUrl as for `digestMessage` */
export function digestMarkdown(digest: TeamDigest, publicUrl: string | undefined): string {
  const cell = (text: Text): string => text.map((span) => markdownSpan(span, publicUrl)).join('');
  const parts = digestSections(digest).flatMap(({ title, summary, columns, rows }) => {
    const shown = rows.slice(0, PAGE_ROWS);
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    return [
      `## ${title}`,
      escaped(summary),
      ...(shown.length === 0
        ? []
        : [[line(columns), line(columns.map(() => '---')), ...shown.map((row) => line(row.map(cell)))].join('\n')]),
      ...(rows.length > shown.length ? [`${rows.length - shown.length} more are not shown.`] : []),
    ];
  });
  return `${[`# ${escaped(digestTitle(digest))}`, cell(digestScope(digest)), ...parts].join('\n\n')}\n`;
}

function markdownSpan(span: Span, publicUrl: string | undefined): string {
  if (typeof span === 'string') return escapedKeepingSpaces(span);
  if ('at' in span) return utcWords(span);
  if ('link' in span)
    return publicUrl === undefined
      ? escapedKeepingSpaces(span.text)
      : `[${escapedKeepingSpaces(span.text)}](${publicUrl}${span.link})`;
  return '';
}

/** Escapes a text and keeps the spaces around it, which separate it from its neighbors. */
const escapedKeepingSpaces = (text: string): string =>
  `${/^\s/.test(text) ? ' ' : ''}${escaped(text)}${/\s$/.test(text) && text.trim() !== '' ? ' ' : ''}`;
