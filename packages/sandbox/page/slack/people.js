import { h } from '../dom.js';
import { withEmoji } from '../emoji.js';

/** @typedef {import('../../slack/blocks/view.ts').SlackView} SlackView */
/** @typedef {import('../../slack/blocks/view.ts').ChannelView} Channel */
/** @typedef {import('../../slack/blocks/view.ts').MessageView} Message */

/** Emoji for reactions. Other reactions are shown by name. */
const EMOJI = new Map([
  ['pushpin', '📌'],
  ['eyes', '👀'],
  ['white_check_mark', '✅'],
  ['+1', '👍'],
  ['-1', '👎'],
  ['fire', '🔥'],
  ['warning', '⚠'],
]);

/** Reactions in the menu of a message. */
const OFFERED = ['pushpin', '+1', '-1'];

/** @param {Message} message */
export const reactions = ({ reactions: all }) =>
  all.length > 0 &&
  h(
    'p',
    { class: 'reactions' },
    all.map(({ name, count }) => h('span', { title: `:${name}:` }, glyph(name), ` ${count}`)),
  );

/** @param {string} name */
const glyph = (name) => withEmoji(EMOJI.get(name) ?? `:${name}:`);

/**
 * The menu of a message: reactions, and the app's message shortcuts.
 *
 * @param {Message} message
 * @param {{ id: string; name: string }} channel
 * @param {SlackView['shortcuts']} shortcuts
 */
export const messageMenu = ({ ts, user }, { id, name }, shortcuts) =>
  h(
    'details',
    { class: 'menu', name: 'message-menu' },
    h('summary', { 'aria-label': `More actions for the message from ${user}` }, '⋯'),
    h(
      'div',
      { class: 'choices' },
      OFFERED.map((reaction) =>
        h(
          'button',
          { type: 'button', 'data-slack': 'react', 'data-reaction': reaction, 'data-name': name, 'data-ts': ts },
          'React with ',
          glyph(reaction),
        ),
      ),
      shortcuts.filter(({ of }) => of === 'message').map((one) => shortcut(one, { 'data-channel': id, 'data-ts': ts })),
    ),
  );

/** @param {SlackView['shortcuts'][number]} one @param {Record<string, string>} [of] */
const shortcut = ({ callback_id: id, name }, of = {}) =>
  h('button', { type: 'button', 'data-slack': 'shortcut', 'data-id': id, ...of }, name);

/** Shows the error of the last action where it was tried. @param {string} words */
export const slackProblem = (words) => h('p', { class: 'problem said-below', role: 'status' }, words);

/** @param {string} name name of a channel, or of a person in a direct message */
const titled = (name) => (name.startsWith('@') ? name : `#${name}`);

/**
 * The input for messages and commands, and the selection of the person to act as.
 *
 * @param {Channel} channel
 * @param {SlackView} view
 * @param {string} me
 */
export function composer({ name, archived }, { people, commands, shortcuts }, me) {
  if (archived) return h('p', { class: 'composer' }, 'You can no longer post in this channel.');
  return h(
    'form',
    { class: 'composer', 'data-slack': 'say', 'data-name': name },
    h(
      'select',
      { 'data-slack': 'who', 'aria-label': 'Act as' },
      people.map((person) => h('option', { value: person.name, selected: person.name === me }, person.name)),
    ),
    h('input', {
      type: 'text',
      'aria-label': `Message ${titled(name)}`,
      placeholder: `Message ${titled(name)}, or type a command such as ${commands[0] ?? '/incident'}`,
      autocomplete: 'off',
      list: 'slack-commands',
    }),
    h(
      'datalist',
      { id: 'slack-commands' },
      commands.map((command) => h('option', { value: `${command} help` })),
    ),
    h('button', { type: 'submit' }, 'Send'),
    h(
      'details',
      { class: 'menu', name: 'message-menu' },
      h('summary', { 'aria-label': 'Shortcuts' }, '⚡'),
      h(
        'div',
        { class: 'choices' },
        shortcuts.filter(({ of }) => of === 'global').map((one) => shortcut(one)),
      ),
    ),
  );
}
