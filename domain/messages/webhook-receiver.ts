import type { Webhook, WebhookEvent } from '../../schemas/incidents/response.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Told } from './channels.ts';
import type { IncidentTold } from './webhooks.ts';

/** A stored webhook message, so that every attempt sends the same content. `id`: deduplication key for the receiver. */
export type Letter = { id: string; event: WebhookEvent; body: string };

/** Client for webhook receivers. */
export type WebhookReceivers = {
  /** Returns the receiver's name: its URL may contain a secret. */
  nameOf(webhook: Webhook): string;
  write(webhook: Webhook, id: string, event: WebhookEvent, at: Timestamp, incident: IncidentTold): Letter;
  /** Sends a message in one attempt. Repeats are safe: the receiver deduplicates by ID. */
  send(webhook: Webhook, letter: Letter): Promise<Told<null>>;
};
