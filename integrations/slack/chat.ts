import * as z from 'zod';
import type { Chat, ChatMessage, Text, VendorResponse } from '../../domain/messages/channels.ts';
import { isRefusal } from './answers.ts';
import { attempts, type Slack, type SlackOptions } from './attempt.ts';
import { bodyOf } from './blocks.ts';
import { setBookmarks } from './bookmarks.ts';
import { findChannel, namesBeginning } from './channels.ts';
import type { Arguments } from './client.ts';
import { findPost, metadataOf } from './history.ts';
import { letIn } from './invite.ts';
import { TOPIC_MAX_CHARS } from './limits.ts';
import { inside } from './membership.ts';
import { line } from './mrkdwn.ts';

/**
 * Creates a client for Slack's Web API that uses a bot token. It needs the scopes bookmarks:read, bookmarks:write,
 * channels:history, channels:join, channels:manage, channels:read, chat:write, and pins:write; and chat:write.public to
 * post by name to public channels that the app is not a member of.
 */
export function slackChat(options: SlackOptions): Chat {
  const attempt = attempts(options);
  /** Runs an attempt that returns no value. */
  const effect = (work: (slack: Slack) => Promise<unknown>): Promise<VendorResponse<null>> =>
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
      effect(({ ask }) => inside(ask, channel)('conversations.setTopic', { channel, topic: short(topic) }, Anything)),
    setPurpose: (channel, purpose) =>
      effect(({ ask }) =>
        inside(ask, channel)('conversations.setPurpose', { channel, purpose: short([purpose]) }, Anything),
      ),
    post: (channel, message, key) =>
      attempt(async ({ ask }) => {
        const args = { channel, ...content(message, key), unfurl_links: false, unfurl_media: false };
        const posted = await inside(ask, channel)('chat.postMessage', args, Posted);
        return { channel: posted.channel ?? channel, id: posted.ts };
      }),
    findPost: (channel, key, since) =>
      attempt(async ({ ask, me }) => findPost(inside(ask, channel), await me(), channel, key, since)),
    edit: (channel, id, message, key) =>
      effect(({ ask }) => inside(ask, channel)('chat.update', { channel, ts: id, ...content(message, key) }, Anything)),
    pin: (channel, id) =>
      effect(({ ask }) =>
        orAlready('already_pinned', inside(ask, channel)('pins.add', { channel, timestamp: id }, Anything)),
      ),
    setBookmarks: (channel, links) => effect(({ ask, me }) => setBookmarks(inside(ask, channel), me, channel, links)),
    invite: (channel, users) => attempt(({ ask }) => letIn(inside(ask, channel), channel, users)),
    archive: (channel) =>
      effect(({ ask }) =>
        orAlready('already_archived', inside(ask, channel)('conversations.archive', { channel }, Anything)),
      ),
  };
}

const Created = z.object({ channel: z.object({ id: z.string() }) });
const Anything = z.unknown();
/** A stand-in can omit the channel, which is then the requested one. */
const Posted = z.object({ channel: z.string().optional(), ts: z.string() });

const short = (text: Text): string => line(text, TOPIC_MAX_CHARS);

/**
 * Returns the content of a message. Always includes `metadata`: an edit without it keeps the previous one, but then a
 * message without metadata would never get any.
 */
const content = (message: ChatMessage, key: string): Arguments => ({
  ...bodyOf(message),
  metadata: metadataOf(key),
  parse: 'none',
  link_names: false,
});

/** Ignores the error that the state is already as requested. */
async function orAlready(code: string, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isRefusal(error, code)) throw error;
  });
}
