import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether GitHub has signed these bytes. Its older SHA-1 signature is not looked at; without a secret nothing is right.
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSignedByGithub(body: Uint8Array, signature: string | undefined, secret: string | undefined): boolean {
  const told = /^sha256=([0-9a-f]{64})$/i.exec(signature ?? '')?.[1];
  if (!secret || told === undefined) return false;
  return timingSafeEqual(Buffer.from(told, 'hex'), createHmac('sha256', secret).update(body).digest());
}

/** As JSON, or as the field of a form, whichever the webhook is set to. Undefined: neither. */
export function payloadOf(body: Uint8Array, contentType: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown;
  } catch {
    return undefined;
  }
}
