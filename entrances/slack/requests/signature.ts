import { hasHmac } from '../../../vendors/shared/webhook-signature.ts';
import type { Received } from './http.ts';

/** Maximum difference in seconds between the timestamp and the clock, to reject replays. */
const WINDOW_SECONDS = 300;

/**
 * Returns whether the body has a valid and recent signature. False without a secret.
 *
 * @param secret one, or several separated by commas
 * @param nowSeconds Unix time in seconds
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function isSignedBySlack(
  { headers, body }: Pick<Received, 'headers' | 'body'>,
  secret: string | undefined,
  nowSeconds: number,
): boolean {
  const { signature, timestamp } = signatureIn(headers);
  if (!secret || signature === undefined || timestamp === undefined || !hasRecentSignature(headers, nowSeconds))
    return false;
  return hasHmac([Buffer.from(signature, 'hex')], secret, [`v0:${timestamp}:`, body]);
}

/** Returns the signature and the timestamp if they are well-formed. */
const signatureIn = (headers: Received['headers']) => ({
  signature: /^v0=([0-9a-f]{64})$/.exec(headers['x-slack-signature'] ?? '')?.[1],
  timestamp: /^\d{1,12}$/.exec(headers['x-slack-request-timestamp'] ?? '')?.[0],
});

/** Returns whether the headers have a well-formed, recent signature, before the body is read. */
export function hasRecentSignature(headers: Received['headers'], nowSeconds: number): boolean {
  const { signature, timestamp } = signatureIn(headers);
  return (
    signature !== undefined && timestamp !== undefined && Math.abs(nowSeconds - Number(timestamp)) <= WINDOW_SECONDS
  );
}
