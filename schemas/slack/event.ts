import * as z from 'zod';
import { cutText } from '../parsing/text.ts';
import { SlackId } from './command.ts';

/** Maximum length of a message text. Longer texts are truncated. */
const MESSAGE_MAX_CHARS = 8000;

const Ts = z.string().regex(/^\d{1,12}\.\d{1,9}$/, 'a Slack timestamp has the format 1795157390.000200');

/** @see https://docs.slack.dev/reference/events/message */
const MessageEvent = z.object({
  type: z.literal('message'),
  subtype: z.string().max(64).nullish(),
  channel: SlackId,
  user: SlackId.nullish(),
  bot_id: SlackId.nullish(),
  text: cutText(MESSAGE_MAX_CHARS).default(''),
  ts: Ts,
  thread_ts: Ts.nullish(),
  channel_type: z.string().max(32).nullish(),
});

/** @see https://docs.slack.dev/reference/events/reaction_added */
const ReactionAdded = z.object({
  type: z.literal('reaction_added'),
  user: SlackId,
  /** Name without colons, such as `pushpin`. */
  reaction: z.string().max(128),
  item_user: SlackId.nullish(),
  /** A message, or a file, which has no channel. */
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

/** Envelope of an event. @see https://docs.slack.dev/apis/events-api */
export const EventCallback = z.object({
  type: z.literal('event_callback'),
  /** Equal in all deliveries of one event. */
  event_id: z.string().min(1).max(64),
  /** Unix seconds. */
  event_time: z.number(),
  team_id: SlackId,
  /** Installations for which the event was delivered; for a bot token, the bot. */
  authorizations: z
    .array(z.object({ user_id: SlackId.nullish(), is_bot: z.boolean().nullish() }))
    .max(10)
    .default([]),
  event: SlackEvent,
});
export type EventCallback = z.infer<typeof EventCallback>;

/** Type of any request to the events URL, and type of the event, if it is one. */
export const Envelope = z.object({
  type: z.string().max(64),
  challenge: z.string().max(1024).optional(),
  event_id: z.string().max(64).optional(),
  event: z.object({ type: z.string().max(128) }).optional(),
  /** Start of the limited minute in Unix seconds, for `app_rate_limited`. */
  minute_rate_limited: z.number().optional(),
});

export const isEvent = (type: string): boolean => SlackEvent.options.some((option) => option.shape.type.value === type);
