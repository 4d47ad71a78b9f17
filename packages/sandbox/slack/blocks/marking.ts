import { required, text } from '../delivery/arguments.ts';
import { idOf, type Channel } from '../channels.ts';
import { BOT } from '../directory.ts';
import { BOOKMARKS_MAX, PINS_MAX, TIER_2, TIER_3 } from '../delivery/limits.ts';
import type { Bookmark } from './marks.ts';
import type { Message } from '../messages.ts';
import { channelOf, messageTs, method, mustBeMember, mustBeOpen, type Call, type Methods } from '../delivery/method.ts';
import { bookmarkId, bookmarkObject, messageObject, reactionObjects } from './objects.ts';
import { Refused, type Fields } from '../delivery/refusal.ts';

/**
 * Methods for pins, reactions, and bookmarks.
 *
 * Slack documents the error for an archived channel only for reactions. Here, all three respond `is_archived`.
 *
 * @see https://docs.slack.dev/reference/methods (read 2026-11): pins, reactions, bookmarks
 */
export const markingMethods: Methods = {
  'pins.add': method(TIER_2, pin),
  'pins.list': method(TIER_2, pins),
  'pins.remove': method(TIER_2, unpin),
  'reactions.add': method(TIER_3, react),
  'reactions.get': method(TIER_3, reactions),
  'bookmarks.add': method(TIER_2, addBookmark),
  'bookmarks.list': method(TIER_3, bookmarks),
  'bookmarks.edit': method(TIER_2, editBookmark),
  'bookmarks.remove': method(TIER_2, removeBookmark),
};

function pin(call: Call): Fields {
  const { marks } = call.workspace;
  const channel = channelOf(call);
  mustBeOpen(channel);
  mustBeMember(channel, call);
  const { ts } = markedMessage(call, channel);
  const existing = marks.pins(channel.seq);
  if (existing.some((one) => one.ts === ts)) throw new Refused('already_pinned');
  if (existing.length >= PINS_MAX) throw new Refused('too_many_pins');
  marks.pin(channel.seq, { ts, user: BOT.id, at: call.at });
  return {};
}

function pins(call: Call): Fields {
  const { marks, messages } = call.workspace;
  const channel = channelOf(call);
  const items = marks.pins(channel.seq).flatMap(({ ts, user, at }) => {
    const message = messages.get(channel.seq, ts);
    if (!message) return [];
    const shown = { ...messageObject(message), pinned_to: [idOf(channel)] };
    return [
      { type: 'message', channel: idOf(channel), created: Math.floor(at / 1000), created_by: user, message: shown },
    ];
  });
  return { items };
}

function unpin(call: Call): Fields {
  const channel = channelOf(call);
  mustBeOpen(channel);
  const { ts } = markedMessage(call, channel);
  if (!call.workspace.marks.unpin(channel.seq, ts)) throw new Refused('no_pin');
  return {};
}

function react(call: Call): Fields {
  const name = required(call.args, 'name');
  if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(name)) throw new Refused('invalid_name');
  const channel = channelOf(call);
  mustBeOpen(channel);
  const { ts } = markedMessage(call, channel);
  if (!call.workspace.marks.react(channel.seq, ts, { name, user: BOT.id })) throw new Refused('already_reacted');
  return {};
}

/** @see https://docs.slack.dev/reference/methods/reactions.get (read 2026-11) */
function reactions(call: Call): Fields {
  const channel = channelOf(call);
  const message = markedMessage(call, channel);
  const all = reactionObjects(call.workspace.marks.reactions(channel.seq, message.ts));
  const shown = { ...messageObject(message), ...(all.length > 0 && { reactions: all }) };
  return { type: 'message', channel: idOf(channel), message: shown };
}

function markedMessage(call: Call, channel: Channel): Message {
  if (!text(call.args, 'timestamp')) throw new Refused('no_item_specified');
  const message = call.workspace.messages.get(channel.seq, messageTs(call, 'timestamp', 'bad_timestamp'));
  if (!message) throw new Refused('message_not_found');
  return message;
}

function addBookmark(call: Call): Fields {
  const { args, at, workspace } = call;
  const title = required(args, 'title');
  if (required(args, 'type') !== 'link') throw new Refused('invalid_bookmark_type');
  const link = linkOf(args) ?? '';
  if (link === '') throw new Refused('invalid_link');
  const emoji = emojiOf(args) ?? '';
  const channel = channelOf(call, 'channel_id');
  mustBeOpen(channel);
  if (workspace.marks.bookmarks(channel.seq).length >= BOOKMARKS_MAX) throw new Refused('too_many_bookmarks');
  const added = workspace.marks.addBookmark(channel.seq, { title, link, emoji, user: BOT.id, created_at: at });
  return { bookmark: bookmarkObject(added, channel) };
}

function bookmarks(call: Call): Fields {
  const channel = channelOf(call, 'channel_id');
  const all = call.workspace.marks.bookmarks(channel.seq);
  return { bookmarks: all.map((bookmark) => bookmarkObject(bookmark, channel)) };
}

function editBookmark(call: Call): Fields {
  const { args, at, workspace } = call;
  const channel = channelOf(call, 'channel_id');
  mustBeOpen(channel);
  const found = bookmarkOf(call, channel);
  const edited: Bookmark = {
    ...found,
    title: text(args, 'title') || found.title,
    link: linkOf(args) ?? found.link,
    emoji: emojiOf(args) ?? found.emoji,
    user: BOT.id,
    updated_at: at,
  };
  workspace.marks.editBookmark(edited);
  return { bookmark: bookmarkObject(edited, channel) };
}

function removeBookmark(call: Call): Fields {
  const channel = channelOf(call, 'channel_id');
  mustBeOpen(channel);
  call.workspace.marks.removeBookmark(bookmarkOf(call, channel).seq);
  return {};
}

function bookmarkOf({ args, workspace }: Call, channel: Channel): Bookmark {
  const id = required(args, 'bookmark_id');
  const found = workspace.marks.bookmarks(channel.seq).find((bookmark) => bookmarkId(bookmark) === id);
  if (!found) throw new Refused('not_found');
  return found;
}

function linkOf(args: Fields): string | undefined {
  const link = text(args, 'link');
  if (link && !/^https?:\/\//.test(link)) throw new Refused('invalid_link');
  return link;
}

function emojiOf(args: Fields): string | undefined {
  const emoji = text(args, 'emoji');
  if (emoji && !/^:[a-z0-9_+'-]+:$/.test(emoji)) throw new Refused('invalid_emoji');
  return emoji;
}
