import * as z from 'zod';
import type { Chat, ChatMessage, Text, VendorResponse } from '../../domain/messages/channels.ts';
import { isRefusal } from './answers.ts';
import { attempts, type Slack, type SlackOptions } from './attempt.ts';
import { bodyOf } from './blocks.ts';
import { setBookmarks } from './bookmarks.ts';
import { findChannel, channelNamesWithPrefix } from './channels.ts';
import type { Arguments } from './client.ts';
import { findPost, metadataOf } from './history.ts';
import { inviteUsers } from './invite.ts';
import { TOPIC_MAX_CHARS } from './limits.ts';
import { joiningIfNeeded } from './membership.ts';
import { line } from './mrkdwn.ts';

/**
 * Creates a client for Slack's Web API that uses a bot token. It needs the scopes bookmarks:read, bookmarks:write,
 * channels:history, channels:join, channels:manage, channels:read, chat:write, and pins:write; and chat:write.public to
 * post by name to public channels that the app is not a member of.
 */
export function slackChat(options: SlackOptions): Chat {
  const attempt = attempts(options);
  /** Runs an attempt that returns no value. */
  const attemptWithoutResult = (work: (slack: Slack) => Promise<unknown>): Promise<VendorResponse<null>> =>
    attempt((slack) => work(slack).then(() => null));

  return {
    createChannel: (name) =>
      attempt(async ({ ask }) => {
        const { channel } = await ask('conversations.create', { name, is_private: false }, Created);
        return { id: channel.id };
      }),
    findChannel: (name) => attempt(({ ask, me }) => findChannel(ask, me, name)),
    channelNames: (prefix) => attempt(({ ask }) => channelNamesWithPrefix(ask, prefix)),
    setTopic: (channel, topic) =>
      attemptWithoutResult(({ ask }) =>
        joiningIfNeeded(ask, channel)('conversations.setTopic', { channel, topic: short(topic) }, Anything),
      ),
    setPurpose: (channel, purpose) =>
      attemptWithoutResult(({ ask }) =>
        joiningIfNeeded(ask, channel)('conversations.setPurpose', { channel, purpose: short([purpose]) }, Anything),
      ),
    post: (channel, message, key) =>
      attempt(async ({ ask }) => {
        const args = { channel, ...content(message, key), unfurl_links: false, unfurl_media: false };
        const posted = await joiningIfNeeded(ask, channel)('chat.postMessage', args, Posted);
        return { channel: posted.channel ?? channel, id: posted.ts };
      }),
    findPost: (channel, key, since) =>
      attempt(async ({ ask, me }) => findPost(joiningIfNeeded(ask, channel), await me(), channel, key, since)),
    edit: (channel, id, message, key) =>
      attemptWithoutResult(({ ask }) =>
        joiningIfNeeded(ask, channel)('chat.update', { channel, ts: id, ...content(message, key) }, Anything),
      ),
    pin: (channel, id) =>
      attemptWithoutResult(({ ask }) =>
        ignoreAlready(
          'already_pinned',
          joiningIfNeeded(ask, channel)('pins.add', { channel, timestamp: id }, Anything),
        ),
      ),
    setBookmarks: (channel, links) =>
      attemptWithoutResult(({ ask, me }) => setBookmarks(joiningIfNeeded(ask, channel), me, channel, links)),
    invite: (channel, users) => attempt(({ ask }) => inviteUsers(joiningIfNeeded(ask, channel), channel, users)),
    archive: (channel) =>
      attemptWithoutResult(({ ask }) =>
        ignoreAlready(
          'already_archived',
          joiningIfNeeded(ask, channel)('conversations.archive', { channel }, Anything),
        ),
      ),
  };
}

const Created = z.object({ channel: z.object({ id: z.string() }) });
const Anything = z.unknown();
/** A stand-in can omit the channel, which is then the requested one. */
const Posted = z.object({ channel: z.string().optional(), ts: z.string() });

const short = (text: Text): string => line(text, TOPIC_MAX_CHARS);

/**
 * Returns the arguments for the content of a message. Edits include `metadata` too, so that a message that was posted
 * without metadata gets it.
 */
const content = (message: ChatMessage, key: string): Arguments => ({
  ...bodyOf(message),
  metadata: metadataOf(key),
  parse: 'none',
  link_names: false,
});

/** Ignores the error that the state is already as requested. */
async function ignoreAlready(code: string, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isRefusal(error, code)) throw error;
  });
}
