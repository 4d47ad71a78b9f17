import { flag, required, text } from './delivery/arguments.ts';
import { type Channel, directName, idOf } from './channels.ts';
import { givenContent, requireContent } from './blocks/content.ts';
import { nameError } from './conversations.ts';
import { ADMIN, BOT, personById, TEAM } from './directory.ts';
import * as limits from './delivery/limits.ts';
import type { Content, Message } from './messages.ts';
import { channelOf, messageTs, method, mustBeOpen, type Call, type Methods } from './delivery/method.ts';
import { messageObject } from './blocks/objects.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import { tsOf, tsText } from './ts.ts';
import { addMessage, addEphemeral } from './workspace.ts';

/**
 * Methods for messages.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours (read 2026-11)
 */
export const chatMethods: Methods = {
  'chat.postMessage': {
    limits: [{ ...limits.MESSAGES_PER_CHANNEL, per: channelKey }, limits.MESSAGES_PER_WORKSPACE],
    run: postMessage,
  },
  'chat.update': method(limits.TIER_3, update),
  'chat.delete': method(limits.TIER_3, remove),
  'chat.postEphemeral': method(limits.TIER_4, postEphemeral),
  'chat.getPermalink': method(limits.PERMALINKS, permalink),
};

function postMessage(call: Call): Fields {
  const { args, at, workspace } = call;
  const given = givenContent(args, limits.POST_TEXT_MAX_CHARS);
  requireContent(given);
  const username = text(args, 'username');
  const content: Content = { text: '', ...given, ...(username && { username }) };

  const channel = findChannel(call) ?? openDirectMessages(call) ?? createNamedChannel(call);
  mustBeOpen(channel);
  const thread = threadOf(call, channel);
  const subtype = thread !== null && flag(args, 'reply_broadcast') ? 'thread_broadcast' : 'bot_message';
  const message = addMessage(workspace, channel, { user: BOT.id, subtype, thread_ts: thread, content }, at);
  return { channel: idOf(channel), ts: tsText(message.ts), message: messageObject(message, { metadata: true }) };
}

/** Returns the channel by ID or name. The app can also write to public channels that it is not a member of. */
function findChannel({ args, workspace: { channels } }: Call): Channel | undefined {
  const given = required(args, 'channel');
  const person = personById(given);
  if (person !== undefined) return channels.byName(directName(person.name));
  return channels.byId(given) ?? (given.startsWith('@') ? undefined : channels.byName(given.replace(/^#/, '')));
}

/** Opens the direct messages with a user, if the channel is a user ID. Undefined if there is no such user. */
function openDirectMessages({ args, at, workspace: { channels } }: Call): Channel | undefined {
  const person = personById(required(args, 'channel'));
  if (person === undefined) return undefined;
  const channel = channels.create({ name: directName(person.name), creator: BOT.id, private: true, at });
  channels.join(channel, person.id);
  return channel;
}

/** Returns the rate-limit key of a channel, the same for its ID and its name. */
function channelKey(call: Call): string {
  const channel = findChannel(call);
  return channel ? idOf(channel) : required(call.args, 'channel').slice(0, limits.CHANNEL_NAME_MAX_CHARS);
}

/**
 * Finds a public channel by `#name`, and creates it if needed, as if an administrator had created it. This is the only
 * deviation from Slack: a new workspace has no team channels, and users who try the product would have to create them
 * first. Other names of missing channels give `channel_not_found`.
 */
function createNamedChannel({ args, at, workspace: { channels } }: Call): Channel {
  const [, name] = /^#(.+)$/s.exec(required(args, 'channel')) ?? [];
  if (name === undefined || nameError(name) !== undefined) throw new Refused('channel_not_found');
  return channels.create({ name, creator: ADMIN.id, private: false, at });
}

/** Returns the `ts` of the thread. A reply to a reply belongs to the same thread. */
function threadOf({ args, workspace }: Call, channel: Channel): number | null {
  const given = text(args, 'thread_ts');
  if (!given) return null;
  const ts = tsOf(given);
  const parent = ts === undefined ? undefined : workspace.messages.get(channel.seq, ts);
  if (!parent) throw new Refused('thread_not_found');
  return parent.thread_ts ?? parent.ts;
}

/**
 * Updates a message. Arguments that are absent stay unchanged, except for the text of blocks, which is replaced with
 * them.
 */
function update(call: Call): Fields {
  const { args, at, workspace } = call;
  const given = givenContent(args, limits.UPDATE_TEXT_MAX_CHARS);
  if (given.text === undefined && !given.blocks && !given.attachments) throw new Refused('no_text');
  const channel = channelOf(call);
  const message = ownMessage(call, channel, 'cant_update_message');
  mustBeOpen(channel, 'is_inactive');

  const content = { ...message.content, ...(given.blocks && { text: '' }), ...given };
  requireContent(content);
  const edited = { ...message, content, edited_ts: Math.floor(at) * 1000 };
  workspace.messages.edit(channel.seq, message.ts, content, edited.edited_ts);
  return {
    channel: idOf(channel),
    ts: tsText(message.ts),
    text: content.text,
    message: messageObject(edited, { metadata: true }),
  };
}

function remove(call: Call): Fields {
  const { messages, marks } = call.workspace;
  const channel = channelOf(call);
  const { ts } = ownMessage(call, channel, 'cant_delete_message');
  messages.remove(channel.seq, ts);
  marks.clear(channel.seq, ts);
  return { channel: idOf(channel), ts: tsText(ts) };
}

/** @throws Refused with `code` if the app did not write it */
function ownMessage(call: Call, channel: Channel, code: string): Message {
  const message = call.workspace.messages.get(channel.seq, messageTs(call, 'ts', 'message_not_found'));
  if (!message) throw new Refused('message_not_found');
  if (message.user !== BOT.id) throw new Refused(code);
  return message;
}

/** Posts a message that only one person sees. It is not in the history. */
function postEphemeral(call: Call): Fields {
  const { args, at, workspace } = call;
  const given = givenContent(args, limits.POST_TEXT_MAX_CHARS);
  requireContent(given);
  const user = required(args, 'user');
  const channel = channelOf(call);
  mustBeOpen(channel);
  if (!workspace.channels.isMember(channel, user)) throw new Refused('user_not_in_channel');
  const { ts } = addEphemeral(workspace, channel, { user, author: 'app', content: { text: '', ...given } }, at);
  return { message_ts: tsText(ts) };
}

/** @see https://docs.slack.dev/reference/methods/chat.getPermalink (read 2026-11) */
function permalink(call: Call): Fields {
  const channel = channelOf(call);
  const message = call.workspace.messages.get(channel.seq, messageTs(call, 'message_ts', 'message_not_found'));
  if (!message) throw new Refused('message_not_found');
  const id = idOf(channel);
  const parent = message.thread_ts === null ? '' : `?thread_ts=${tsText(message.thread_ts)}&cid=${id}`;
  return {
    channel: id,
    permalink: `${TEAM.url}archives/${id}/p${tsText(message.ts).replace('.', '')}${parent}`,
  };
}
