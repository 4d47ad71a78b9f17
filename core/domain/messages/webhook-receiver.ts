import type { IncidentEvent, Webhook } from '../../../schemas/incidents/response.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { VendorResponse } from '../ports/vendor-response.ts';
import type { WebhookIncident, WebhookPostmortem } from './webhooks.ts';

/** A webhook message. Every attempt sends the same content. `id`: deduplication key for the receiver. */
export type WebhookDelivery = { id: string; body: string };

/** A stored message about an incident. */
export type IncidentDelivery = WebhookDelivery & { event: IncidentEvent };

/** Client for webhook receivers. */
export type WebhookReceivers = {
  /** Returns the receiver's name: its URL may contain a secret. */
  nameOf(webhook: Webhook): string;
  write(webhook: Webhook, id: string, event: IncidentEvent, at: Timestamp, incident: WebhookIncident): IncidentDelivery;
  /** Returns the message about a version of a post-mortem: the same at every call. */
  writePostmortem(webhook: Webhook, id: string, postmortem: WebhookPostmortem): WebhookDelivery;
  /** Sends a message in one attempt. Repeats are safe: the receiver deduplicates by ID. */
  send(webhook: Webhook, delivery: WebhookDelivery): Promise<VendorResponse<null>>;
};
