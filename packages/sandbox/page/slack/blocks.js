import { h, link } from '../dom.js';
import { mrkdwn } from './mrkdwn.js';
import { control, field, isFields, listed, plain, textIn } from './controls.js';

/**
 * Slack's Block Kit as HTML elements, for the blocks that reporting apps use.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */

/** @typedef {import('./mrkdwn.js').TextContext} TextContext */
/** @typedef {Record<string, unknown>} Fields */

/** @type {Record<string, (block: Fields, context: TextContext) => import('../dom.js').Pieces>} */
const BLOCKS = {
  header: ({ text }, context) => h('h4', { class: 'block-header' }, textObject(text, context)),
  section: ({ text, fields, accessory, ...block }, context) => [
    isFields(text) &&
      h(
        'div',
        { class: 'block-section' },
        textObject(text, context),
        isFields(accessory) && element(accessory, context, block),
      ),
    Array.isArray(fields) &&
      h(
        'div',
        { class: 'block-fields' },
        listed(fields).map((words) => h('div', {}, textObject(words, context))),
      ),
  ],
  context: ({ elements, ...block }, context) =>
    h(
      'div',
      { class: 'block-context' },
      listed(elements).map((item) => h('span', {}, element(item, context, block))),
    ),
  actions: ({ elements, ...block }, context) =>
    h(
      'div',
      { class: 'block-actions' },
      listed(elements).map((item) => element(item, context, block)),
    ),
  input: (block, context) => field(block, context),
  divider: () => h('hr', {}),
  image: (block) => image(block),
};

/** @param {readonly unknown[]} all @param {TextContext} context */
export const blocks = (all, context) => listed(all).map((block) => renderBlock(block, context));

/**
 * Renders a block. Shows the type of an unsupported block, so that it is not hidden.
 *
 * @param {Fields} block
 * @param {TextContext} context
 */
const renderBlock = (block, context) =>
  BLOCKS[String(block['type'])]?.(block, context) ?? h('p', { class: 'quiet' }, `[${String(block['type'])}]`);

/** @param {unknown} object @param {TextContext} context */
function textObject(object, context) {
  if (!isFields(object)) return null;
  return object['type'] === 'plain_text' ? plain(object) : mrkdwn(textIn(object, 'text'), context);
}

/** @param {Fields} item @param {TextContext} context @param {Fields} block that it is in */
function element(item, context, block) {
  if (item['type'] === 'image') return image(item);
  return (
    control(item, { context, block: textIn(block, 'block_id') }) ??
    textObject(item, context) ??
    h('span', { class: 'quiet' }, `[${String(item['type'])}]`)
  );
}

/** Renders an image as a link, since the page loads no external content. @param {Fields} block */
const image = (block) => link(textIn(block, 'image_url'), `[${textIn(block, 'alt_text') || 'image'}]`, 'block-image');
