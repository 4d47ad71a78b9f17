import { chars, flag, pageSize, text } from './delivery/arguments.ts';
import { isDirect, isGeneral, type Channel } from './channels.ts';
import { BOT } from './directory.ts';
import { CHANNEL_NAME_MAX_CHARS, TIER_2, TIER_3, TIER_4, TOPIC_MAX_CHARS } from './delivery/limits.ts';
import {
  channelOf,
  cursorAt,
  method,
  mustBeMember,
  mustBeOpen,
  mustNotBeDirect,
  positionOf,
} from './delivery/method.ts';
import type { Call, Methods } from './delivery/method.ts';
import { channelObject } from './blocks/objects.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import { addMember, addSystemMessage } from './workspace.ts';

/**
 * Methods for channels and their members.
 *
 * @see https://docs.slack.dev/apis/web-api/using-the-conversations-api (read 2026-11)
 */
export const conversationMethods: Methods = {
  'conversations.create': method(TIER_2, create),
  'conversations.list': method(TIER_2, list),
  'conversations.info': method(TIER_3, info),
  'conversations.join': method(TIER_3, join),
  'conversations.setTopic': method(TIER_2, (call) => describe(call, 'topic')),
  'conversations.setPurpose': method(TIER_2, (call) => describe(call, 'purpose')),
  'conversations.archive': method(TIER_2, archive),
  'conversations.unarchive': method(TIER_2, unarchive),
  'conversations.members': method(TIER_4, members),
};

/**
 * Returns Slack's error code for an invalid channel name; `undefined` if it is valid. Letters of all scripts are
 * accepted, except uppercase letters.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.create (read 2026-11), "Naming" and "Errors"
 */
export function nameError(name: string): string | undefined {
  if (name === '') return 'invalid_name_required';
  if (chars(name) > CHANNEL_NAME_MAX_CHARS) return 'invalid_name_maxlength';
  if (!/^[\p{Ll}\p{Lm}\p{Lo}\p{M}\p{N}_-]+$/u.test(name)) return 'invalid_name_specials';
  return /^[_-]+$/.test(name) ? 'invalid_name_punctuation' : undefined;
}

/** Creates a channel. Names of archived channels stay taken. */
function create({ args, at, workspace }: Call): Fields {
  const name = text(args, 'name') ?? '';
  const error = nameError(name);
  if (error !== undefined) throw new Refused(error);
  if (workspace.channels.byName(name)) throw new Refused('name_taken');

  const channel = workspace.channels.create({ name, creator: BOT.id, private: flag(args, 'is_private'), at });
  addSystemMessage(workspace, channel, BOT.id, 'channel_join', 'has joined the channel', at);
  return { channel: channelObject(channel, workspace) };
}

const TYPES = ['public_channel', 'private_channel', 'mpim', 'im'];

function list({ args, workspace }: Call): Fields {
  const limit = pageSize(args, 100);
  if (limit > 1000) throw new Refused('invalid_limit');
  const types = (text(args, 'types') || 'public_channel').split(',').map((type) => type.trim());
  if (types.some((type) => !TYPES.includes(type))) throw new Refused('invalid_types');

  const withArchived = !flag(args, 'exclude_archived');
  const found = workspace.channels
    .all(positionOf(text(args, 'cursor'), 'channel'))
    .filter((channel) => types.includes(typeOf(channel)))
    .filter((channel) => withArchived || !channel.archived);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const more = last !== undefined && found.length > limit;
  return {
    channels: page.map((channel) => ({ ...channelObject(channel, workspace), ...memberCount(channel, workspace) })),
    response_metadata: { next_cursor: more ? cursorAt('channel', last.seq) : '' },
  };
}

const typeOf = (channel: Channel): string =>
  isDirect(channel) ? 'im' : channel.private ? 'private_channel' : 'public_channel';

const memberCount = (channel: Channel, { channels }: Call['workspace']): Fields => ({
  num_members: channel.archived ? 0 : channels.members(channel).length,
});

function info(call: Call): Fields {
  const channel = channelOf(call);
  const count = flag(call.args, 'include_num_members') && memberCount(channel, call.workspace);
  return { channel: { ...channelObject(channel, call.workspace), ...count } };
}

function join(call: Call): Fields {
  const { at, workspace } = call;
  const channel = channelOf(call);
  mustNotBeDirect(channel);
  mustBeOpen(channel);
  const wasMember = workspace.channels.isMember(channel, BOT.id);
  addMember(workspace, channel, BOT.id, at);
  return {
    channel: channelObject(channel, workspace),
    ...(wasMember && { warning: 'already_in_channel', response_metadata: { warnings: ['already_in_channel'] } }),
  };
}

function describe(call: Call, what: 'topic' | 'purpose'): Fields {
  const { args, at, workspace } = call;
  const channel = channelOf(call);
  const value = text(args, what) ?? '';
  mustNotBeDirect(channel);
  mustBeOpen(channel);
  mustBeMember(channel, call);
  if (chars(value) > TOPIC_MAX_CHARS) throw new Refused('too_long');

  const described = workspace.channels.describe(channel, what, value, BOT.id, at);
  addSystemMessage(workspace, channel, BOT.id, `channel_${what}`, `set the channel ${what}: ${value}`, at);
  return { channel: channelObject(described, workspace) };
}

function archive(call: Call): Fields {
  const { at, workspace } = call;
  const channel = channelOf(call);
  mustNotBeDirect(channel);
  mustBeOpen(channel, 'already_archived');
  if (isGeneral(channel)) throw new Refused('cant_archive_general');
  mustBeMember(channel, call);

  addSystemMessage(workspace, channel, BOT.id, 'channel_archive', 'archived the channel', at);
  workspace.channels.setArchived(channel);
  return {};
}

/**
 * A bot can't unarchive a channel: Slack responds `not_in_channel`, even to the creator of the channel.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.unarchive (read 2026-11), "Bug alert"
 * @see https://github.com/slack-go/slack/issues/1066 (read 2026-11): the error code
 */
function unarchive(call: Call): Fields {
  throw new Refused(channelOf(call).archived ? 'not_in_channel' : 'not_archived');
}

function members(call: Call): Fields {
  const { args, workspace } = call;
  const channel = channelOf(call);
  const limit = pageSize(args, 100);
  const from = positionOf(text(args, 'cursor'), 'user') ?? 0;
  const all = workspace.channels.members(channel);
  const more = all.length > from + limit;
  return {
    members: all.slice(from, from + limit),
    response_metadata: { next_cursor: more ? cursorAt('user', from + limit) : '' },
  };
}
