import { chars, isObject } from '../delivery/arguments.ts';
import {
  atMost,
  type Check,
  PLAIN_OR_MRKDWN,
  listProblems,
  optionalText,
  PLAIN_ONLY,
  optionalPlainText,
  withPointer,
  textObject,
  requiredText,
  unique,
} from './checks.ts';
import { elementProblems } from './elements.ts';
import * as limits from '../delivery/limits.ts';
import type { Fields } from '../delivery/refusal.ts';

/**
 * Returns the errors of the blocks of a message or modal, in Slack's wording and with its JSON pointers; empty if they
 * are valid.
 *
 * Rejects blocks that the surface does not support. Checks supported blocks for text, links, buttons, menus, and
 * inputs; accepts others unchecked.
 *
 * @param at location of the blocks: `/blocks`, `/view/blocks`, or below an attachment
 * @see https://docs.slack.dev/reference/block-kit/blocks (read 2026-11)
 */
export function blockProblems(
  blocks: readonly unknown[],
  at: string,
  surface: 'message' | 'modal' = 'message',
): string[] {
  const max = surface === 'message' ? limits.BLOCKS_MAX : limits.VIEW_BLOCKS_MAX;
  const ids = blocks.map((block) => (isObject(block) ? block['block_id'] : undefined));
  return [
    ...atMost(blocks, max, at),
    ...unique(ids, 'block_id', (i) => `${at}/${i}/block_id`),
    ...blocks.flatMap((block, i) => blockProblem(block, `${at}/${i}`, surface)),
  ];
}

/** Counts the characters of all texts. */
export function charsOfTexts(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + charsOfTexts(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) => sum + (key === 'text' && typeof item === 'string' ? chars(item) : charsOfTexts(item)),
    0,
  );
}

const unchecked: Check = () => [];

/** Blocks that both messages and modals support. */
const BLOCKS: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['section', section],
  ['header', ({ text }, at) => textObject(text, `${at}/text`, limits.HEADER_MAX_CHARS, PLAIN_ONLY)],
  ['context', context],
  ['actions', actions],
  ['input', input],
  ['image', image],
  ['divider', unchecked],
  ...['rich_text', 'markdown', 'table', 'video', 'file'].map((type) => [type, unchecked] as const),
]);

/** @see https://docs.slack.dev/reference/block-kit/blocks (read 2026-11): the surfaces of each */
const NOT_IN_MODALS: readonly unknown[] = ['markdown', 'table', 'file'];

function blockProblem(block: unknown, at: string, surface: 'message' | 'modal'): string[] {
  if (!isObject(block)) return [withPointer('must be an object', at)];
  const check = BLOCKS.get(block['type']);
  if (!check || (surface === 'modal' && NOT_IN_MODALS.includes(block['type']))) {
    return [withPointer(`unsupported type: ${String(block['type'])}`, `${at}/type`)];
  }
  return [...optionalText(block['block_id'], limits.BLOCK_ID_MAX_CHARS, `${at}/block_id`), ...check(block, at)];
}

function section({ text, fields, accessory }: Fields, at: string): string[] {
  if (text === undefined && fields === undefined) {
    return [withPointer('must define either `text` or `fields`', `${at}/type`)];
  }
  return [
    ...(text === undefined ? [] : textObject(text, `${at}/text`, limits.TEXT_MAX_CHARS, PLAIN_OR_MRKDWN)),
    ...listProblems(fields, limits.FIELDS_MAX, `${at}/fields`, (field, itemAt) =>
      textObject(field, itemAt, limits.FIELD_MAX_CHARS, PLAIN_OR_MRKDWN),
    ),
    ...(accessory === undefined ? [] : accessoryProblems(accessory, `${at}/accessory`)),
  ];
}

const accessoryProblems = (item: unknown, at: string): string[] =>
  isObject(item) && item['type'] === 'image' ? image(item, at) : elementProblems(item, at, 'actions');

function context({ elements }: Fields, at: string): string[] {
  return listProblems(elements ?? null, limits.CONTEXT_ELEMENTS_MAX, `${at}/elements`, (item, itemAt) =>
    isObject(item) && item['type'] === 'image'
      ? image(item, itemAt)
      : textObject(item, itemAt, limits.TEXT_MAX_CHARS, PLAIN_OR_MRKDWN),
  );
}

function actions({ elements }: Fields, at: string): string[] {
  const ids = Array.isArray(elements) ? elements.map((item) => (isObject(item) ? item['action_id'] : undefined)) : [];
  return [
    ...listProblems(elements ?? null, limits.ACTIONS_ELEMENTS_MAX, `${at}/elements`, (item, itemAt) =>
      elementProblems(item, itemAt, 'actions'),
    ),
    ...unique(ids, 'action_id', (i) => `${at}/elements/${i}/action_id`),
  ];
}

function input({ label, element, hint, optional, dispatch_action: dispatches }: Fields, at: string): string[] {
  return [
    ...textObject(label, `${at}/label`, limits.INPUT_LABEL_MAX_CHARS, PLAIN_ONLY),
    ...elementProblems(element, `${at}/element`, 'input'),
    ...optionalPlainText(hint, `${at}/hint`, limits.INPUT_LABEL_MAX_CHARS),
    ...Object.entries({ optional, dispatch_action: dispatches }).flatMap(([name, value]) =>
      value === undefined || typeof value === 'boolean' ? [] : [withPointer('must provide a boolean', `${at}/${name}`)],
    ),
  ];
}

function image({ image_url: url, slack_file: file, alt_text: alt }: Fields, at: string): string[] {
  return [
    ...(file === undefined ? requiredText(url, limits.URL_MAX_CHARS, `${at}/image_url`) : []),
    ...requiredText(alt, limits.ALT_TEXT_MAX_CHARS, `${at}/alt_text`),
  ];
}
