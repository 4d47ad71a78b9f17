import { list } from '../../correlation/words.ts';
import type { Subscriber } from '../../../schemas/status/subscriber.ts';
import { eventPath, type PageSettings, pageUrl } from '../pages.ts';
import type { EventView } from '../view.ts';
import { clockOf, STATUS_WORDS } from '../words.ts';
import type { Update } from './deliveries.ts';
import { type LinkPurpose, linkText, subscriptionsPath } from './links.ts';
import type { Subscribers } from './ports.ts';
import { CONFIRM_SECONDS } from './subscription.ts';

/** A message to a subscriber: plain text, without markup. */
export type Message = { subject: string; text: string };

/** Addresses in messages. */
export type Addresses = {
  publicUrl: string;
  link(subscriber: Subscriber, purpose: LinkPurpose): string;
};

export const addresses = (publicUrl: string, subscribers: Pick<Subscribers, 'codeOf'>): Addresses => ({
  publicUrl,
  link: (subscriber, purpose) =>
    `${publicUrl}${subscriptionsPath({ name: subscriber.page })}/${purpose}/${linkText(subscriber.id, subscribers.codeOf(subscriber, purpose))}`,
});

/** Returns the names of the components that a subscriber has chosen, as text. */
export const choiceWords = ({ components }: Pick<Subscriber, 'components'>): string =>
  components === null ? 'all components' : list(components);

/** Returns the message that asks the owner of an address to confirm, or shows how to change what is confirmed. */
export function answerMessage(subscriber: Subscriber, page: PageSettings, { link }: Addresses): Message {
  if (subscriber.state === 'confirmed')
    return {
      subject: `[${page.title}] You are subscribed`,
      text: lines(
        `This address was entered to get updates of ${page.title}. It already gets them, about ${choiceWords(subscriber)}.`,
        `Change components or unsubscribe:\n${link(subscriber, 'manage')}`,
        'If this was not you, there is nothing to do: only you can change the subscription.',
      ),
    };
  return {
    subject: `[${page.title}] Confirm your subscription`,
    text: lines(
      `This address was entered to get updates of ${page.title}, about ${choiceWords(subscriber)}.`,
      `Open this page within ${CONFIRM_SECONDS / 3600} hours to confirm:\n${link(subscriber, 'confirm')}`,
      'If this was not you, there is nothing to do: without a confirmation, the address is deleted.',
    ),
  };
}

/** Returns the message about an update. */
export function updateMessage(
  subscriber: Subscriber,
  { page, event, update }: { page: PageSettings; event: EventView; update: Update },
  { publicUrl, link }: Addresses,
): Message {
  const status = STATUS_WORDS[update.status];
  const planned =
    event.kind === 'maintenance'
      ? `\nPlanned: ${clockOf(event.from, page.timeZone)} – ${clockOf(event.until, page.timeZone)}`
      : '';
  return {
    subject: `[${page.title}] ${status}: ${event.title}`,
    text: lines(
      update.text,
      `Status: ${status}\nComponents: ${event.components.join(', ')}${planned}\nTime: ${clockOf(update.at, page.timeZone)}`,
      `${pageUrl(page, publicUrl)}/${eventPath(event)}`,
      `You get this message because this address is subscribed to ${page.title}.\nChange components or unsubscribe:\n${link(subscriber, 'manage')}`,
    ),
  };
}

const lines = (...paragraphs: readonly string[]): string => `${paragraphs.join('\n\n')}\n`;
