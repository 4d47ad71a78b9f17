import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Returns whether GitHub signed these bytes. Ignores the older SHA-1 signature. Returns false without a secret.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSignedByGithub(body: Uint8Array, signature: string | undefined, secret: string | undefined): boolean {
  const told = /^sha256=([0-9a-f]{64})$/i.exec(signature ?? '')?.[1];
  if (!secret || told === undefined) return false;
  return timingSafeEqual(Buffer.from(told, 'hex'), createHmac('sha256', secret).update(body).digest());
}

/**
 * Parses the payload as JSON or as a form field, depending on the webhook's content type. Returns undefined on failure.
 */
export function payloadOf(body: Uint8Array, contentType: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown;
  } catch {
    return undefined;
  }
}
