import { emailHtmlOf } from '../../domain/messages/email-html.ts';
import { plainOf } from '../../domain/messages/plain-text.ts';
import { emailTextOf, type NotificationChannel } from '../../domain/messages/notifications.ts';
import type { ChatMessage } from '../../domain/messages/chat-message.ts';
import type { Delivered, Mail } from '../../domain/ports/mail.ts';
import type { VendorResponse } from '../../domain/ports/vendor-response.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { WeeklyShadowReport } from '../../../schemas/people/weekly-report.ts';

/** A person or channel that gets status updates. */
export type Receiver = {
  /** The key in the table: `mailto:…` or `slack:…`. */
  name: string;
  channel: NotificationChannel;
  /** An email address or a channel. */
  to: string;
};

export const receiversOf = ({ email = [], slack }: Pick<WeeklyShadowReport, 'email' | 'slack'>): Receiver[] => [
  ...email.map((address): Receiver => emailReceiver(address.toLowerCase())),
  ...(slack === undefined ? [] : [{ name: `slack:${slack}`, channel: 'slack' as const, to: slack }]),
];

const emailReceiver = (to: string): Receiver => ({ name: `mailto:${to}`, channel: 'mail', to });

const subjectOf = ({ summary }: ChatMessage): string => (typeof summary === 'string' ? summary : plainOf(summary));

/**
 * Makes one attempt to deliver a message. An exception counts as a temporary failure.
 *
 * @param key idempotency key of the message
 */
export async function deliverTo(
  deps: Pick<Deps, 'chat'> & { emails: Mail },
  receiver: Receiver,
  message: ChatMessage,
  key: string,
): Promise<Delivered> {
  try {
    return await attempt(deps, receiver, message, key);
  } catch (error) {
    return { kind: 'later', detail: String(error), afterSeconds: null };
  }
}

async function attempt(
  { chat, emails }: Pick<Deps, 'chat'> & { emails: Mail },
  { channel, to }: Receiver,
  message: ChatMessage,
  key: string,
): Promise<Delivered> {
  switch (channel) {
    case 'mail':
      return emails.send({
        to,
        subject: subjectOf(message),
        text: emailTextOf(message),
        html: emailHtmlOf(message),
        key,
      });
    case 'slack':
      return slackResult(await chat.post(to, message, key));
  }
}

/** Slack errors that affect all channels: Firebreak's token, its scopes, or a wrong API address. */
const CONNECTION_ERRORS =
  /^(invalid_auth|not_authed|account_inactive|token_\w+|\w+_scope|no_permission|not_allowed_token_type|\w{0,40}access_\w+|http_\d+|bad_\w+)$/;

/** Converts Slack's response. `closed`: Slack accepts no messages now, so the other channels need not be tried. */
function slackResult(response: VendorResponse<unknown>): Delivered {
  if (response.kind === 'later') return { ...response, kind: 'closed' };
  if (response.kind === 'refused' && CONNECTION_ERRORS.test(response.code))
    return { kind: 'closed', detail: response.detail, afterSeconds: null };
  return response;
}
