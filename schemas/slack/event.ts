import * as z from 'zod';
import { SlackId } from './command.ts';

/** Text of a message; what was cut is in Slack. */
const MESSAGE_MAX_CHARS = 8000;

const Ts = z.string().regex(/^\d{1,12}\.\d{1,9}$/, 'a time of Slack looks like 1795157390.000200');

/** @see https://docs.slack.dev/reference/events/message */
const MessageEvent = z.object({
  type: z.literal('message'),
  subtype: z.string().max(64).nullish(),
  channel: SlackId,
  user: SlackId.nullish(),
  bot_id: SlackId.nullish(),
  text: z
    .string()
    .default('')
    .transform((text) => text.slice(0, MESSAGE_MAX_CHARS).toWellFormed()),
  ts: Ts,
  thread_ts: Ts.nullish(),
  channel_type: z.string().max(32).nullish(),
});

/** @see https://docs.slack.dev/reference/events/reaction_added */
const ReactionAdded = z.object({
  type: z.literal('reaction_added'),
  user: SlackId,
  /** As `pushpin`, without colons. */
  reaction: z.string().max(128),
  item_user: SlackId.nullish(),
  /** Files can be reacted to as well, and have no channel. */
  item: z.object({ type: z.string().max(32), channel: SlackId.nullish(), ts: Ts.nullish() }),
});

/** @see https://docs.slack.dev/reference/events/member_joined_channel */
const MemberJoined = z.object({ type: z.literal('member_joined_channel'), user: SlackId, channel: SlackId });

/** @see https://docs.slack.dev/reference/events/app_home_opened */
const HomeOpened = z.object({
  type: z.literal('app_home_opened'),
  user: SlackId,
  channel: SlackId.nullish(),
  tab: z.string().max(32).nullish(),
});

export const SlackEvent = z.discriminatedUnion('type', [MessageEvent, ReactionAdded, MemberJoined, HomeOpened]);
export type SlackEvent = z.infer<typeof SlackEvent>;

/** The event with what it came in. @see https://docs.slack.dev/apis/events-api */
export const EventCallback = z.object({
  type: z.literal('event_callback'),
  /** The same in each delivery of one event. */
  event_id: z.string().min(1).max(64),
  /** Unix seconds. */
  event_time: z.number(),
  team_id: SlackId,
  /** In whose name it was delivered: for a bot's token, the bot. */
  authorizations: z
    .array(z.object({ user_id: SlackId.nullish(), is_bot: z.boolean().nullish() }))
    .max(10)
    .default([]),
  event: SlackEvent,
});
export type EventCallback = z.infer<typeof EventCallback>;

/** Of whatever Slack posts to the address for events, the kind; of an event, its own kind, too. */
export const Envelope = z.object({
  type: z.string().max(64),
  challenge: z.string().max(1024).optional(),
  event_id: z.string().max(64).optional(),
  event: z.object({ type: z.string().max(128) }).optional(),
  /** Unix seconds, of `app_rate_limited`. */
  minute_rate_limited: z.number().optional(),
});

export const isEvent = (type: string): boolean => SlackEvent.options.some((option) => option.shape.type.value === type);
