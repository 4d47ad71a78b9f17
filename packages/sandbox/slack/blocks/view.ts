import { timestamp } from '../../../../schemas/time/time.ts';
import { idOf, type Channel } from '../channels.ts';
import { BOT, COMMANDS, nameOf, PEOPLE, SHORTCUTS } from '../directory.ts';
import type { Ephemeral } from '../ephemerals.ts';
import type { Message } from '../messages.ts';
import { modalId, type Modal } from './modals.ts';
import { bookmarkId, reactionObjects } from './objects.ts';
import { stateOf } from '../state.ts';
import type { StandInDeps } from '../../core/stand-in.ts';
import { tsText } from '../ts.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

export type SlackView = {
  channels: ChannelView[];
  /** The people that the user of the page can act as. */
  people: { id: string; name: string; real_name: string }[];
  commands: readonly string[];
  /** The app's entries in the menus of the workspace and of messages. */
  shortcuts: readonly { callback_id: string; name: string; of: 'global' | 'message' }[];
  /** The open modals; only the top of each stack. */
  modals: ModalView[];
};

export type ModalView = {
  id: string;
  /** The ID of the person who has it open. */
  user: string;
  hash: string;
  title: unknown;
  /** `null` if there is no such button. */
  submit: unknown;
  close: unknown;
  blocks: unknown[];
  /** Selected and entered values, by block and action. */
  state: Record<string, Record<string, unknown>>;
  /** Errors, by block. */
  errors: Record<string, string>;
  problem: string;
};

export type ChannelView = {
  id: string;
  name: string;
  topic: string;
  purpose: string;
  archived: boolean;
  /** The names of the members. */
  members: string[];
  /** RFC 3339. */
  created: string;
  /** Oldest first. */
  bookmarks: { id: string; title: string; link: string; emoji: string }[];
  /** The `ts` of each pinned message, newest pin first. */
  pinned: string[];
  /** Oldest first, without system messages. */
  messages: MessageView[];
  /** Ephemeral messages, oldest first. */
  ephemerals: EphemeralView[];
};

export type EphemeralView = {
  ts: string;
  /** The ID of the person who sees it. */
  user: string;
  author: 'app' | 'slackbot';
  text: string;
  blocks: unknown[];
};

export type MessageView = {
  ts: string;
  /** The name of the author. */
  user: string;
  bot: boolean;
  text: string;
  blocks: unknown[];
  attachments: unknown[];
  metadata: unknown;
  edited: boolean;
  reactions: { name: string; count: number }[];
  /** Oldest first. */
  replies: MessageView[];
};

/** Maximum channels, by latest activity, and maximum messages of each, newest first. */
const CHANNELS_SHOWN = 30;
const MESSAGES_SHOWN = 50;

/** Returns the workspace as the page shows it. */
export function slackView({ db }: Pick<StandInDeps, 'db'>): SlackView {
  const workspace = openWorkspace(db);
  const newestFirst = workspace.channels.all().toSorted((a, b) => lastMicros(b) - lastMicros(a));
  return {
    channels: newestFirst.slice(0, CHANNELS_SHOWN).map((one) => channelView(one, workspace, MESSAGES_SHOWN)),
    people: PEOPLE.map(({ id, name, real_name: realName }) => ({ id, name, real_name: realName })),
    commands: COMMANDS,
    shortcuts: SHORTCUTS,
    modals: workspace.modals.shown().map(modalView),
  };
}

const lastMicros = ({ last_ts: ts, created_at: at }: Channel): number => Math.max(ts, at * 1000);

/** @param limit maximum number of messages, and of replies to each message: the newest of both */
export function channelView(channel: Channel, workspace: Workspace, limit: number): ChannelView {
  const { messages, marks } = workspace;
  const said = messages.history(channel.seq, everything).filter(isSaid).slice(0, limit).toReversed();
  return {
    id: idOf(channel),
    name: channel.name,
    topic: channel.topic,
    purpose: channel.purpose,
    archived: channel.archived === 1,
    members: workspace.channels.members(channel).map(nameOf),
    created: timestamp(channel.created_at),
    bookmarks: marks.bookmarks(channel.seq).map((bookmark) => ({
      id: bookmarkId(bookmark),
      title: bookmark.title,
      link: bookmark.link,
      emoji: bookmark.emoji,
    })),
    pinned: marks.pins(channel.seq).map(({ ts }) => tsText(ts)),
    messages: said.map((message) => messageView(message, channel, workspace, limit)),
    ephemerals: workspace.ephemerals.all(channel.seq, Math.min(limit, MESSAGES_SHOWN)).map(ephemeralView),
  };
}

function modalView(modal: Modal): ModalView {
  const { user, hash, view, given, errors, problem } = modal;
  const { title, submit, close, blocks } = view;
  return {
    id: modalId(modal),
    user,
    hash,
    title,
    submit,
    close,
    blocks,
    state: stateOf(blocks, given),
    errors,
    problem,
  };
}

const everything = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: -1 };

const ephemeralView = ({ ts, user, author, content }: Ephemeral): EphemeralView => ({
  ts: tsText(ts),
  user,
  author,
  text: content.text,
  blocks: content.blocks ?? [],
});

/** Returns whether a person or an app wrote the message. */
const isSaid = ({ subtype }: Message): boolean =>
  subtype === null || subtype === 'bot_message' || subtype === 'thread_broadcast';

function messageView(message: Message, channel: Channel, workspace: Workspace, limit: number): MessageView {
  const { text, username, blocks = [], attachments = [], metadata = null } = message.content;
  const reactions = workspace.marks.reactions(channel.seq, message.ts);
  const answers = message.thread_ts === null ? workspace.messages.replies(channel.seq, message.ts, everything) : [];
  return {
    ts: tsText(message.ts),
    user: username ?? nameOf(message.user),
    bot: message.user === BOT.id,
    text,
    blocks,
    attachments,
    metadata,
    edited: message.edited_ts !== null,
    reactions: reactionObjects(reactions).map(({ name, count }) => ({ name, count })),
    replies: answers.slice(-limit).map((answer) => messageView(answer, channel, workspace, limit)),
  };
}
