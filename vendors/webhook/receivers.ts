import { createHash } from 'node:crypto';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { WebhookReceivers } from '../../core/domain/messages/webhook-receiver.ts';
import { postWebhook } from './post.ts';
import { teamsMessage, teamsPostmortem } from './teams.ts';

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
    writePostmortem: ({ format }, id, postmortem) => ({
      id,
      body: JSON.stringify(
        format === 'teams'
          ? teamsPostmortem(postmortem)
          : { type: 'postmortem.published', timestamp: postmortem.updated_at, data: postmortem },
      ),
    }),
    async send({ url, signature = null }, { id, body }) {
      const receiver = `the webhook at ${URL.parse(url)?.origin ?? 'no URL'}`; // the path can contain a secret
      const webhook = { receiver, url, signature, timeoutMs: ATTEMPT_TIMEOUT_MS, secrets, clock };
      const response = await postWebhook(webhook, id, JSON.parse(body) as object);
      // It is unknown whether the receiver accepted it; a repeat is harmless.
      return response.kind === 'unclear' ? { kind: 'later', detail: response.detail, afterSeconds: null } : response;
    },
  };
}
