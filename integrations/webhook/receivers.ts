import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { WebhookDelivery, WebhookReceivers } from '../../domain/messages/webhook-receiver.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { retryAfterSeconds } from '../shared/http.ts';
import { request } from '../shared/request.ts';
import { signedHeaders } from './standard-webhooks.ts';
import { teamsMessage } from './teams.ts';

/** Milliseconds for one attempt. */
const ATTEMPT_TIMEOUT_MS = 5_000;

/**
 * Creates a client for webhooks in the Standard Webhooks format: signed if the configuration names a secret, and with
 * the same `webhook-id` for every attempt.
 */
export function webhookReceivers({ secrets, clock }: { secrets: Secrets; clock: Clock }): WebhookReceivers {
  return {
    nameOf: ({ url }) => createHash('sha256').update(url).digest('hex').slice(0, 16),
    write: ({ format }, id, event, at, incident) => ({
      id,
      event,
      body: JSON.stringify(
        format === 'teams' ? teamsMessage(event, incident) : { type: event, timestamp: at, data: incident },
      ),
    }),
    async send({ url, signature }, letter) {
      const secret = signature === undefined ? null : await secrets.get(signature);
      if (secret === undefined || secret === '') return unsigned(signature ?? '');
      const told = await post(url, letter, secret, clock);
      // It is unknown whether the receiver accepted it; a repeat is harmless.
      return told.kind === 'unclear' ? { kind: 'later', detail: told.detail, afterSeconds: null } : told;
    },
  };
}

async function post(
  url: string,
  { id, body }: WebhookDelivery,
  secret: string | null,
  clock: Clock,
): Promise<VendorResponse<null>> {
  const now = millisOf(clock.now());
  const told = await request({
    vendor: `the webhook at ${URL.parse(url)?.origin ?? 'no URL'}`, // the path can contain a secret
    url,
    method: 'POST',
    headers: secret === null ? { 'webhook-id': id } : signedHeaders(secret, id, now, body),
    body: JSON.parse(body) as object,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    schema: z.unknown(),
    limited: ({ status, headers }) => (status === 429 ? retryAfterSeconds(headers, now) : undefined),
    words: () => undefined,
  });
  return told.kind === 'done' ? { kind: 'done', value: null } : told;
}

const unsigned = (name: string): VendorResponse<never> => ({
  kind: 'refused',
  code: 'no_secret',
  detail: `the secret ${name} is not set, so nothing was sent`,
});
