import { list } from '../../../../core/domain/correlation/words.ts';
import type { Subscriber } from '../../schemas/subscriber.ts';
import { eventPath, type PageSettings, pageUrl } from '../pages.ts';
import type { EventView } from '../view.ts';
import { clockOf, STATUS_WORDS } from '../words.ts';
import type { Update } from './deliveries.ts';
import { type LinkPurpose, linkText, subscriptionsPath } from './links.ts';
import type { Message } from './message.ts';
import type { Subscribers } from '../../types.ts';
import { CONFIRM_SECONDS } from './subscription.ts';

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
export function answerMessage(subscriber: Subscriber, page: PageSettings, { link, publicUrl }: Addresses): Message {
  const isConfirmed = subscriber.state === 'confirmed';
  const url = link(subscriber, isConfirmed ? 'manage' : 'confirm');
  const about = { page: pageData(page, publicUrl), components: subscriber.components };
  const data = (type: string, more: object) => ({
    type,
    timestamp: subscriber.requested_at,
    data: { ...about, ...more },
  });
  if (isConfirmed)
    return {
      subject: `[${page.title}] You are subscribed`,
      parts: [
        `This address was entered to get updates of ${page.title}. It already gets them, about ${choiceWords(subscriber)}.`,
        { words: 'Change components or unsubscribe:', title: 'Manage subscription', url },
        'If this was not you, there is nothing to do: only you can change the subscription.',
      ],
      data: data('subscription.requested', { manage_url: url }),
    };
  return {
    subject: `[${page.title}] Confirm your subscription`,
    parts: [
      `This address was entered to get updates of ${page.title}, about ${choiceWords(subscriber)}.`,
      { words: `Open this page within ${CONFIRM_SECONDS / 3600} hours to confirm:`, title: 'Confirm', url },
      'If this was not you, there is nothing to do: without a confirmation, the address is deleted.',
    ],
    data: data('subscription.confirmation', { confirm_url: url }),
  };
}

/** Returns the message about an update. */
export function updateMessage(
  subscriber: Subscriber,
  { page, event, update }: { page: PageSettings; event: EventView; update: Update },
  { publicUrl, link }: Addresses,
): Message {
  const status = STATUS_WORDS[update.status];
  const url = `${pageUrl(page, publicUrl)}/${eventPath(event)}`;
  const manage = link(subscriber, 'manage');
  const planned =
    event.kind === 'maintenance'
      ? `\nPlanned: ${clockOf(event.from, page.timeZone)} – ${clockOf(event.until, page.timeZone)}`
      : '';
  return {
    subject: `[${page.title}] ${status}: ${event.title}`,
    parts: [
      update.text,
      `Status: ${status}\nComponents: ${event.components.join(', ')}${planned}\nTime: ${clockOf(update.at, page.timeZone)}`,
      { words: '', title: 'Show on the status page', url },
      {
        words: `You get this message because this address is subscribed to ${page.title}.\nChange components or unsubscribe:`,
        title: 'Manage subscription',
        url: manage,
      },
    ],
    data: {
      type: `${event.kind}.${update.status}`,
      timestamp: update.at,
      data: {
        page: pageData(page, publicUrl),
        id: event.id,
        title: event.title,
        components: event.components,
        status: update.status,
        text: update.text,
        ...(event.kind === 'maintenance' && { from: event.from, until: event.until }),
        url,
        manage_url: manage,
      },
    },
  };
}

const pageData = (page: PageSettings, publicUrl: string): object => ({
  name: page.name,
  title: page.title,
  url: pageUrl(page, publicUrl),
});
