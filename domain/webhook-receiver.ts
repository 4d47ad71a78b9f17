import type { Webhook, WebhookEvent } from '../schemas/response.ts';
import type { Timestamp } from '../schemas/time.ts';
import type { Told } from './outlets.ts';
import type { IncidentTold } from './webhooks.ts';

/** What was written down to be sent, so that every attempt sends the same. `id`: by which a receiver knows it again. */
export type Letter = { id: string; event: WebhookEvent; body: string };

/** Receivers of webhooks outside. */
export type WebhookReceivers = {
  /** By which it is known: an address may hold a secret. */
  nameOf(webhook: Webhook): string;
  write(webhook: Webhook, id: string, event: WebhookEvent, at: Timestamp, incident: IncidentTold): Letter;
  /** One attempt. Again is safe: whoever takes it twice knows it by its id. */
  send(webhook: Webhook, letter: Letter): Promise<Told<null>>;
};
