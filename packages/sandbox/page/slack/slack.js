import { blocks } from './blocks.js';
import { draw, h, link } from '../dom.js';
import { withEmoji } from '../emoji.js';
import { mrkdwn, unescaped } from './mrkdwn.js';
import { SlackActs } from './acts.js';
import { composer, messageMenu, reactions, slackProblem } from './people.js';
import { clock, counted, day } from '../time.js';

/** @typedef {import('../../slack/blocks/view.ts').SlackView} SlackView */
/** @typedef {import('../../slack/blocks/view.ts').ChannelView} Channel */
/** @typedef {import('../../slack/blocks/view.ts').MessageView} Message */
/** @typedef {import('../../slack/blocks/view.ts').EphemeralView} Ephemeral */
/** @typedef {import('./mrkdwn.js').TextContext} TextContext */

/** Maximum gap between messages of one person that are grouped under one name. */
const TOGETHER_MS = 5 * 60_000;

/** Maximum distance from the end at which a message list keeps scrolling to new messages. */
const NEAR_END_PX = 60;

/** Returns milliseconds since the Unix epoch. @param {{ ts: string }} message */
const timeOf = ({ ts }) => Number(ts) * 1000;

/**
 * Returns the prefix of a channel name. Direct messages have the name of the person, without a prefix.
 *
 * @param {string} name
 */
const hashOf = (name) => (name.startsWith('@') ? '' : '#');

/** The workspace as its members see it: a list of channels, and one open channel. */
export class SlackPanel {
  /** @type {Element} */
  #body;
  /** @type {SlackView} */
  #view = { channels: [], people: [], commands: [], shortcuts: [], modals: [] };
  /** The user's actions. @type {SlackActs} */
  #acts;
  /** The ID of the channel that the user has opened. Until then, the newest one is open. @type {string | undefined} */
  #chosen;
  /** The last read message of each channel. @type {Map<string, string> | undefined} */
  #read;
  /** The channel on the screen. @type {string | undefined} */
  #shown;

  /** @param {Element} body @param {import('./acts.js').Send} send */
  constructor(body, send) {
    this.#body = body;
    this.#acts = new SlackActs(send, () => this.#draw());
  }

  /** @param {SlackView} view */
  show(view) {
    this.#view = view;
    // Messages from before the page was opened don't count as unread.
    this.#read ??= new Map(view.channels.map((channel) => [channel.id, lastOf(channel)]));
    this.#draw();
  }

  /** @param {string} id */
  open(id) {
    this.#chosen = id;
    this.#draw();
  }

  /** Scrolls to the pinned message of the open channel. */
  showPinned() {
    const pinned = this.#body.querySelector('.message.pinned');
    pinned?.scrollIntoView({ block: 'nearest' });
  }

  #draw() {
    const open = this.#open();
    if (!open) return draw(this.#body, h('p', { class: 'empty' }, 'No channels yet.'));
    this.#read?.set(open.id, lastOf(open));
    const list = this.#body.querySelector('.messages');
    const isNew = this.#shown !== open.id;
    const wasAtEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
    this.#shown = open.id;
    draw(this.#body, [this.#side(open), this.#conversation(open)]);
    if (isNew || wasAtEnd) this.#body.querySelector('.messages')?.scrollTo({ top: Number.MAX_SAFE_INTEGER });
    const { modals } = this.#view;
    this.#acts.dialogs.show(
      modals.find(({ user }) => user === this.#me()?.id),
      this.#context(),
    );
  }

  #me() {
    return this.#view.people.find(({ name }) => name === this.#acts.me);
  }

  #open() {
    const byAge = this.#view.channels.toSorted((a, b) => (a.created < b.created ? 1 : -1));
    return (
      this.#view.channels.find(({ id }) => id === this.#chosen) ??
      byAge.find(({ pinned }) => pinned.length > 0) ??
      this.#view.channels[0]
    );
  }

  /** @returns {TextContext} */
  #context() {
    const { channels, people } = this.#view;
    const name = (/** @type {string} */ id) => [...channels, ...people].find((one) => one.id === id)?.name;
    return { name, people, channels, suggested: this.#acts.suggested };
  }

  /** @param {Channel} open */
  #side(open) {
    const sorted = this.#view.channels.toSorted(
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
        h('span', { class: 'hash', 'aria-hidden': true }, hashOf(name)),
        h('span', { class: 'name' }, name),
        archived && h('span', { class: 'unseen' }, ' (archived)'),
        unread > 0 && h('span', { class: 'badge' }, unread, h('span', { class: 'unseen' }, ' unread')),
      ),
    );
  }

  /** @param {Channel} channel */
  #conversation(channel) {
    const { id, name, topic, archived, bookmarks, pinned } = channel;
    return h(
      'div',
      { class: 'conversation' },
      h(
        'div',
        { class: 'about' },
        h('h3', {}, h('span', { class: 'hash', 'aria-hidden': true }, hashOf(name)), name),
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
        this.#messageList(channel),
        archived && h('li', { class: 'archived-note' }, 'This channel is archived.'),
      ),
      slackProblem(this.#acts.problem),
      composer(channel, this.#view, this.#acts.me),
    );
  }

  /** Renders public and ephemeral messages in chronological order. @param {Channel} channel */
  #messageList(channel) {
    const { messages, ephemerals } = channel;
    const mine = ephemerals.filter(({ user }) => user === this.#me()?.id);
    const all = [
      ...messages.map((message, i) => ({ ts: message.ts, piece: this.#message(message, messages[i - 1], channel) })),
      ...mine.map((message) => ({ ts: message.ts, piece: this.#ephemeral(message, channel) })),
    ];
    return all.toSorted((a, b) => (a.ts < b.ts ? -1 : 1)).map(({ piece }) => piece);
  }

  /** @param {Ephemeral} message @param {Channel} channel */
  #ephemeral({ ts, author: by, text, blocks: all }, { id }) {
    const user = by === 'app' ? 'firebreak' : 'Slackbot';
    const message = { ts, user, bot: true, text, blocks: all, attachments: [] };
    return h(
      'li',
      { class: 'message ephemeral', 'data-key': `only ${ts}`, 'data-ts': ts, 'data-channel': id, 'data-glow': text },
      h('p', { class: 'pin-note' }, 'Only visible to you'),
      avatar(message),
      h('div', { class: 'said' }, author(message), content(message, this.#context())),
    );
  }

  /** @param {Message} message @param {Message | undefined} before @param {Channel} channel */
  #message(message, before, { id, name, archived, pinned }) {
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
          'data-ts': message.ts,
          'data-channel': id,
          'data-glow': glow,
        },
        isPinned && h('p', { class: 'pin-note' }, withEmoji('📌'), ' Pinned'),
        follows ? h('time', { class: 'side-time' }, clock(timeOf(message)).slice(0, 5)) : avatar(message),
        h(
          'div',
          { class: 'said' },
          !follows && author(message),
          content(message, this.#context()),
          message.edited && h('span', { class: 'edited' }, '(edited)'),
          reactions(message),
          this.#replies(message, id),
        ),
        !archived && messageMenu(message, { id, name }, this.#view.shortcuts),
      ),
    ];
  }

  /** @param {Message} message @param {string} channel */
  #replies({ replies }, channel) {
    if (replies.length === 0) return null;
    return h(
      'div',
      { class: 'thread' },
      h('p', { class: 'quiet' }, replies.length === 1 ? '1 reply' : `${replies.length} replies`),
      replies.map((reply) =>
        h(
          'div',
          {
            class: 'reply',
            'data-key': reply.ts,
            'data-ts': reply.ts,
            'data-channel': channel,
            'data-glow': reply.text,
          },
          avatar(reply),
          h('div', { class: 'said' }, author(reply), content(reply, this.#context()), reactions(reply)),
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

/**
 * The fields of a message that are needed to show its author and content.
 *
 * @typedef {Pick<Message, 'ts' | 'user' | 'bot' | 'text' | 'blocks' | 'attachments'>} Words
 */

/** @param {Words} message */
const avatar = ({ user, bot }) =>
  h('span', { class: `avatar ${bot ? 'app' : ''}`, 'aria-hidden': true }, bot ? '' : user.slice(0, 1).toUpperCase());

/** @param {Words} message */
const author = (message) =>
  h(
    'p',
    { class: 'author' },
    h('b', {}, message.user),
    message.bot && h('span', { class: 'app-badge' }, 'APP'),
    h('time', { datetime: new Date(timeOf(message)).toISOString() }, clock(timeOf(message))),
  );

/**
 * Renders the content. If a message has blocks, its text is used only for notifications.
 *
 * @param {Words} message
 * @param {TextContext} context
 */
const content = ({ text, blocks: all, attachments }, context) =>
  h(
    'div',
    { class: 'content' },
    all.length > 0 ? blocks(all, context) : h('div', { class: 'block-section' }, mrkdwn(text, context)),
    attachments.map((attachment) => h('div', { class: 'attachment' }, attached(attachment, context))),
  );

/** @param {unknown} attachment @param {TextContext} context */
function attached(attachment, context) {
  const { blocks: all, text, fallback } = /** @type {Record<string, unknown>} */ (attachment ?? {});
  if (Array.isArray(all)) return blocks(all, context);
  const words = [text, fallback].find((one) => typeof one === 'string');
  return words === undefined ? null : mrkdwn(words, context);
}
