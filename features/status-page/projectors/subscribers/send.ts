import type { Delivered } from '../../../../core/domain/ports/mail.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { Subscriber, SubscriptionChannel } from '../../schemas/subscriber.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import type { Method } from '../../../../core/projectors/session.ts';
import { type Message, textOf } from '../../decisions/subscriptions/message.ts';
import type { SubscriberSync } from './sync.ts';

/** Number of senders for each channel: messages sent at the same time. */
export const CONCURRENT_SENDS = 4;

/** Limits of all messages together. Amazon SES permits 14 emails per second to a new account in production. */
const LIMITS = { email: { perSecond: 10, burst: 200 }, webhook: { perSecond: 20, burst: 40 } } as const;

/** Seconds until the next attempt on a channel that is not connected. */
const OFF_SECONDS = 600;

/**
 * Result for one address. `later`: this attempt failed, and a later one may succeed. `stopped`: this sender must stop, and
 * another session is scheduled.
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
 * @param sender number of the concurrent sender; a postponed call stops this sender only
 */
export async function send(
  sync: SubscriberSync,
  { subscriber, message, key, sender }: { subscriber: Subscriber; message: Message; key: string; sender: number },
): Promise<Outcome> {
  const { deps, session } = sync;
  const { channel } = subscriber;
  const response =
    channel === 'email'
      ? await session.attempt(methodOf('email', sender), () => sendEmail(sync, subscriber, message, key))
      : await session.attempt(methodOf('webhook', sender), () =>
          sendWebhook(sync, channel, { subscriber, message, key }),
        );
  if (response === undefined) return { kind: 'stopped' };
  switch (response.kind) {
    case 'done':
      return response.value;
    case 'off':
      session.log.warn('subscribers get no email, because no mail server is connected', { detail: response.detail });
      session.scheduleNext(plusSeconds(session.now(), Math.max(OFF_SECONDS / deps.timeScale, 1)));
      return { kind: 'stopped' };
    case 'refused':
    case 'later':
    case 'unclear':
      return { kind: 'stopped' };
  }
}

const methodOf = (kind: keyof typeof LIMITS, sender: number): Method => ({
  name: `${kind} ${sender}`,
  allowances: { [kind]: LIMITS[kind] },
});

async function sendEmail(
  { deps, addresses }: SubscriberSync,
  subscriber: Subscriber,
  message: Message,
  key: string,
): Promise<VendorResponse<Outcome>> {
  const delivered = await deps.emails.send({
    to: subscriber.to,
    subject: message.subject,
    text: textOf(message),
    key,
    ...(subscriber.state === 'confirmed' && { unsubscribe: addresses.link(subscriber, 'unsubscribe') }),
  });
  return outcomeOfEmail(delivered);
}

/** Each webhook is a system of its own: its failure does not slow down others. */
async function sendWebhook(
  { deps }: SubscriberSync,
  channel: Exclude<SubscriptionChannel, 'email'>,
  { subscriber, message, key }: { subscriber: Subscriber; message: Message; key: string },
): Promise<VendorResponse<Outcome>> {
  const secret = deps.subscribers.secretOf(subscriber);
  const response = await deps.subscriberWebhooks.send({ channel, url: subscriber.to, message, secret, key });
  switch (response.kind) {
    case 'done':
      return { kind: 'done', value: { kind: 'sent' } };
    case 'refused':
      return { kind: 'done', value: { kind: 'refused', detail: response.detail } };
    case 'later':
      return { kind: 'done', value: response };
    case 'unclear':
    case 'off':
      return { kind: 'done', value: { kind: 'later', detail: response.detail, afterSeconds: null } };
  }
}

/**
 * Separates what concerns one address from what concerns the mail server, which slows down all. An unclear outcome is
 * repeated with the same message ID.
 */
function outcomeOfEmail(delivered: Delivered): VendorResponse<Outcome> {
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
