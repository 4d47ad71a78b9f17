import type { Tickets } from '../../core/domain/ports/tickets.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { postWebhook } from './post.ts';

/** Milliseconds for one attempt. */
const ATTEMPT_TIMEOUT_MS = 10_000;

type Options = {
  url: string;
  /** The name of the signing secret; null if the receiver doesn't verify signatures. */
  signature: string | null;
  secrets: Secrets;
  clock: Clock;
};

/**
 * Creates a ticket client that calls a webhook of the team in the Standard Webhooks format. A webhook can't be searched
 * for existing tickets. Instead, `webhook-id` is the key, the same for every repeat, and the receiver must deduplicate
 * by it.
 */
export function webhookTickets(options: Options): Tickets {
  const webhook = { ...options, receiver: 'the ticket webhook', timeoutMs: ATTEMPT_TIMEOUT_MS };
  const send = (type: string, id: string, data: object) =>
    postWebhook(webhook, id, { type, timestamp: options.clock.now(), data });
  return {
    find: async () => ({ kind: 'done', value: null }),
    async open({ key, ...ticket }) {
      const response = await send('ticket.opened', key, { key, ...ticket });
      return response.kind === 'done' ? { kind: 'done', value: { id: key, url: null } } : response;
    },
    comment: (id, text, key) => send('ticket.commented', key, { ticket: id, key, text }),
  };
}
