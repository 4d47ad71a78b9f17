import * as z from 'zod';
import type { ChatMessage, Text } from '../../core/domain/messages/chat-message.ts';
import type { Chat } from '../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { isRefusal } from './failures.ts';
import { attempts, type Slack, type SlackOptions } from './attempt.ts';
import { bodyOf } from './blocks.ts';
import { setBookmarks } from './channels/bookmarks.ts';
import { findChannel, channelNamesWithPrefix } from './channels/channels.ts';
import type { Arguments } from './client.ts';
import { findPost, metadataOf } from './channels/history.ts';
import { inviteUsers } from './channels/invite.ts';
import { TOPIC_MAX_CHARS } from './limits.ts';
import { joiningIfNeeded } from './channels/join-channel.ts';
import { plainLine } from './mrkdwn.ts';

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
      attempt(async ({ callSlack }) => {
        const { channel } = await callSlack('conversations.create', { name, is_private: false }, Created);
        return { id: channel.id };
      }),
    findChannel: (name) => attempt(({ callSlack, me }) => findChannel(callSlack, me, name)),
    channelNames: (prefix) => attempt(({ callSlack }) => channelNamesWithPrefix(callSlack, prefix)),
    setTopic: (channel, topic) =>
      attemptWithoutResult(({ callSlack }) =>
        joiningIfNeeded(callSlack, channel)('conversations.setTopic', { channel, topic: topicText(topic) }, Ignored),
      ),
    setPurpose: (channel, purpose) =>
      attemptWithoutResult(({ callSlack }) =>
        joiningIfNeeded(callSlack, channel)(
          'conversations.setPurpose',
          { channel, purpose: topicText([purpose]) },
          Ignored,
        ),
      ),
    post: (channel, message, key) =>
      attempt(async ({ callSlack }) => {
        const args = { channel, ...content(message, key), unfurl_links: false, unfurl_media: false };
        const posted = await joiningIfNeeded(callSlack, channel)('chat.postMessage', args, Posted);
        return { channel: posted.channel ?? channel, id: posted.ts };
      }),
    findPost: (channel, key, since) =>
      attempt(async ({ callSlack, me }) =>
        findPost(joiningIfNeeded(callSlack, channel), await me(), channel, key, since),
      ),
    edit: (channel, id, message, key) =>
      attemptWithoutResult(({ callSlack }) =>
        joiningIfNeeded(callSlack, channel)('chat.update', { channel, ts: id, ...content(message, key) }, Ignored),
      ),
    pin: (channel, id) =>
      attemptWithoutResult(({ callSlack }) =>
        ignoreAlready(
          'already_pinned',
          joiningIfNeeded(callSlack, channel)('pins.add', { channel, timestamp: id }, Ignored),
        ),
      ),
    setBookmarks: (channel, links) =>
      attemptWithoutResult(({ callSlack, me }) =>
        setBookmarks(joiningIfNeeded(callSlack, channel), me, channel, links),
      ),
    invite: (channel, users) =>
      attempt(({ callSlack }) => inviteUsers(joiningIfNeeded(callSlack, channel), channel, users)),
    archive: (channel) =>
      attemptWithoutResult(({ callSlack }) =>
        ignoreAlready(
          'already_archived',
          joiningIfNeeded(callSlack, channel)('conversations.archive', { channel }, Ignored),
        ),
      ),
  };
}

const Created = z.object({ channel: z.object({ id: z.string() }) });
const Ignored = z.unknown();
/** A stand-in can omit the channel, which is then the requested one. */
const Posted = z.object({ channel: z.string().optional(), ts: z.string() });

const topicText = (text: Text): string => plainLine(text, TOPIC_MAX_CHARS);

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
