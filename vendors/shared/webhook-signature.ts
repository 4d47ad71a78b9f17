import { createHmac, timingSafeEqual } from 'node:crypto';
import { secretsIn } from '../../schemas/config/signing-secret.ts';
import type { SigningSecretName } from '../../schemas/config/variables.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Returns a header of a request. */
export type Header = (name: string) => string | undefined;

/** How a sender proves that a webhook is its own, with a secret that Firebreak also has. */
export type WebhookSignature = {
  secret: SigningSecretName;
  /** The headers with the proof, as messages name them. */
  headers: string;
  /** Returns whether the headers could be valid: all that can be checked before the body is read. */
  hasForm(header: Header, secret: string, now: Timestamp): boolean;
  isValid(body: Uint8Array, header: Header, secret: string, now: Timestamp): boolean;
};

/**
 * Describes the HMAC of the body in a header, in hexadecimal.
 *
 * @param options.prefix before the digits
 */
export function bodyHmac(options: {
  secret: SigningSecretName;
  header: string;
  prefix?: string;
  algorithm?: 'sha256' | 'sha512';
}): WebhookSignature {
  const { secret: name, header: headerName, prefix = '', algorithm = 'sha256' } = options;
  const form = new RegExp(`^${prefix}([0-9a-f]{${algorithm === 'sha256' ? 64 : 128}})$`, 'i');
  return {
    secret: name,
    headers: headerName,
    hasForm: (header) => form.test(header(headerName) ?? ''),
    isValid(body, header, secret) {
      const hex = form.exec(header(headerName) ?? '')?.[1];
      return hex !== undefined && hasHmac([Buffer.from(hex, 'hex')], secret, [body], algorithm);
    },
  };
}

/**
 * Returns whether one of the signatures is the HMAC of the content with one of the secrets.
 *
 * @param setting the secrets, separated by commas
 * @param content in parts, so that a large body need not be copied
 */
export const hasHmac = (
  signatures: readonly Buffer[],
  setting: string,
  content: readonly (string | Uint8Array)[],
  algorithm = 'sha256',
): boolean =>
  secretsIn(setting).some((secret) => {
    const hmac = createHmac(algorithm, secret);
    for (const part of content) hmac.update(part);
    const expected = hmac.digest();
    return signatures.some((signature) => timingSafeEqual(signature, expected));
  });
