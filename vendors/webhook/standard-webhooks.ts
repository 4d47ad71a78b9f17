import { createHmac } from 'node:crypto';

/**
 * Returns the headers of a signed webhook in the Standard Webhooks format.
 * @param secret `whsec_` followed by base64, or any text
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedHeaders(secret: string, id: string, atMillis: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(atMillis / 1000));
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
