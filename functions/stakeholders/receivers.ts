import { plainOf } from '../../domain/plain-text.ts';
import { letterOf, type TellingWay } from '../../domain/digest.ts';
import type { ChatMessage, Delivered, Mail, Told } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Stakeholder } from '../../schemas/stakeholders.ts';

/** Somebody, or a channel, that is told how it goes. */
export type Receiver = {
  /** By which it is remembered: `mailto:…`, `slack:…`. */
  name: string;
  way: TellingWay;
  /** An address, or a channel. */
  to: string;
};

export const receiversOf = ({ email = [], slack }: Pick<Stakeholder, 'email' | 'slack'>): Receiver[] => [
  ...email.map((address): Receiver => mailTo(address.toLowerCase())),
  ...(slack === undefined ? [] : [{ name: `slack:${slack}`, way: 'slack' as const, to: slack }]),
];

const mailTo = (to: string): Receiver => ({ name: `mailto:${to}`, way: 'mail', to });

const subjectOf = ({ summary }: ChatMessage): string => (typeof summary === 'string' ? summary : plainOf(summary));

/** Makes one attempt. An error counts as not delivered for now. @param key the same for the same message */
export async function deliver(
  deps: Pick<Deps, 'chat'> & { letters: Mail },
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
  { chat, letters }: Pick<Deps, 'chat'> & { letters: Mail },
  { way, to }: Receiver,
  message: ChatMessage,
  key: string,
): Promise<Delivered> {
  switch (way) {
    case 'mail':
      return letters.send({ to, subject: subjectOf(message), text: letterOf(message), key });
    case 'slack':
      return deliveredBy(await chat.post(to, message, key));
  }
}

/** What Slack refuses whatever channel it is for: our token, what it may do, or an address that is not Slack's. */
const OURS =
  /^(invalid_auth|not_authed|account_inactive|token_\w+|\w+_scope|no_permission|not_allowed_token_type|\w*access_\w+|http_\d+|bad_\w+)$/;

function deliveredBy(told: Told<unknown>): Delivered {
  if (told.kind === 'later') return { ...told, kind: 'closed' };
  if (told.kind === 'refused' && OURS.test(told.code))
    return { kind: 'closed', detail: told.detail, afterSeconds: null };
  return told;
}
