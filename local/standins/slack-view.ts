import { timestamp } from '../../schemas/time.ts';
import { idOf, type Channel } from './slack-channels.ts';
import { BOT, nameOf } from './slack-directory.ts';
import type { Message } from './slack-messages.ts';
import { bookmarkId, reactionObjects } from './slack-objects.ts';
import type { StandInDeps } from './stand-in.ts';
import { tsText } from './slack-ts.ts';
import { openWorkspace, type Workspace } from './slack-workspace.ts';

export type SlackView = { channels: ChannelView[] };

export type ChannelView = {
  id: string;
  name: string;
  topic: string;
  purpose: string;
  archived: boolean;
  /** RFC 3339. */
  created: string;
  /** Oldest first. */
  bookmarks: { id: string; title: string; link: string; emoji: string }[];
  /** The `ts` of each pinned message, newest pin first. */
  pinned: string[];
  /** Oldest first, without the lines that Slack itself writes. */
  messages: MessageView[];
};

export type MessageView = {
  ts: string;
  /** The name of who wrote it. */
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

/** What is shown at most: the channels where something happened last, and the newest messages of each. */
const CHANNELS_SHOWN = 30;
const MESSAGES_SHOWN = 50;

/** The workspace as a person sees it. */
export function slackView({ db }: Pick<StandInDeps, 'db'>): SlackView {
  const workspace = openWorkspace(db);
  const newestFirst = workspace.channels.all().toSorted((a, b) => lastMicros(b) - lastMicros(a));
  return { channels: newestFirst.slice(0, CHANNELS_SHOWN).map((one) => channelView(one, workspace, MESSAGES_SHOWN)) };
}

const lastMicros = ({ last_ts: ts, created_at: at }: Channel): number => Math.max(ts, at * 1000);

/** @param limit how many messages, and answers to each, are shown at most: the newest of both */
export function channelView(channel: Channel, workspace: Workspace, limit: number): ChannelView {
  const { messages, marks } = workspace;
  const said = messages.history(channel.seq, everything).filter(isSaid).slice(0, limit).toReversed();
  return {
    id: idOf(channel),
    name: channel.name,
    topic: channel.topic,
    purpose: channel.purpose,
    archived: channel.archived === 1,
    created: timestamp(channel.created_at),
    bookmarks: marks.bookmarks(channel.seq).map((bookmark) => ({
      id: bookmarkId(bookmark),
      title: bookmark.title,
      link: bookmark.link,
      emoji: bookmark.emoji,
    })),
    pinned: marks.pins(channel.seq).map(({ ts }) => tsText(ts)),
    messages: said.map((message) => messageView(message, channel, workspace, limit)),
  };
}

const everything = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: -1 };

/** By a person or an app. */
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
