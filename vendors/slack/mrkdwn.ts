import { type Span, type Text, utcWords } from '../../core/domain/messages/chat-message.ts';
import { withoutReordering } from '../../core/domain/redaction/outgoing.ts';
import { millisOf, type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { LABEL_MAX_CHARS, LINK_MAX_CHARS } from './limits.ts';

const ELLIPSIS = '…';

/**
 * Formats spans as Slack mrkdwn of at most `max` characters. Truncates only between characters, never within an escape
 * or a link, and ends truncated text with an ellipsis.
 *
 * Use it in a text object with `verbatim: true`; otherwise Slack converts plain text to links and mentions.
 * @param max UTF-16 code units, at least 1
 * @see https://docs.slack.dev/messaging/formatting-message-text
 */
export const mrkdwn = (text: Text, max: number): string => renderWithin(text.flatMap(withTimes), max, markup);

const TIME_IN_UTC = /(?<![\d-])(\d{4}-\d\d-\d\d) (\d\d:\d\d)(:\d\d)? UTC\b/g;

/** Splits out times such as `2026-11-20 17:05 UTC`, so that readers see them in their own time zone. */
function withTimes(span: Span): Span[] {
  if (typeof span !== 'string') return [span];
  const parts: Span[] = [];
  let from = 0;
  for (const match of span.matchAll(TIME_IN_UTC)) {
    const [matched, day, minute, second] = match;
    const millis = Date.parse(`${day}T${minute}${second ?? ':00'}.000Z`);
    if (Number.isNaN(millis)) continue;
    if (match.index > from) parts.push(span.slice(from, match.index));
    parts.push({ at: timestamp(millis), ...(second !== undefined && { seconds: true as const }) });
    from = match.index + matched.length;
  }
  return from === 0 ? [span] : [...parts, ...(from < span.length ? [span.slice(from)] : [])];
}

/** Formats spans as one line without formatting or links, for example for a channel's topic. */
export const plainLine = (text: Text, max: number): string => renderWithin(text, max, unformatted).trim();

/** Formats text from other sources as one plain line. Escapes it, because Slack decodes escapes in every text. */
export const plainOneLine = (text: string, max: number): string => plainLine([text.trim()], max);

/** Formats one span within `room` characters, and omits the rest. */
type Render = (span: Span, room: number) => string;

function renderWithin(text: Text, max: number, render: Render): string {
  const whole = text.map((span) => render(span, Number.POSITIVE_INFINITY));
  if (whole.reduce((sum, { length }) => sum + length, 0) <= max) return whole.join('');
  let filled = '';
  for (const [index, span] of text.entries()) {
    const room = max - ELLIPSIS.length - filled.length;
    const part = whole[index] ?? '';
    if (part.length > room) return filled + render(span, room) + ELLIPSIS;
    filled += part;
  }
  return filled;
}

function markup(span: Span, room: number): string {
  if (typeof span === 'string') return escapeText(withoutQuoteMarks(withoutFormatting(withoutControls(span))), room);
  if ('bold' in span) return enclose('*', withoutFormatting(oneLine(span.bold)).replaceAll('*', LOOKALIKE['*']), room);
  if ('code' in span) return enclose('`', oneLine(span.code).replaceAll('`', LOOKALIKE['`']), room);
  if ('at' in span) return date(span, room);
  if ('link' in span) return link(span, room);
  return mention(span, room);
}

function unformatted(span: Span, room: number): string {
  if (typeof span === 'string') return escapeText(joinLines(span), room);
  if ('bold' in span) return escapeText(joinLines(span.bold), room);
  if ('code' in span) return escapeText(joinLines(span.code), room);
  if ('at' in span) return escapeText(utcWords(span), room);
  if ('link' in span) return escapeText(joinLines(span.text) || joinLines(span.link), room);
  if ('channel' in span) return mention(span, room);
  return escapeText(`@${joinLines('user' in span ? span.user : span.group)}`, room);
}

/**
 * Encloses text in a formatting mark, without its middle if it is too long: a question has at its end what can be
 * answered. Slack shows a pair without content literally, and ignores one with blanks at its edges.
 */
function enclose(mark: string, content: string, room: number): string {
  const inside = escapeEnds(content, room - 2 * mark.length).trim();
  return inside === '' ? '' : mark + inside + mark;
}

/**
 * Formats a time that Slack shows in the reader's time zone. Clients that can't do so show the fallback text after the
 * bar.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#date-formatting
 */
function date(span: { at: Timestamp; seconds?: true }, room: number): string {
  const form = span.seconds ? '{date_short_pretty} {time_secs}' : '{date_short_pretty} {time}';
  const words = utcWords(span);
  const whole = `<!date^${Math.floor(millisOf(span.at) / 1000)}^${form}|${words}>`;
  return whole.length <= room ? whole : escapeText(words, room);
}

/** Formats a link, or only its label if the complete link doesn't fit. */
function link(span: { link: string; text: string }, room: number): string {
  const words = oneLine(span.text) || oneLine(span.link);
  const url = httpUrl(span.link);
  const whole = url === null ? null : `<${escapeText(url)}|${mrkdwn([words], LABEL_MAX_CHARS)}>`;
  return whole !== null && whole.length <= room ? whole : markup(words, room);
}

type Mention = { channel: string } | { user: string } | { group: string };

/** Formats a mention. A value that is not an ID is shown as a name, without a mention. */
function mention(span: Mention, room: number): string {
  const [mark, name, id] =
    'channel' in span
      ? ['#', '#', span.channel]
      : 'user' in span
        ? ['@', '@', span.user]
        : ['!subteam^', '@', span.group];
  const whole = /^[A-Z0-9]{2,32}$/.test(id) ? `<${mark}${id}>` : escapeText(`${name}${joinLines(id)}`, room);
  return whole.length <= room ? whole : '';
}

/**
 * Returns the URL of a link: http or https, and not too long. Normalizes it, which shows look-alike characters in a
 * host name as Punycode, and encodes the characters that end a link in mrkdwn.
 */
export function httpUrl(text: string): string | null {
  const url = URL.parse(text.toWellFormed());
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  const href = url.href.replaceAll(/[|<>\s]/g, encodeURIComponent);
  return escapeText(href).length <= LINK_MAX_CHARS ? href : null;
}

/** Replaces lone surrogates, control characters, and characters that reorder the text around them. */
const withoutControls = (text: string): string =>
  withoutReordering(text.toWellFormed())
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');

/** Joins lines. Keeps other blanks. */
const joinLines = (text: string): string =>
  withoutControls(text).replaceAll(/\s+/g, (blank) => (blank.includes('\n') ? ' ' : blank));

const oneLine = (text: string): string => joinLines(text).trim();

/**
 * Characters that look the same but don't format. A zero-width space doesn't help, because Slack treats it as a word
 * boundary.
 */
const LOOKALIKE = { '*': '∗', _: 'ˍ', '~': '∼', '`': 'ˋ' };

/**
 * Replaces `*`, `_`, and `~` where they could format. Keeps them within a word (`error_ratio`) and between blanks (`2 *
 * 3`). Replaces backticks everywhere.
 */
const withoutFormatting = (text: string): string =>
  text
    .replaceAll('`', LOOKALIKE['`'])
    .replaceAll(/[*_~]/g, (mark, at: number) =>
      cannotFormat(text[at - 1], text[at + 1]) ? mark : LOOKALIKE[mark as '*' | '_' | '~'],
    );

/**
 * Returns whether a mark between these characters can't format. At an edge of the text (undefined), another span can
 * follow, so it can.
 */
function cannotFormat(before: string | undefined, after: string | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return /^(\s{2}|[A-Za-z0-9]{2})$/.test(before + after);
}

/**
 * Inserts a zero-width character before a leading `>`, which would start a quotation; `>>>` would quote the complete
 * rest.
 */
const withoutQuoteMarks = (text: string): string => text.replaceAll(/^(?=[ \t]*>)/gm, '\u2060');

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** @param room maximum characters of the result, without splitting a character or an escape */
const escapeText = (text: string, room = Number.POSITIVE_INFINITY): string => escapedWithin(text, room).join('');

/** Escapes a text, and replaces its middle by an ellipsis if there is no room for it. */
function escapeEnds(text: string, room: number): string {
  const whole = escapeText(text);
  if (whole.length <= room) return whole;
  const end = escapedWithin([...text].toReversed(), (room - ELLIPSIS.length) / 2)
    .toReversed()
    .join('');
  return end === '' ? escapeText(text, room) : escapeText(text, room - ELLIPSIS.length - end.length) + ELLIPSIS + end;
}

/** Returns the first characters, escaped, as far as there is room for them. */
function escapedWithin(characters: Iterable<string>, room: number): string[] {
  const pieces: string[] = [];
  let left = room;
  for (const character of characters) {
    const piece = ESCAPES[character] ?? character;
    if (piece.length > left) break;
    pieces.push(piece);
    left -= piece.length;
  }
  return pieces;
}

/** Decodes text from Slack, which returns it in escaped form. */
export const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
