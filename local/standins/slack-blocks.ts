import { chars, isObject } from './slack-arguments.ts';
import * as limits from './slack-limits.ts';
import type { Fields } from './slack-refusal.ts';

/**
 * What is wrong with a message's blocks, in Slack's words and with its pointers to the place; empty when nothing is.
 *
 * Blocks that cannot be in a message are refused. Of those that can, the ones for text, links and buttons are checked;
 * others are taken as they are.
 *
 * @param at where they stand, `/blocks` or below an attachment
 * @see https://docs.slack.dev/reference/block-kit/blocks (read 2026-11)
 */
export function blockProblems(blocks: readonly unknown[], at: string): string[] {
  return [...atMost(blocks, limits.BLOCKS_MAX, at), ...blocks.flatMap((block, i) => blockProblem(block, `${at}/${i}`))];
}

/** Characters of all texts in them. */
export function charsOfTexts(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + charsOfTexts(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) => sum + (key === 'text' && typeof item === 'string' ? chars(item) : charsOfTexts(item)),
    0,
  );
}

type Check = (thing: Fields, at: string) => string[];

const unchecked: Check = () => [];

const BLOCKS: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['section', section],
  ['header', ({ text }, at) => textObject(text, `${at}/text`, limits.HEADER_MAX_CHARS, PLAIN)],
  ['context', context],
  ['actions', actions],
  ['image', image],
  ['divider', unchecked],
  ...['rich_text', 'markdown', 'table', 'video', 'file'].map((type) => [type, unchecked] as const),
]);

function blockProblem(block: unknown, at: string): string[] {
  if (!isObject(block)) return [pointed('must be an object', at)];
  const check = BLOCKS.get(block['type']);
  if (!check) return [pointed(`unsupported type: ${String(block['type'])}`, `${at}/type`)];
  return [...longest(block['block_id'], limits.BLOCK_ID_MAX_CHARS, `${at}/block_id`), ...check(block, at)];
}

function section({ text, fields, accessory }: Fields, at: string): string[] {
  if (text === undefined && fields === undefined) {
    return [pointed('must define either `text` or `fields`', `${at}/type`)];
  }
  return [
    ...(text === undefined ? [] : textObject(text, `${at}/text`, limits.TEXT_MAX_CHARS, EITHER)),
    ...list(fields, limits.FIELDS_MAX, `${at}/fields`, (field, there) =>
      textObject(field, there, limits.FIELD_MAX_CHARS, EITHER),
    ),
    ...(accessory === undefined ? [] : element(accessory, `${at}/accessory`)),
  ];
}

function context({ elements }: Fields, at: string): string[] {
  return list(elements ?? null, limits.CONTEXT_ELEMENTS_MAX, `${at}/elements`, (item, there) =>
    isObject(item) && item['type'] === 'image'
      ? image(item, there)
      : textObject(item, there, limits.TEXT_MAX_CHARS, EITHER),
  );
}

function actions({ elements }: Fields, at: string): string[] {
  return list(elements ?? null, limits.ACTIONS_ELEMENTS_MAX, `${at}/elements`, element);
}

function image({ image_url: url, slack_file: file, alt_text: alt }: Fields, at: string): string[] {
  return [
    ...(file === undefined ? textOf(url, limits.URL_MAX_CHARS, `${at}/image_url`) : []),
    ...textOf(alt, limits.ALT_TEXT_MAX_CHARS, `${at}/alt_text`),
  ];
}

/** A button, an image, or one of the many others, of which only the id is looked at. */
function element(item: unknown, at: string): string[] {
  if (!isObject(item)) return [pointed('must be an object', at)];
  if (item['type'] === 'image') return image(item, at);
  const { action_id: id, text, value, url } = item;
  return [
    ...longest(id, limits.ACTION_ID_MAX_CHARS, `${at}/action_id`),
    ...(item['type'] === 'button' ? textObject(text, `${at}/text`, limits.BUTTON_TEXT_MAX_CHARS, PLAIN) : []),
    ...longest(value, limits.BUTTON_VALUE_MAX_CHARS, `${at}/value`),
    ...longest(url, limits.URL_MAX_CHARS, `${at}/url`),
  ];
}

const PLAIN = ['plain_text'];
const EITHER = ['plain_text', 'mrkdwn'];

/** What is wrong with the text of a text object is told twice: once of the object, once of the text. */
function textObject(object: unknown, at: string, max: number, types: readonly string[]): string[] {
  if (!isObject(object)) return [pointed('must provide an object', at)];
  if (!types.includes(String(object['type']))) {
    return [pointed('failed to match all allowed schemas', at), pointed('must be a valid enum value', `${at}/type`)];
  }
  if (typeof object['text'] !== 'string') return [pointed('must provide a string', `${at}/text`)];
  const problems = textOf(object['text'], max, `${at}/text`);
  return problems.length > 0 ? [pointed('failed to match all allowed schemas', at), ...problems] : [];
}

/** @param items `undefined` when there need be none */
function list(items: unknown, max: number, at: string, check: (item: unknown, at: string) => string[]): string[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) return [pointed('must provide an array', at)];
  if (items.length === 0) return [pointed('no less than 1 items allowed', at)];
  return [...atMost(items, max, at), ...items.flatMap((item: unknown, i) => check(item, `${at}/${i}`))];
}

/** A text that must be there. */
function textOf(value: unknown, max: number, at: string): string[] {
  if (typeof value !== 'string') return [pointed('must provide a string', at)];
  return value === '' ? [pointed('must be more than 0 characters', at)] : longest(value, max, at);
}

/** A text that may be absent. */
function longest(value: unknown, max: number, at: string): string[] {
  if (value === undefined) return [];
  if (typeof value !== 'string') return [pointed('must provide a string', at)];
  return chars(value) > max ? [pointed(`must be less than ${max + 1} characters`, at)] : [];
}

const atMost = (items: readonly unknown[], max: number, at: string): string[] =>
  items.length > max ? [pointed(`no more than ${max} items allowed`, at)] : [];

const pointed = (problem: string, at: string): string => `${problem} [json-pointer:${at}]`;
