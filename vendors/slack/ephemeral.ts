import * as z from 'zod';
import type { ChatMessage } from '../../core/domain/messages/chat-message.ts';
import type { EphemeralMessages, ReplyTo } from '../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { type Attempt, attempts, type SlackOptions } from './attempt.ts';
import { responseUrlFault, respondByUrl } from './response-url.ts';
import { bodyOf } from './blocks.ts';
import { INTERACTIVE_TIMEOUT_MS } from './limits.ts';

/** Creates a client for responses to single users. It needs the scope chat:write. */
export function slackEphemeralMessages(options: SlackOptions): EphemeralMessages {
  const attempt = attempts({ timeoutMs: INTERACTIVE_TIMEOUT_MS, ...options });
  return {
    async send(replyTo, message, isPublic = false) {
      const byUrl = await sendByUrl(options, replyTo, message, isPublic);
      if (byUrl?.kind === 'done') return byUrl;
      // A response URL is valid for 30 minutes and five responses; after that, send an ephemeral message to the
      // channel.
      const inChannel =
        replyTo.channel === null ? undefined : await postEphemeral(attempt, replyTo.user, replyTo.channel, message);
      if (inChannel !== undefined && inChannel.kind !== 'refused') return inChannel;
      return sendDirect(attempt, replyTo.user, message);
    },
    write: (user, message) => sendDirect(attempt, user, message),
  };
}

async function sendByUrl(
  { apiUrl }: SlackOptions,
  { responseUrl }: ReplyTo,
  message: ChatMessage,
  isPublic: boolean,
): Promise<VendorResponse<null> | undefined> {
  if (responseUrl === null || responseUrlFault(responseUrl, await apiUrl()) !== undefined) return undefined;
  return respondByUrl(responseUrl, message, isPublic);
}

const LITERAL_TEXT = { parse: 'none', link_names: false };

const postEphemeral = (
  attempt: Attempt,
  user: string,
  channel: string,
  message: ChatMessage,
): Promise<VendorResponse<null>> =>
  attempt(async ({ callSlack }) => {
    await callSlack('chat.postEphemeral', { channel, user, ...bodyOf(message), ...LITERAL_TEXT }, z.unknown());
    return null;
  });

/** Sends a direct message. Slack opens the conversation when the channel is a user ID. */
const sendDirect = (attempt: Attempt, user: string, message: ChatMessage): Promise<VendorResponse<null>> =>
  attempt(async ({ callSlack }) => {
    const args = { channel: user, ...bodyOf(message), ...LITERAL_TEXT, unfurl_links: false, unfurl_media: false };
    await callSlack('chat.postMessage', args, z.unknown());
    return null;
  });
