import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';

/** How a subscriber gets updates of a status page. */
export const SubscriptionChannel = z.enum(['email', 'slack', 'teams', 'webhook']);
export type SubscriptionChannel = z.infer<typeof SubscriptionChannel>;

/** Longest address of a mailbox (RFC 5321, with the erratum 1690). */
const EMAIL_MAX_CHARS = 254;
const URL_MAX_CHARS = 2000;

/** An address without credentials, at the usual port: others are more often a probe than a receiver. */
const webhookUrl = (isHost: (host: string) => boolean, path = /^\//) =>
  z
    .string()
    .max(URL_MAX_CHARS)
    .transform((text, context) => {
      const url = URL.parse(text);
      const isValid =
        url?.protocol === 'https:' &&
        url.port === '' &&
        url.username === '' &&
        url.password === '' &&
        isHost(url.hostname) &&
        path.test(url.pathname);
      if (isValid) {
        // Not sent, so it would only make one receiver look like several.
        url.hash = '';
        return url.href;
      }
      context.addIssue({ code: 'custom', message: 'not an address of this channel' });
      return z.NEVER;
    });

/** The form of an address, by channel. */
export const SUBSCRIBER_ADDRESSES: Readonly<Record<SubscriptionChannel, z.ZodType<string>>> = {
  email: z.email().max(EMAIL_MAX_CHARS),
  slack: webhookUrl((host) => host === 'hooks.slack.com' || host === 'hooks.slack-gov.com', /^\/services\/./),
  // Addresses of the trigger "When a Teams webhook request is received" of Power Automate.
  teams: webhookUrl((host) => host.endsWith('.logic.azure.com') || host.endsWith('.api.powerplatform.com')),
  webhook: webhookUrl(() => true),
};

/** A subscription to a status page, confirmed or not. */
export const Subscriber = z.object({
  /** Follows from page, channel, and address, so that a repeated request is the same subscription. */
  id: z.string(),
  page: z.string(),
  channel: SubscriptionChannel,
  /** The address that updates are sent to. */
  to: z.string(),
  /** Names of components. Null: all of the page, including later ones. */
  components: z.array(z.string()).nullable(),
  /** `pending`: not confirmed yet. `suspended`: the address refused several updates in a row. */
  state: z.enum(['pending', 'confirmed', 'suspended']),
  /** Secret with which its links are signed. */
  key: z.string(),
  created_at: Timestamp,
  confirmed_at: Timestamp.nullable(),
  /** Requests through the form, and how many of them were answered with a message. */
  requested: z.number(),
  requested_at: Timestamp,
  answered: z.number(),
  /** Updates that the address refused in a row. */
  refusals: z.number(),
  /** When it is deleted. Null: when the subscriber says so. */
  delete_at: Timestamp.nullable(),
  /** Number of modifications. */
  rev: z.number(),
});
export type Subscriber = z.infer<typeof Subscriber>;

/** The updates of an incident or a maintenance that a subscriber has been sent. */
export const Delivery = z.object({
  /** How many, in order. Updates that are too old to send count too. */
  done: z.number(),
  /** Failed attempts at the next one. */
  tries: z.number(),
  /** When the next attempt is due. Null: now. */
  again_at: Timestamp.nullable(),
});
export type Delivery = z.infer<typeof Delivery>;
