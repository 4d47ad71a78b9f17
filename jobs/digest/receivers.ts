import { plainOf } from '../../domain/messages/plain-text.ts';
import { letterOf, type NotificationChannel } from '../../domain/messages/stakeholder-digest.ts';
import type { ChatMessage, Delivered, Mail, VendorResponse } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Stakeholder } from '../../schemas/people/stakeholders.ts';

/** A person or channel that gets status updates. */
export type Receiver = {
  /** The key in the store: `mailto:…` or `slack:…`. */
  name: string;
  way: NotificationChannel;
  /** An email address or a channel. */
  to: string;
};

export const receiversOf = ({ email = [], slack }: Pick<Stakeholder, 'email' | 'slack'>): Receiver[] => [
  ...email.map((address): Receiver => mailTo(address.toLowerCase())),
  ...(slack === undefined ? [] : [{ name: `slack:${slack}`, way: 'slack' as const, to: slack }]),
];

const mailTo = (to: string): Receiver => ({ name: `mailto:${to}`, way: 'mail', to });

const subjectOf = ({ summary }: ChatMessage): string => (typeof summary === 'string' ? summary : plainOf(summary));

/**
 * Makes one attempt to deliver a message. An exception counts as a temporary failure.
 *
 * @param key idempotency key of the message
 */
export async function deliver(
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
  { way: channel, to }: Receiver,
  message: ChatMessage,
  key: string,
): Promise<Delivered> {
  switch (channel) {
    case 'mail':
      return emails.send({ to, subject: subjectOf(message), text: letterOf(message), key });
    case 'slack':
      return deliveredBy(await chat.post(to, message, key));
  }
}

/** Slack errors that do not depend on the channel: our token, its scopes, or a wrong API address. */
const OURS =
  /^(invalid_auth|not_authed|account_inactive|token_\w+|\w+_scope|no_permission|not_allowed_token_type|\w*access_\w+|http_\d+|bad_\w+)$/;

function deliveredBy(told: VendorResponse<unknown>): Delivered {
  if (told.kind === 'later') return { ...told, kind: 'closed' };
  if (told.kind === 'refused' && OURS.test(told.code))
    return { kind: 'closed', detail: told.detail, afterSeconds: null };
  return told;
}
