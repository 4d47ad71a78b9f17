import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { problem } from '../../core/problem.ts';
import { idOf, isDirect, type Channel } from '../channels.ts';
import type { Delivery } from '../delivery/deliveries.ts';
import { type Person, TEAM } from '../directory.ts';
import { escapeTyped } from '../blocks/escape.ts';
import { requireOpenChannel, messageNotFound, Ts, WorkspaceUser } from '../lookups.ts';
import { POST_TEXT_MAX_CHARS } from '../delivery/limits.ts';
import type { SlackEvent, ProductRequests } from '../delivery/product-requests.ts';
import { tsText } from '../ts.ts';
import { addMember, addMessage, type Workspace } from '../workspace.ts';

export const NewMessage = z.strictObject({
  user: WorkspaceUser,
  text: z.string().min(1).max(POST_TEXT_MAX_CHARS),
  /** The `ts` of the message to reply to. */
  thread_ts: Ts.optional(),
});

export const NewMember = z.strictObject({ user: WorkspaceUser });

export const NewReaction = z.strictObject({
  user: WorkspaceUser,
  ts: Ts,
  /** The name of an emoji, such as `pushpin`. */
  name: z.string().regex(/^[a-z0-9_+'-]+$/),
});

type ChannelContext = {
  workspace: Workspace;
  channel: Channel;
  productRequests: ProductRequests;
  /** When the person acts, in milliseconds since the Unix epoch. */
  at: number;
};

export type ChannelAction = {
  /** The `ts` of the message that was posted or got the reaction; the time at which a person joined. */
  ts: string;
  /** The events to send to the app. Undefined: the app does not receive the event. */
  recordedEvents: (Delivery | undefined)[];
};

/** Formats a time in milliseconds like the `ts` of a message. */
const tsAt = (at: number): string => tsText(Math.floor(at) * 1000);

/**
 * Posts a message of a person, who first joins the channel if needed.
 *
 * @see https://docs.slack.dev/reference/events/message (read 2026-11)
 */
export function postMessage(
  { user: person, text: typed, thread_ts: thread }: z.infer<typeof NewMessage>,
  context: ChannelContext,
): ChannelAction {
  const { workspace, channel, productRequests, at } = context;
  requireOpenChannel(channel);
  const parent = thread === undefined ? undefined : workspace.messages.get(channel.seq, thread);
  if (thread !== undefined && !parent) throw messageNotFound(channel, tsText(thread));
  const { recordedEvents } = join({ user: person }, context);
  const text = escapeTyped(typed, workspace, 'message');
  const threadTs = parent ? (parent.thread_ts ?? parent.ts) : null;
  const message = { user: person.id, subtype: null, thread_ts: threadTs, content: { text } };
  const ts = tsText(addMessage(workspace, channel, message, at).ts);
  const event = {
    type: 'message',
    subscription: 'message.channels' as const,
    channel: idOf(channel),
    user: person.id,
    text,
    ts,
    ...(threadTs !== null && { thread_ts: tsText(threadTs) }),
    event_ts: ts,
    channel_type: 'channel',
    client_msg_id: randomUUID(),
    team: TEAM.id,
  };
  // The app is not subscribed to `message.im`, so it gets no events for direct messages.
  if (isDirect(channel)) return { ts, recordedEvents };
  return { ts, recordedEvents: [...recordedEvents, productRequests.recordEvent(event, person, channel, workspace)] };
}

/** @see https://docs.slack.dev/reference/events/member_joined_channel (read 2026-11) */
export function join(
  { user: person }: z.infer<typeof NewMember>,
  { workspace, channel, productRequests, at }: ChannelContext,
): ChannelAction {
  requireOpenChannel(channel);
  const ts = tsAt(at);
  if (workspace.channels.isMember(channel, person.id)) return { ts, recordedEvents: [] };
  if (isDirect(channel)) throw problem(422, `${person.name} is not in this direct message`);
  addMember(workspace, channel, person.id, at);
  return {
    ts,
    recordedEvents: [productRequests.recordEvent(memberJoinedEvent(person, channel, at), person, channel, workspace)],
  };
}

/** @param inviter the person who added them; absent if they joined themselves */
export function memberJoinedEvent(person: Person, channel: Channel, at: number, inviter?: string): SlackEvent {
  const subscription = 'member_joined_channel' as const;
  return {
    type: subscription,
    subscription,
    user: person.id,
    channel: idOf(channel),
    channel_type: 'C',
    team: TEAM.id,
    ...(inviter !== undefined && { inviter }),
    event_ts: tsAt(at),
  };
}

/** @see https://docs.slack.dev/reference/events/reaction_added (read 2026-11) */
export function react({ user: person, ts, name }: z.infer<typeof NewReaction>, context: ChannelContext): ChannelAction {
  const { workspace, channel, productRequests, at } = context;
  requireOpenChannel(channel);
  const message = workspace.messages.get(channel.seq, ts);
  if (!message) throw messageNotFound(channel, tsText(ts));
  const { recordedEvents } = join({ user: person }, context);
  if (!workspace.marks.react(channel.seq, ts, { name, user: person.id })) {
    throw problem(422, `${person.name} has already added this reaction`);
  }
  const event = {
    type: 'reaction_added',
    subscription: 'reaction_added' as const,
    user: person.id,
    reaction: name,
    item_user: message.user,
    item: { type: 'message', channel: idOf(channel), ts: tsText(ts) },
    event_ts: tsAt(at),
  };
  return {
    ts: tsText(ts),
    recordedEvents: [...recordedEvents, productRequests.recordEvent(event, person, channel, workspace)],
  };
}
