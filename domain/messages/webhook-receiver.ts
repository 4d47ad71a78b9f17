import type { Webhook, WebhookEvent } from '../../schemas/incidents/response.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { VendorResponse } from './channels.ts';
import type { WebhookIncident } from './webhooks.ts';

/** A stored webhook message, so that every attempt sends the same content. `id`: deduplication key for the receiver. */
export type WebhookDelivery = { id: string; event: WebhookEvent; body: string };

/** Client for webhook receivers. */
export type WebhookReceivers = {
  /** Returns the receiver's name: its URL may contain a secret. */
  nameOf(webhook: Webhook): string;
  write(webhook: Webhook, id: string, event: WebhookEvent, at: Timestamp, incident: WebhookIncident): WebhookDelivery;
  /** Sends a message in one attempt. Repeats are safe: the receiver deduplicates by ID. */
  send(webhook: Webhook, delivery: WebhookDelivery): Promise<VendorResponse<null>>;
};
