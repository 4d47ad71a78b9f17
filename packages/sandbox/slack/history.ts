import { flag, pageSize, text } from './delivery/arguments.ts';
import type { Channel } from './channels.ts';
import { TIER_3 } from './delivery/limits.ts';
import { channelOf, cursorAt, messageTs, method, mustBeMember, positionOf } from './delivery/method.ts';
import type { Call, Methods } from './delivery/method.ts';
import type { Message } from './messages.ts';
import { messageObject, reactionObjects } from './blocks/objects.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import { microsOf, tsText } from './ts.ts';
import type { Workspace } from './workspace.ts';

/**
 * Methods for the history of a channel.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.history and conversations.replies (read 2026-11)
 */
export const historyMethods: Methods = {
  'conversations.history': method(TIER_3, history),
  'conversations.replies': method(TIER_3, replies),
};

/** Maximum page size. Longer pages are truncated. */
const PAGE_MAX = 999;
/** A time later than any message, in microseconds. */
const END_OF_TIME = Number.MAX_SAFE_INTEGER;

/** Returns the history, newest first. */
function history(call: Call): Fields {
  const { args, workspace } = call;
  const channel = channelOf(call);
  mustBeMember(channel, call);
  const { from, to } = range(args);
  const before = positionOf(text(args, 'cursor'), 'next_ts') ?? END_OF_TIME;
  const limit = Math.min(pageSize(args, 100), PAGE_MAX);
  const found = workspace.messages.history(channel.seq, { from, to: Math.min(to, before), limit: limit + 1 });
  return {
    ...page(call, channel, found, limit),
    pin_count: workspace.marks.pins(channel.seq).length,
    channel_actions_ts: null,
    channel_actions_count: 0,
  };
}

/** Returns a message and its replies, oldest first. */
function replies(call: Call): Fields {
  const { args, workspace } = call;
  const channel = channelOf(call);
  mustBeMember(channel, call);
  const ts = messageTs(call, 'ts', 'thread_not_found');
  const parent = workspace.messages.get(channel.seq, ts);
  if (!parent) throw new Refused('thread_not_found');

  const { from, to } = range(args);
  const after = positionOf(text(args, 'cursor'), 'next_ts');
  const limit = Math.min(pageSize(args, PAGE_MAX), PAGE_MAX);
  const span = { from: Math.max(from, after ?? 0), to, limit: limit + 1 };
  const answers = workspace.messages.replies(channel.seq, ts, span);
  return page(call, channel, after === undefined ? [parent, ...answers] : answers, limit);
}

/** Returns the range in microseconds, including both ends. `inclusive` applies to the given ends. */
function range(args: Fields): { from: number; to: number } {
  const inset = flag(args, 'inclusive') ? 0 : 1;
  const [oldest, latest] = [timeBound(args, 'oldest'), timeBound(args, 'latest')];
  return {
    from: oldest === undefined ? 0 : oldest + inset,
    to: latest === undefined ? END_OF_TIME : latest - inset,
  };
}

function timeBound(args: Fields, name: 'oldest' | 'latest'): number | undefined {
  const given = text(args, name) ?? '';
  if (given === '') return undefined;
  const moment = microsOf(given);
  if (moment === undefined) throw new Refused(`invalid_ts_${name}`);
  return moment;
}

/** @param found one more message than the page size if there are more */
function page({ args, workspace }: Call, channel: Channel, found: readonly Message[], limit: number): Fields {
  const next = found[limit];
  const metadata = flag(args, 'include_all_metadata');
  return {
    messages: found.slice(0, limit).map((message) => ({
      ...messageObject(message, { metadata }),
      ...threadAndReactions(message, channel, workspace),
    })),
    has_more: next !== undefined,
    ...(next && { response_metadata: { next_cursor: cursorAt('next_ts', next.ts) } }),
  };
}

/** Returns a message with its replies, reactions, and pin. */
function threadAndReactions(message: Message, channel: Channel, { messages, marks }: Workspace): Fields {
  const everything = { from: 0, to: END_OF_TIME, limit: PAGE_MAX };
  const answers = messages.replies(channel.seq, message.ts, everything);
  const newest = answers.at(-1);
  const reactions = marks.reactions(channel.seq, message.ts);
  return {
    ...(newest && {
      thread_ts: tsText(message.ts),
      reply_count: answers.length,
      reply_users: [...new Set(answers.map(({ user }) => user))],
      latest_reply: tsText(newest.ts),
    }),
    ...(reactions.length > 0 && { reactions: reactionObjects(reactions) }),
  };
}
