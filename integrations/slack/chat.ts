import { z } from 'zod';
import type { Chat, ChatMessage, Text, Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { millisOf, type Timestamp } from '../../schemas/time.ts';
import { CallFailed } from './answers.ts';
import { attachmentsOf } from './blocks.ts';
import { setBookmarks } from './bookmarks.ts';
import { findChannel, namesBeginning } from './channels.ts';
import { type Arguments, type Ask, slackClient } from './client.ts';
import { identities, type Me } from './identity.ts';
import { CLOCK_SKEW_SECONDS, MESSAGES_PER_PAGE, TOPIC_MAX_CHARS } from './limits.ts';
import { line } from './mrkdwn.ts';
import { paged, pages } from './pages.ts';

/** What an attempt works with. */
type Slack = { ask: Ask; me: () => Promise<Me> };

/**
 * Slack, through its Web API, as the app of a bot token. It needs the scopes bookmarks:read, bookmarks:write,
 * channels:history, channels:join, channels:manage, channels:read, chat:write and pins:write, and to post by name into
 * public channels that it is not in, chat:write.public.
 * @param options.apiUrl nothing is ever sent elsewhere
 * @param options.token asked for at each attempt, since it may be rotated
 */
export function slackChat(options: { apiUrl: string; token: () => Promise<string | undefined>; clock: Clock }): Chat {
  const identity = identities();
  const attempt = async <T>(work: (slack: Slack) => Promise<T>): Promise<Told<T>> => {
    const token = await options.token();
    if (!token) return { kind: 'off', detail: 'Slack is off: SLACK_BOT_TOKEN is not set' };
    if (!CAN_BE_A_TOKEN.test(token)) return NO_TOKEN;
    const ask = slackClient({ ...options, token });
    try {
      return { kind: 'done', value: await work({ ask, me: () => identity(token, ask) }) };
    } catch (error) {
      if (error instanceof CallFailed) return error.failure;
      throw error;
    }
  };
  /** For what has no value. */
  const effect = (work: (slack: Slack) => Promise<unknown>): Promise<Told<null>> =>
    attempt((slack) => work(slack).then(() => null));

  return {
    createChannel: (name) =>
      attempt(async ({ ask }) => {
        const { channel } = await ask('conversations.create', { name, is_private: false }, Created);
        return { id: channel.id };
      }),
    findChannel: (name) => attempt(({ ask, me }) => findChannel(ask, me, name)),
    channelNames: (prefix) => attempt(({ ask }) => namesBeginning(ask, prefix)),
    setTopic: (channel, topic) =>
      effect(({ ask }) => inside(ask, channel, 'conversations.setTopic', { channel, topic: short(topic) })),
    setPurpose: (channel, purpose) =>
      effect(({ ask }) => inside(ask, channel, 'conversations.setPurpose', { channel, purpose: short(purpose) })),
    post: (channel, message, key) =>
      attempt(async ({ ask }) => {
        const args = { channel, ...content(message, key), unfurl_links: false, unfurl_media: false };
        const posted = await inside(ask, channel, 'chat.postMessage', args, Posted);
        return { channel: posted.channel, id: posted.ts };
      }),
    findPost: (channel, key, since) => attempt((slack) => findPost(slack, channel, key, since)),
    edit: (channel, id, message, key) =>
      effect(({ ask }) => inside(ask, channel, 'chat.update', { channel, ts: id, ...content(message, key) })),
    pin: (channel, id) =>
      effect(({ ask }) => orAlready('already_pinned', inside(ask, channel, 'pins.add', { channel, timestamp: id }))),
    setBookmarks: (channel, links) =>
      effect(async ({ ask, me }) => setBookmarks(ask, await me(), channel, links)),
    archive: (channel) =>
      effect(({ ask }) => orAlready('already_archived', inside(ask, channel, 'conversations.archive', { channel }))),
  };
}

/** Anything else cannot be sent in a header; the error of the attempt would hold it. */
const CAN_BE_A_TOKEN = /^[\x21-\x7e]+$/;
const NO_TOKEN: Told<never> = {
  kind: 'refused',
  code: 'invalid_auth',
  detail: 'SLACK_BOT_TOKEN has blanks or other characters that no token has. See docs/errors.md#slack-token',
};

const Created = z.object({ channel: z.object({ id: z.string() }) });
const Posted = z.object({ channel: z.string(), ts: z.string() });

const short = (text: Text): string => line(text, TOPIC_MAX_CHARS);

const EVENT_TYPE = 'firebreak_message';

/** An edit that leaves `metadata` out keeps what was there; it is sent all the same, so that each message has it. */
const content = (message: ChatMessage, key: string): Arguments => ({
  attachments: attachmentsOf(message),
  metadata: { event_type: EVENT_TYPE, event_payload: { key } },
  parse: 'none',
  link_names: false,
});

/**
 * A call about what is in a channel. Where the app is not in it, it joins and calls once more: people put apps out of
 * channels, and into their team's channel nobody has asked it yet. Only by an id; a name cannot be joined.
 */
async function inside<S extends z.ZodType = z.ZodUnknown>(
  ask: Ask,
  channel: string,
  method: string,
  args: Arguments,
  answer?: S,
): Promise<z.output<S>> {
  try {
    return await ask(method, args, answer);
  } catch (error) {
    if (!isRefusal(error, 'not_in_channel') || channel.startsWith('#')) throw error;
    await ask('conversations.join', { channel }, z.unknown());
    return await ask(method, args, answer);
  }
}

/** What was asked for is so already. */
async function orAlready(code: string, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isRefusal(error, code)) throw error;
  });
}

const isRefusal = (error: unknown, code: string): boolean =>
  error instanceof CallFailed && error.failure.kind === 'refused' && error.failure.code === code;

const History = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      user: z.string().optional(),
      bot_id: z.string().optional(),
      metadata: z.object({ event_type: z.string(), event_payload: z.object({ key: z.unknown() }) }).optional().catch(undefined),
    }),
  ),
  ...paged,
});

/** Others can post metadata, too, so the message must be the app's own. */
async function findPost({ ask, me }: Slack, channel: string, key: string, since: Timestamp): Promise<{ id: string } | null> {
  const { user, bot } = await me();
  const oldest = (millisOf(since) / 1000 - CLOCK_SKEW_SECONDS).toFixed(6);
  const args = { channel, oldest, inclusive: true, include_all_metadata: true, limit: MESSAGES_PER_PAGE };
  const joined: Ask = (method, pageArgs, answer) => inside(ask, channel, method, pageArgs, answer);
  for await (const { messages } of pages(joined, 'conversations.history', args, History)) {
    const found = messages.find(
      ({ metadata, ...author }) =>
        metadata?.event_type === EVENT_TYPE &&
        metadata.event_payload.key === key &&
        (author.user === user || (bot !== null && author.bot_id === bot)),
    );
    if (found !== undefined) return { id: found.ts };
  }
  return null;
}
