import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

/** How a subscriber gets updates of a status page. */
export const SubscriptionChannel = z.enum(['email']);
export type SubscriptionChannel = z.infer<typeof SubscriptionChannel>;

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
  /** Requests on one day (UTC). */
  requests_of: z.object({ day: z.string(), count: z.number() }),
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
