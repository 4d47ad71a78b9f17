import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { signingSecretFault } from '../../schemas/config/signing-secret.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { withoutValue, vendorClient } from '../shared/client.ts';
import { signedHeaders } from './standard-webhooks.ts';

type Webhook = {
  /** The receiver's name in messages. */
  receiver: string;
  url: string;
  /** The name of the signing secret; null if the receiver doesn't verify signatures. */
  signature: string | null;
  /** Milliseconds for one attempt. */
  timeoutMs: number;
  secrets: Secrets;
  clock: Clock;
};

/**
 * Sends one webhook in the Standard Webhooks format.
 *
 * @param id the same for every attempt: the receiver deduplicates by it
 */
export async function postWebhook(webhook: Webhook, id: string, content: object): Promise<VendorResponse<null>> {
  const body = outgoing(content); // before it is signed
  const { receiver, url, signature, timeoutMs, secrets, clock } = webhook;
  const secret = signature === null ? null : await secrets.get(signature);
  if (secret === undefined || secret === '')
    return {
      kind: 'refused',
      code: 'no_secret',
      detail: `the secret ${signature} is not set, so nothing was sent`,
    };
  const fault = secret === null ? null : signingSecretFault(secret);
  if (fault !== null)
    return { kind: 'refused', code: 'bad_secret', detail: `the secret ${signature} ${fault}, so nothing was sent` };
  const headers =
    secret === null ? { 'webhook-id': id } : signedHeaders(secret, id, millisOf(clock.now()), JSON.stringify(body));
  const client = vendorClient({ vendor: receiver, clock, access: async () => ({ url, headers }), timeoutMs });
  return withoutValue(await client({ method: 'POST', path: '', body, schema: z.unknown() }));
}
