import { h, link } from './dom.js';
import { withEmoji } from './emoji.js';
import { mrkdwn, unescaped } from './mrkdwn.js';

/**
 * Slack's Block Kit as elements, as far as an app that reports uses it.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */

/** @typedef {import('./mrkdwn.js').ChannelNames} ChannelNames */
/** @typedef {Record<string, unknown>} Fields */

/** @type {Record<string, (block: Fields, names: ChannelNames) => import('./dom.js').Pieces>} */
const BLOCKS = {
  header: ({ text }, names) => h('h4', { class: 'block-header' }, textObject(text, names)),
  section: ({ text, fields, accessory }, names) => [
    isFields(text) &&
      h('div', { class: 'block-section' }, textObject(text, names), isFields(accessory) && element(accessory, names)),
    Array.isArray(fields) &&
      h(
        'div',
        { class: 'block-fields' },
        listed(fields).map((field) => h('div', {}, textObject(field, names))),
      ),
  ],
  context: ({ elements }, names) =>
    h(
      'div',
      { class: 'block-context' },
      listed(elements).map((item) => h('span', {}, element(item, names))),
    ),
  actions: ({ elements }, names) =>
    h(
      'div',
      { class: 'block-actions' },
      listed(elements).map((item) => element(item, names)),
    ),
  divider: () => h('hr', {}),
  image: (block) => image(block),
};

/** @param {readonly unknown[]} all @param {ChannelNames} names */
export const blocks = (all, names) => listed(all).map((block) => one(block, names));

/** One that is not known here is named, so that nothing is lost unseen. @param {Fields} block @param {ChannelNames} names */
const one = (block, names) =>
  BLOCKS[String(block['type'])]?.(block, names) ?? h('p', { class: 'quiet' }, `[${String(block['type'])}]`);

/** @param {unknown} object @param {ChannelNames} names */
function textObject(object, names) {
  if (!isFields(object)) return null;
  const text = textIn(object, 'text');
  return object['type'] === 'plain_text' ? withEmoji(unescaped(text)) : mrkdwn(text, names);
}

/** @param {Fields} item @param {ChannelNames} names */
function element(item, names) {
  if (item['type'] === 'image') return image(item);
  if (item['type'] === 'button') return button(item, names);
  return textObject(item, names) ?? h('span', { class: 'quiet' }, `[${String(item['type'])}]`);
}

/** A button leads somewhere or is only looked at: nobody is told of a press. @param {Fields} item @param {ChannelNames} names */
function button({ text, url, style }, names) {
  const className = `block-button ${style === 'primary' || style === 'danger' ? style : ''}`;
  const words = textObject(text, names);
  return typeof url === 'string' ? link(url, words, className) : h('span', { class: className }, words);
}

/** Nothing is loaded from elsewhere. @param {Fields} block */
const image = (block) => link(textIn(block, 'image_url'), `[${textIn(block, 'alt_text') || 'image'}]`, 'block-image');

/** @param {Fields} fields @param {string} name */
function textIn(fields, name) {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

/** @param {unknown} value @returns {value is Fields} */
const isFields = (value) => typeof value === 'object' && value !== null;

/** @param {unknown} values */
const listed = (values) => (Array.isArray(values) ? values.filter(isFields) : []);
