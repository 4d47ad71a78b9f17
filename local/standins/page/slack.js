import { blocks } from './blocks.js';
import { draw, h, link } from './dom.js';
import { withEmoji } from './emoji.js';
import { mrkdwn, unescaped } from './mrkdwn.js';
import { clock, counted, day } from './time.js';

/** @typedef {import('../slack-view.ts').SlackView} SlackView */
/** @typedef {import('../slack-view.ts').ChannelView} Channel */
/** @typedef {import('../slack-view.ts').MessageView} Message */
/** @typedef {import('./mrkdwn.js').ChannelNames} ChannelNames */

/** Messages by the same person within so long stand under one name. */
const TOGETHER_MS = 5 * 60_000;

/** So near to its end, a list of messages is taken as being read at its end. */
const NEAR_END_PX = 60;

/** Milliseconds since the Unix epoch. @param {{ ts: string }} message */
const timeOf = ({ ts }) => Number(ts) * 1000;

/** A workspace as its members see it: channels at the side, and one of them open. */
export class SlackPanel {
  /** @type {Element} */
  #body;
  /** @type {readonly Channel[]} */
  #channels = [];
  /** The id of the channel that a person has opened; until then the newest of them is open. @type {string | undefined} */
  #chosen;
  /** Up to which message each channel has been read. @type {Map<string, string> | undefined} */
  #read;
  /** What is open on the screen. @type {string | undefined} */
  #shown;

  /** @param {Element} body */
  constructor(body) {
    this.#body = body;
  }

  /** @param {SlackView} view */
  show({ channels }) {
    this.#channels = channels;
    // What was there before somebody looked is not news.
    this.#read ??= new Map(channels.map((channel) => [channel.id, lastOf(channel)]));
    this.#draw();
  }

  /** @param {string} id */
  open(id) {
    this.#chosen = id;
    this.#draw();
  }

  /** Goes to the message that is pinned to the channel that is open. */
  showPinned() {
    const pinned = this.#body.querySelector('.message.pinned');
    pinned?.scrollIntoView({ block: 'nearest' });
  }

  #draw() {
    const open = this.#open();
    if (!open) return draw(this.#body, h('p', { class: 'empty' }, 'Nobody has opened a channel yet.'));
    this.#read?.set(open.id, lastOf(open));
    const list = this.#body.querySelector('.messages');
    const isNew = this.#shown !== open.id;
    const wasAtEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    this.#shown = open.id;
    draw(this.#body, [this.#side(open), this.#conversation(open)]);
    if (isNew || wasAtEnd) this.#body.querySelector('.messages')?.scrollTo({ top: Number.MAX_SAFE_INTEGER });
  }

  #open() {
    const byAge = this.#channels.toSorted((a, b) => (a.created < b.created ? 1 : -1));
    return (
      this.#channels.find(({ id }) => id === this.#chosen) ??
      byAge.find(({ pinned }) => pinned.length > 0) ??
      this.#channels[0]
    );
  }

  /** @type {ChannelNames} */
  #names = (id) => this.#channels.find((channel) => channel.id === id)?.name;

  /** @param {Channel} open */
  #side(open) {
    const sorted = this.#channels.toSorted(
      (a, b) => Number(a.archived) - Number(b.archived) || a.name.localeCompare(b.name, 'en', { numeric: true }),
    );
    return h(
      'nav',
      { class: 'channels', 'aria-label': 'Channels' },
      h('p', { class: 'workspace' }, 'Sandbox'),
      h(
        'ul',
        {},
        sorted.map((channel) => this.#entry(channel, channel === open)),
      ),
    );
  }

  /** @param {Channel} channel @param {boolean} isOpen */
  #entry(channel, isOpen) {
    const { id, name, archived, messages } = channel;
    const read = this.#read?.get(id) ?? '';
    const unread = messages.filter(({ ts }) => ts > read).length;
    const state = `${archived ? 'archived ' : ''}${unread > 0 ? 'unread' : ''}`;
    return h(
      'li',
      { 'data-key': id },
      h(
        'button',
        { type: 'button', class: state, 'data-act': 'channel', 'data-id': id, 'aria-current': isOpen && 'true' },
        h('span', { class: 'hash', 'aria-hidden': true }, '#'),
        h('span', { class: 'name' }, name),
        archived && h('span', { class: 'unseen' }, ' (archived)'),
        unread > 0 && h('span', { class: 'badge' }, unread, h('span', { class: 'unseen' }, ' unread')),
      ),
    );
  }

  /** @param {Channel} channel */
  #conversation(channel) {
    const { id, name, topic, archived, bookmarks, pinned, messages } = channel;
    return h(
      'div',
      { class: 'conversation' },
      h(
        'div',
        { class: 'about' },
        h('h3', {}, h('span', { class: 'hash', 'aria-hidden': true }, '#'), name),
        topic !== '' && h('p', { class: 'topic', 'data-glow': `${id} ${topic}` }, withEmoji(unescaped(topic))),
      ),
      (bookmarks.length > 0 || pinned.length > 0) &&
        h(
          'div',
          { class: 'bookmarks' },
          pinned.length > 0 &&
            h('button', { type: 'button', 'data-act': 'pinned' }, withEmoji('📌'), ` ${pinned.length} pinned`),
          bookmarks.map((bookmark) => link(bookmark.link, unescaped(bookmark.title), 'bookmark')),
        ),
      h(
        'ol',
        { class: 'messages', tabindex: 0, 'aria-label': `Messages in ${name}`, 'data-key': `messages ${id}` },
        messages.map((message, i) => this.#message(message, messages[i - 1], channel)),
        archived && h('li', { class: 'archived-note' }, 'This channel is archived.'),
      ),
      h(
        'p',
        { class: 'composer', 'aria-hidden': true },
        archived ? 'Nobody can write here any more' : `Message #${name}`,
      ),
    );
  }

  /** @param {Message} message @param {Message | undefined} before @param {Channel} channel */
  #message(message, before, { pinned }) {
    const isPinned = pinned.includes(message.ts);
    const newDay = !before || day(timeOf(before)) !== day(timeOf(message));
    const follows = !newDay && !isPinned && isTogether(before, message) && !pinned.includes(before.ts);
    const glow = JSON.stringify([message.text, message.blocks, message.edited]);
    return [
      newDay && h('li', { class: 'day', 'data-key': `day ${message.ts}` }, h('span', {}, day(timeOf(message)))),
      h(
        'li',
        {
          class: `message ${follows ? 'follows' : ''} ${isPinned ? 'pinned' : ''}`,
          'data-key': message.ts,
          'data-glow': glow,
        },
        isPinned && h('p', { class: 'pin-note' }, withEmoji('📌'), ' Pinned'),
        follows ? h('time', { class: 'side-time' }, clock(timeOf(message)).slice(0, 5)) : avatar(message),
        h(
          'div',
          { class: 'said' },
          !follows && author(message),
          content(message, this.#names),
          message.edited && h('span', { class: 'edited' }, '(edited)'),
          reactions(message),
          this.#replies(message),
        ),
      ),
    ];
  }

  /** @param {Message} message */
  #replies({ replies }) {
    if (replies.length === 0) return null;
    return h(
      'div',
      { class: 'thread' },
      h('p', { class: 'quiet' }, replies.length === 1 ? '1 reply' : `${replies.length} replies`),
      replies.map((reply) =>
        h(
          'div',
          { class: 'reply', 'data-key': reply.ts, 'data-glow': reply.text },
          avatar(reply),
          h('div', { class: 'said' }, author(reply), content(reply, this.#names), reactions(reply)),
        ),
      ),
    );
  }
}

/** @param {SlackView} view */
export function slackTally({ channels }) {
  const messages = channels.reduce((sum, channel) => sum + channel.messages.length, 0);
  return channels.length === 0 ? '' : `${counted(channels.length, 'channel')}, ${counted(messages, 'message')}`;
}

/** @param {Channel} channel */
const lastOf = ({ messages }) => messages.at(-1)?.ts ?? '';

/** @param {Message} before @param {Message} message */
const isTogether = (before, message) =>
  before.user === message.user && timeOf(message) - timeOf(before) < TOGETHER_MS && before.replies.length === 0;

/** @param {Message} message */
const avatar = ({ user, bot }) =>
  h(
    'span',
    { class: `avatar ${bot ? 'app' : `person-${hueOf(user)}`}`, 'aria-hidden': true },
    bot ? '' : user.slice(0, 1).toUpperCase(),
  );

/** The same for the same name. @param {string} name */
const hueOf = (name) => [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 5;

/** @param {Message} message */
const author = (message) =>
  h(
    'p',
    { class: 'author' },
    h('b', {}, message.user),
    message.bot && h('span', { class: 'app-badge' }, 'APP'),
    h('time', { datetime: new Date(timeOf(message)).toISOString() }, clock(timeOf(message))),
  );

/** Beside blocks, the text is for notifications only. @param {Message} message @param {ChannelNames} names */
const content = ({ text, blocks: all, attachments }, names) =>
  h(
    'div',
    { class: 'content' },
    all.length > 0 ? blocks(all, names) : h('div', { class: 'block-section' }, mrkdwn(text, names)),
    attachments.map((attachment) => h('div', { class: 'attachment' }, attached(attachment, names))),
  );

/** @param {unknown} attachment @param {ChannelNames} names */
function attached(attachment, names) {
  const { blocks: all, text, fallback } = /** @type {Record<string, unknown>} */ (attachment ?? {});
  if (Array.isArray(all)) return blocks(all, names);
  const words = [text, fallback].find((one) => typeof one === 'string');
  return words === undefined ? null : mrkdwn(words, names);
}

/** @param {Message} message */
const reactions = ({ reactions: all }) =>
  all.length > 0 &&
  h(
    'p',
    { class: 'reactions' },
    all.map(({ name, count }) => h('span', {}, `:${name}: ${count}`)),
  );
