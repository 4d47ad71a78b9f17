import type { ChatButton, ChatMessage, ChatPart, Text } from '../../core/domain/messages/chat-message.ts';
import { withoutCredentials } from '../../core/domain/redaction/credentials.ts';
import { buttonIds } from '../../schemas/slack/button.ts';
import { truncate } from '../shared/text.ts';
import {
  BLOCKS_MAX,
  BLOCKS_MAX_CHARS,
  BUTTON_MAX_CHARS,
  BUTTON_VALUE_MAX_CHARS,
  BUTTONS_MAX,
  CONFIRM_ANSWER_MAX_CHARS,
  CONFIRM_TEXT_MAX_CHARS,
  CONFIRM_TITLE_MAX_CHARS,
  FIELD_MAX_CHARS,
  FIELDS_MAX,
  HEADER_MAX_CHARS,
  NOTE_MAX_CHARS,
  SECTION_MAX_CHARS,
  SUMMARY_MAX_CHARS,
  TIGHT_MAX_CHARS,
} from './limits.ts';
import { mrkdwn, plainOneLine } from './mrkdwn.ts';

/**
 * The subset of Block Kit blocks that Firebreak uses.
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */
export type Block =
  | { type: 'header'; text: PlainText }
  | { type: 'section'; text: Mrkdwn }
  | { type: 'section'; fields: Mrkdwn[] }
  | { type: 'context'; elements: [Mrkdwn] }
  | { type: 'divider' }
  | { type: 'actions'; elements: ButtonElement[] };

type PlainText = { type: 'plain_text'; text: string; emoji: false };

type ButtonElement = {
  type: 'button';
  action_id: string;
  value: string;
  text: PlainText;
  style?: 'primary' | 'danger';
  confirm?: { title: PlainText; text: PlainText; confirm: PlainText; deny: PlainText; style?: 'danger' };
};

/** A text object. `verbatim` stops Slack from converting names or URLs in alerts to mentions and links. */
type Mrkdwn = { type: 'mrkdwn'; text: string; verbatim: true };

const EMPTY_TEXT = '—';

/** Returns a message without credentials, within Slack's limits. Notifications and screen readers use `text` instead of the blocks. */
export function bodyOf(message: ChatMessage): { text: string; blocks: Block[] } {
  // Before texts are cut and get Slack's markup, which can hide a credential.
  const { summary, parts } = withoutCredentials(message);
  const blocks = blocksThatFit(parts);
  const line = typeof summary === 'string' ? [summary] : summary;
  return {
    text: mrkdwn(line, SUMMARY_MAX_CHARS).trim() || EMPTY_TEXT,
    blocks: blocks.length > 0 ? blocks : [section(line)],
  };
}

/**
 * Returns the blocks of a message. If not all parts fit in full, they are shortened, and the remaining room restores the
 * buttons, which say at what a person confirms, and then the first texts, in full or as far as they fit.
 */
function blocksThatFit(parts: readonly ChatPart[]): Block[] {
  const all = parts.flatMap(shapesOf).map(alternativesOf);
  const isComplete = all.length <= BLOCKS_MAX && sizeOf(all) <= BLOCKS_MAX_CHARS;
  const shown = isComplete ? all : firstOf(all);
  let room = BLOCKS_MAX_CHARS - sizeOf(shown);
  const restored = new Map<Alternatives, Block>();
  for (const one of [...shown.filter(isButtons), ...shown.filter((each) => !isButtons(each))]) {
    const max = size(one.short) + room;
    const block = LENGTHS.map(one.shape).find((each) => size(each) <= max) ?? one.short;
    room -= size(block) - size(one.short);
    restored.set(one, block);
  }
  return shown.map((one) => restored.get(one) ?? one.short);
}

/** Maximum characters of each text of a block, from long to short. Even the last one can be too long. */
const LENGTHS = [Number.POSITIVE_INFINITY, 4 * TIGHT_MAX_CHARS, 2 * TIGHT_MAX_CHARS];

type Alternatives = { shape: Shape; short: Block };

const alternativesOf = (shape: Shape): Alternatives => ({ shape, short: shape(TIGHT_MAX_CHARS) });

/** Returns what comes first, and a note before the buttons. These leave a quarter of the message to the texts above them. */
function firstOf(all: readonly Alternatives[]): Alternatives[] {
  const closingNote = alternativesOf(() => note(['The rest did not fit.']));
  const above = all.slice(0, all.findIndex(isButtons));
  const most = { blocks: BLOCKS_MAX - 1, chars: BLOCKS_MAX_CHARS - sizeOf([closingNote]) };
  const buttons = firstThatFit(all.filter(isButtons), {
    blocks: most.blocks - Math.min(above.length, most.blocks / 4),
    chars: most.chars - Math.min(sizeOf(above), most.chars / 4),
  });
  const texts = firstThatFit(
    all.filter((alternatives) => !isButtons(alternatives)),
    { blocks: most.blocks - buttons.length, chars: most.chars - sizeOf(buttons) },
  );
  return [...texts, closingNote, ...buttons];
}

const isButtons = ({ short }: Alternatives): boolean => short.type === 'actions';

/** Returns as many of the first blocks as fit when they are shortened. */
function firstThatFit(all: readonly Alternatives[], { blocks, chars }: { blocks: number; chars: number }) {
  const end = all.findIndex((_, index) => index >= Math.floor(blocks) || sizeOf(all.slice(0, index + 1)) > chars);
  return all.slice(0, end < 0 ? all.length : end);
}

/** Returns the size as Slack may count it, with a comma. */
const size = (block: Block): number => JSON.stringify(block).length + 1;
const sizeOf = (all: readonly Alternatives[]): number => all.reduce((sum, { short }) => sum + size(short), 0);

/**
 * Creates a block with texts of a limited length.
 * @param max maximum characters of each text
 */
type Shape = (max: number) => Block;

/** Returns the blocks of a part. Omits empty texts, which Slack refuses. */
function shapesOf(part: ChatPart): Shape[] {
  switch (part.kind) {
    case 'header':
      return isEmpty([part.text]) ? [] : [() => header(part.text)];
    case 'text':
      return isEmpty(part.text) ? [] : [(max) => section(part.text, max)];
    case 'fields':
      return fieldGroups(part.fields).map((fields) => (max) => fieldsOf(fields, max));
    case 'note':
      return isEmpty(part.text) ? [] : [(max) => note(part.text, max)];
    case 'line':
      return [() => ({ type: 'divider' })];
    case 'buttons':
      return rowsOf(part.buttons).map((row) => (max) => ({
        type: 'actions',
        elements: row.map((button) => buttonOf(button, max)),
      }));
  }
}

/**
 * Arranges buttons in rows. An `action_id` must be unique within a row, so a second button of the same kind starts a
 * new row. Omits a button whose value is too long for Slack; there are commands for the same actions.
 */
function rowsOf(buttons: readonly ChatButton[]): ChatButton[][] {
  const rows: ChatButton[][] = [];
  for (const chatButton of buttons.filter(({ button }) => buttonIds(button).value.length <= BUTTON_VALUE_MAX_CHARS)) {
    const last = rows.at(-1);
    const fits =
      last !== undefined && last.length < BUTTONS_MAX && !last.some((other) => isSameKind(chatButton, other));
    if (fits) last.push(chatButton);
    else rows.push([chatButton]);
  }
  return rows;
}

const isSameKind = (one: ChatButton, other: ChatButton): boolean => one.button.verb === other.button.verb;

function buttonOf({ button, text, style, confirm }: ChatButton, max: number): ButtonElement {
  return {
    type: 'button',
    ...buttonIds(button),
    text: plainText(text, BUTTON_MAX_CHARS),
    ...(style && { style }),
    ...(confirm && {
      confirm: {
        title: plainText(confirm.title, CONFIRM_TITLE_MAX_CHARS),
        text: plainText(confirm.text, Math.min(max / 3, CONFIRM_TEXT_MAX_CHARS)),
        confirm: plainText(confirm.yes, CONFIRM_ANSWER_MAX_CHARS),
        deny: plainText(confirm.no, CONFIRM_ANSWER_MAX_CHARS),
        ...(style === 'danger' && { style }),
      },
    }),
  };
}

const plainText = (text: string, max: number): PlainText => ({
  type: 'plain_text',
  text: plainOneLine(text, max) || EMPTY_TEXT,
  emoji: false,
});

const isEmpty = (text: Text): boolean => mrkdwn(text, Number.POSITIVE_INFINITY).trim() === '';

const header = (text: string): Block => ({ type: 'header', text: plainText(text, HEADER_MAX_CHARS) });

const section = (text: Text, max = SECTION_MAX_CHARS): Block => ({
  type: 'section',
  text: verbatim(text, Math.min(max, SECTION_MAX_CHARS)),
});

const note = (text: Text, max = NOTE_MAX_CHARS): Block => ({
  type: 'context',
  elements: [verbatim(text, Math.min(max, NOTE_MAX_CHARS))],
});

const fieldsOf = (fields: readonly { name: string; value: Text }[], max: number): Block => ({
  type: 'section',
  fields: fields.map(({ name, value }) => {
    const title = { bold: truncate(name, HEADER_MAX_CHARS) };
    return verbatim([title, '\n', ...(isEmpty(value) ? [EMPTY_TEXT] : value)], Math.min(max, FIELD_MAX_CHARS));
  }),
});

const verbatim = (text: Text, max: number): Mrkdwn => ({
  type: 'mrkdwn',
  text: mrkdwn(text, max).trim() || EMPTY_TEXT,
  verbatim: true,
});

function fieldGroups<T>(items: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += FIELDS_MAX) groups.push(items.slice(at, at + FIELDS_MAX));
  return groups;
}
