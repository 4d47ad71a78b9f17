import { html } from 'hono/html';
import type { LinkPurpose } from '../../decisions/subscriptions/links.ts';
import { subscriptionsPath } from '../../decisions/subscriptions/links.ts';
import { choiceWords } from '../../decisions/subscriptions/messages.ts';
import type { Subscriber, SubscriptionChannel } from '../../schemas/subscriber.ts';
import type { Html } from '../../../../entrances/console/parts.ts';
import { documentOf, type Frame } from '../pages.ts';

/** Texts of the channels in the form. `wrong`: the error for an invalid address. */
export const CHANNEL_TEXTS: Readonly<Record<SubscriptionChannel, { name: string; address: string; wrong: string }>> = {
  email: { name: 'Email', address: 'an email address', wrong: 'Enter an email address, such as ada@example.com.' },
  slack: {
    name: 'Slack',
    address: 'the URL of an incoming webhook of Slack',
    wrong: 'Enter the URL of an incoming webhook of Slack: https://hooks.slack.com/services/…',
  },
  teams: {
    name: 'Microsoft Teams',
    address: 'the URL of a workflow of Teams that receives webhooks',
    wrong: 'Enter the URL of a workflow that starts when a Teams webhook request is received.',
  },
  webhook: {
    name: 'Webhook',
    address: 'an https URL that receives signed JSON',
    wrong: 'Enter an https URL with the port 443 and without a password.',
  },
};

type FormValues = {
  channel?: SubscriptionChannel;
  to?: string;
  components?: readonly string[];
  error?: string | undefined;
};

/** Renders the form to subscribe. Without a choice, all components are selected. */
export const formPage = (frame: Frame, { channel, to = '', components, error }: FormValues): Html =>
  subscriptionDocument(
    frame,
    `Subscribe to ${frame.page.title}`,
    html`${errorText(error)}
      <p>You get a message for each update of an incident or of planned maintenance.</p>
      <form method="post" action="${subscriptionsPath(frame.page)}">
        ${addressField(frame, { channel, to })} ${componentsField(frame, (name) => components?.includes(name) ?? true)}
        <button>Subscribe</button>
      </form>
      <p class="facts">
        The address is used for these messages only, and is deleted when you unsubscribe. A confirmation is needed:
        without it, the address is deleted after two days.
      </p>`,
  );

const BUTTONS: Readonly<Record<Exclude<LinkPurpose, 'manage'>, { title: string; button: string }>> = {
  confirm: { title: 'Confirm your subscription', button: 'Confirm' },
  unsubscribe: { title: 'Unsubscribe', button: 'Unsubscribe' },
};

/** Renders what a link does, with a button that does it. */
export const linkPage = (frame: Frame, purpose: Exclude<LinkPurpose, 'manage'>, subscriber: Subscriber): Html =>
  subscriptionDocument(
    frame,
    BUTTONS[purpose].title,
    html`<p>
        Updates of ${subscriber.page === frame.page.name ? frame.page.title : subscriber.page} for
        ${maskedAddress(subscriber)}, about ${choiceWords(subscriber)}.
      </p>
      <form method="post"><button>${BUTTONS[purpose].button}</button></form>`,
  );

/** Renders a subscription with its choices. */
export const managePage = (
  frame: Frame,
  subscriber: Subscriber,
  paths: { save: string; unsubscribe: string },
  { done, error, secret }: { done?: string; error?: string; secret?: string },
): Html =>
  subscriptionDocument(
    frame,
    'Your subscription',
    html`${done === undefined ? '' : html`<p role="status"><strong>${done}</strong></p>`} ${errorText(error)}
      <p>${maskedAddress(subscriber)} gets updates of ${frame.page.title}.</p>
      ${secret === undefined ? '' : html`<p>Messages are signed with the secret <code>${secret}</code> (Standard Webhooks).</p>`}
      <form method="post" action="${paths.save}">
        ${componentsField(frame, (name) => subscriber.components?.includes(name) ?? true)}
        <button>Save</button>
      </form>
      <form method="post" action="${paths.unsubscribe}"><button>Unsubscribe</button></form>`,
  );

/** Renders the answer for a link that is wrong, has expired, or belongs to a subscription that has ended. */
export const endedPage = (frame: Frame): Html =>
  subscriptionDocument(
    frame,
    'This link does not work any more',
    html`<p>It has expired, or the subscription has ended.</p>
      ${frame.links.subscribe === undefined ? '' : html`<p><a href="${frame.links.subscribe}">Subscribe again</a></p>`}`,
  );

export const messagePage = (frame: Frame, title: string, text: string): Html =>
  subscriptionDocument(frame, title, html`<p>${text}</p>`);

/** Shows enough of an address to recognize it, because links are sometimes forwarded. The path of a webhook is a secret. */
function maskedAddress({ channel, to }: Pick<Subscriber, 'channel' | 'to'>): string {
  if (channel !== 'email') return `${URL.parse(to)?.origin ?? ''}/•••`;
  const [local = '', ...domain] = to.split('@');
  return `${local.slice(0, 1)}•••@${domain.join('@')}`;
}

/** Shows a choice of channels only if there is one. */
function addressField(
  { page: { subscriptions } }: Frame,
  { channel, to }: { channel: SubscriptionChannel | undefined; to: string },
): Html {
  if (subscriptions.length === 1 && subscriptions[0] === 'email')
    return html`<label class="field"
      >Email address
      <input type="email" name="address" value="${to}" maxlength="254" autocomplete="email" required />
    </label>`;
  return html`<fieldset>
      <legend>How</legend>
      ${subscriptions.map(
        (option) =>
          html`<label
            ><input
              type="radio"
              name="channel"
              value="${option}"
              ${(channel ?? subscriptions[0]) === option ? 'checked' : ''}
            />
            ${CHANNEL_TEXTS[option].name}: ${CHANNEL_TEXTS[option].address}</label
          >`,
      )}
    </fieldset>
    <label class="field"
      >Address
      <input type="text" name="address" value="${to}" maxlength="2000" required />
    </label>`;
}

const errorText = (error: string | undefined): Html | string =>
  error === undefined ? '' : html`<p class="error" role="alert">${error}</p>`;

const componentsField = ({ page }: Frame, isChosen: (name: string) => boolean): Html =>
  html`<fieldset>
    <legend>Components</legend>
    ${page.components.map(
      ({ name }) =>
        html`<label
          ><input type="checkbox" name="component" value="${name}" ${isChosen(name) ? 'checked' : ''} /> ${name}</label
        >`,
    )}
  </fieldset>`;

const subscriptionDocument = ({ page, links }: Frame, title: string, content: Html): Html =>
  documentOf(
    { page, links },
    { title, heading: html`<p><a href="${links.home}">${page.title}</a></p>` },
    html`<section aria-labelledby="title">
      <h1 id="title">${title}</h1>
      ${content}
    </section>`,
  );
