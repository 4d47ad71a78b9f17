import type { Delivered, Email, VendorResponse } from '../../domain/messages/channels.ts';
import type { Subscriber } from '../../schemas/status/subscriber.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Method } from '../sync/session.ts';
import type { Message } from '../../domain/status/subscriptions/messages.ts';
import type { Visit } from './visit.ts';

/** Messages that are on their way at the same time. */
export const LANES = 4;

/** Limit of all emails together. Amazon SES permits 14 per second to a new account in production. */
const EMAILS = { perSecond: 10, burst: 20 };

/** Seconds until the next look at a channel that is not connected. */
const OFF_SECONDS = 600;

/**
 * Result for one address. `later`: not now, but perhaps the next attempt. `stopped`: not now, nor for the others of this
 * lane; the session comes again.
 */
export type Outcome =
  | { kind: 'sent' }
  | { kind: 'refused'; detail: string }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'stopped' };

/**
 * Makes one attempt to send a message to a subscriber.
 *
 * @param key the same for each attempt
 */
export async function send(
  { deps, session, addresses }: Visit,
  { subscriber, message, key, lane }: { subscriber: Subscriber; message: Message; key: string; lane: number },
): Promise<Outcome> {
  const method: Method = { name: `email ${lane}`, allowances: { email: EMAILS } };
  const email: Email = {
    ...message,
    to: subscriber.to,
    key,
    ...(subscriber.state === 'confirmed' && { unsubscribe: addresses.link(subscriber, 'unsubscribe') }),
  };
  const answer = await session.attempt(method, async () => ofServer(await deps.emails.send(email)));
  if (answer === undefined) return { kind: 'stopped' };
  switch (answer.kind) {
    case 'done':
      return answer.value;
    case 'off':
      session.log.warn('subscribers get no email, because no mail server is connected', { detail: answer.detail });
      session.scheduleNext(plusSeconds(session.now(), Math.max(OFF_SECONDS / deps.timeScale, 1)));
      return { kind: 'stopped' };
    case 'refused':
    case 'later':
    case 'unclear':
      return { kind: 'stopped' };
  }
}

/**
 * Separates what concerns one address from what concerns the mail server, which slows down all. An unclear outcome is
 * repeated with the same message ID.
 */
function ofServer(delivered: Delivered): VendorResponse<Outcome> {
  switch (delivered.kind) {
    case 'done':
      return { kind: 'done', value: { kind: 'sent' } };
    case 'refused':
      return { kind: 'done', value: { kind: 'refused', detail: delivered.detail } };
    case 'later':
      return { kind: 'done', value: delivered };
    case 'closed':
      return { kind: 'later', detail: delivered.detail, afterSeconds: delivered.afterSeconds };
    case 'unclear':
      return { kind: 'later', detail: delivered.detail, afterSeconds: null };
    case 'off':
      return delivered;
  }
}
