import * as z from 'zod';
import type { Tickets, VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { retryAfterSeconds } from '../shared/http.ts';
import { request } from '../shared/request.ts';
import { signedHeaders } from './standard-webhooks.ts';

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
  const send = async (type: string, id: string, data: object): Promise<VendorResponse<null>> => {
    const at = options.clock.now();
    const secret = options.signature === null ? null : await options.secrets.get(options.signature);
    if (secret === undefined || secret === '') return unsigned(options.signature);
    const body = { type, timestamp: at, data };
    const told = await request({
      vendor: 'the ticket webhook',
      url: options.url,
      method: 'POST',
      headers: secret === null ? { 'webhook-id': id } : signedHeaders(secret, id, millisOf(at), JSON.stringify(body)),
      body,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      schema: z.unknown(),
      limited: ({ status, headers }) => (status === 429 ? retryAfterSeconds(headers, millisOf(at)) : undefined),
      words: () => undefined,
    });
    return told.kind === 'done' ? { kind: 'done', value: null } : told;
  };
  return {
    find: async () => ({ kind: 'done', value: null }),
    async open({ key, ...ticket }) {
      const told = await send('ticket.opened', key, { key, ...ticket });
      return told.kind === 'done' ? { kind: 'done', value: { id: key, url: null } } : told;
    },
    comment: (id, text, key) => send('ticket.commented', key, { ticket: id, key, text }),
  };
}

const unsigned = (name: string | null): VendorResponse<never> => ({
  kind: 'refused',
  code: 'no_secret',
  detail: `the secret ${name} is not set, so nothing was sent`,
});
