import { idOf, isDirect, isGeneral, type Channel } from '../channels.ts';
import { BOT, TEAM } from '../directory.ts';
import type { Bookmark, Reaction } from './marks.ts';
import type { Message } from '../messages.ts';
import type { Fields } from '../delivery/refusal.ts';
import { tsText } from '../ts.ts';
import type { Workspace } from '../workspace.ts';

/** Converts milliseconds to whole seconds since the Unix epoch. */
const seconds = (millis: number): number => Math.floor(millis / 1000);

/**
 * Returns a channel in the format of the API.
 *
 * @see https://docs.slack.dev/reference/objects/conversation-object (read 2026-11)
 */
export function channelObject(channel: Channel, { channels }: Workspace): Fields {
  if (isDirect(channel)) return directObject(channel, channels.members(channel));
  const { topic, topic_by, topic_at, purpose, purpose_by, purpose_at } = channel;
  return {
    id: idOf(channel),
    name: channel.name,
    is_channel: true,
    is_group: false,
    is_im: false,
    created: seconds(channel.created_at),
    creator: channel.creator,
    is_archived: channel.archived === 1,
    is_general: isGeneral(channel),
    unlinked: 0,
    name_normalized: channel.name,
    is_shared: false,
    is_ext_shared: false,
    is_org_shared: false,
    pending_shared: [],
    is_pending_ext_shared: false,
    is_member: channels.isMember(channel, BOT.id),
    is_private: channel.private === 1,
    is_mpim: false,
    last_read: '0000000000.000000',
    latest: null,
    unread_count: 0,
    topic: { value: topic, creator: topic_by, last_set: seconds(topic_at) },
    purpose: { value: purpose, creator: purpose_by, last_set: seconds(purpose_at) },
    previous_names: [],
    priority: 0,
  };
}

/** @see https://docs.slack.dev/reference/objects/conversation-object (read 2026-11), "im" */
const directObject = (channel: Channel, members: readonly string[]): Fields => ({
  id: idOf(channel),
  created: seconds(channel.created_at),
  is_archived: false,
  is_im: true,
  is_org_shared: false,
  user: members.find((member) => member !== BOT.id) ?? BOT.id,
  is_user_deleted: false,
  priority: 0,
});

/** Returns a message in the format of the API. Metadata is included only on request. */
export function messageObject(message: Message, options: { metadata?: boolean } = {}): Fields {
  const { text, username, blocks, attachments, metadata } = message.content;
  const { subtype, user } = message;
  const isBotMessage = user === BOT.id && (subtype === 'bot_message' || subtype === 'thread_broadcast');
  return {
    type: 'message',
    ...(subtype && { subtype }),
    ts: tsText(message.ts),
    user,
    text,
    team: TEAM.id,
    ...(isBotMessage && { username: username ?? BOT.name, bot_id: BOT.bot_id, app_id: BOT.app_id }),
    ...(blocks && { blocks }),
    ...(attachments && { attachments }),
    ...(options.metadata && metadata != null && { metadata }),
    ...(message.thread_ts !== null && { thread_ts: tsText(message.thread_ts) }),
    ...(message.edited_ts !== null && { edited: { user, ts: tsText(message.edited_ts) } }),
  };
}

/** Returns reactions in the format of a message: by name, in the order of each name's first reaction. */
export function reactionObjects(reactions: readonly Reaction[]): { name: string; users: string[]; count: number }[] {
  const names = [...new Set(reactions.map(({ name }) => name))];
  return names.map((name) => {
    const users = reactions.filter((reaction) => reaction.name === name).map(({ user }) => user);
    return { name, users, count: users.length };
  });
}

export const bookmarkId = ({ seq }: Pick<Bookmark, 'seq'>): string =>
  `Bk0${seq.toString(36).toUpperCase().padStart(8, '0')}`;

export function bookmarkObject(bookmark: Bookmark, channel: Channel): Fields {
  return {
    id: bookmarkId(bookmark),
    channel_id: idOf(channel),
    title: bookmark.title,
    link: bookmark.link,
    emoji: bookmark.emoji,
    icon_url: null,
    type: 'link',
    entity_id: null,
    date_created: seconds(bookmark.created_at),
    date_updated: seconds(bookmark.updated_at),
    rank: bookmark.seq.toString(36).padStart(6, '0'),
    last_updated_by_user_id: bookmark.user,
    last_updated_by_team_id: TEAM.id,
    shortcut_id: null,
    app_id: BOT.app_id,
  };
}
