import { h, link } from '../dom.js';
import { mrkdwn } from './mrkdwn.js';
import { control, field, isFields, listed, plain, textIn } from './controls.js';

/**
 * Slack's Block Kit as HTML elements, for the blocks that reporting apps use.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */

/** @typedef {import('./mrkdwn.js').Around} Around */
/** @typedef {Record<string, unknown>} Fields */

/** @type {Record<string, (block: Fields, around: Around) => import('../dom.js').Pieces>} */
const BLOCKS = {
  header: ({ text }, around) => h('h4', { class: 'block-header' }, textObject(text, around)),
  section: ({ text, fields, accessory, ...block }, around) => [
    isFields(text) &&
      h(
        'div',
        { class: 'block-section' },
        textObject(text, around),
        isFields(accessory) && element(accessory, around, block),
      ),
    Array.isArray(fields) &&
      h(
        'div',
        { class: 'block-fields' },
        listed(fields).map((words) => h('div', {}, textObject(words, around))),
      ),
  ],
  context: ({ elements, ...block }, around) =>
    h(
      'div',
      { class: 'block-context' },
      listed(elements).map((item) => h('span', {}, element(item, around, block))),
    ),
  actions: ({ elements, ...block }, around) =>
    h(
      'div',
      { class: 'block-actions' },
      listed(elements).map((item) => element(item, around, block)),
    ),
  input: (block, around) => field(block, around),
  divider: () => h('hr', {}),
  image: (block) => image(block),
};

/** @param {readonly unknown[]} all @param {Around} around */
export const blocks = (all, around) => listed(all).map((block) => one(block, around));

/**
 * Renders a block. Shows the type of an unsupported block, so that it is not hidden.
 *
 * @param {Fields} block
 * @param {Around} around
 */
const one = (block, around) =>
  BLOCKS[String(block['type'])]?.(block, around) ?? h('p', { class: 'quiet' }, `[${String(block['type'])}]`);

/** @param {unknown} object @param {Around} around */
function textObject(object, around) {
  if (!isFields(object)) return null;
  return object['type'] === 'plain_text' ? plain(object) : mrkdwn(textIn(object, 'text'), around);
}

/** @param {Fields} item @param {Around} around @param {Fields} block that it is in */
function element(item, around, block) {
  if (item['type'] === 'image') return image(item);
  return (
    control(item, { around, block: textIn(block, 'block_id') }) ??
    textObject(item, around) ??
    h('span', { class: 'quiet' }, `[${String(item['type'])}]`)
  );
}

/** Renders an image as a link, since the page loads no external content. @param {Fields} block */
const image = (block) => link(textIn(block, 'image_url'), `[${textIn(block, 'alt_text') || 'image'}]`, 'block-image');
