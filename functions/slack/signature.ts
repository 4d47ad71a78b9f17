import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Received } from './http.ts';

/** Seconds. What is older, or younger, is a replay or comes from a clock that is wrong. */
const WINDOW_SECONDS = 300;

/**
 * Whether Slack has signed these bytes, and lately. Without a secret nothing is right.
 *
 * @param nowSeconds of the Unix epoch
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function isSignedBySlack(
  { headers, body }: Pick<Received, 'headers' | 'body'>,
  secret: string | undefined,
  nowSeconds: number,
): boolean {
  const { told, timestamp } = marksIn(headers);
  if (!secret || told === undefined || timestamp === undefined || !maySign(headers, nowSeconds)) return false;
  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest();
  return timingSafeEqual(Buffer.from(told, 'hex'), expected);
}

const marksIn = (headers: Received['headers']) => ({
  told: /^v0=([0-9a-f]{64})$/.exec(headers['x-slack-signature'] ?? '')?.[1],
  timestamp: /^\d{1,12}$/.exec(headers['x-slack-request-timestamp'] ?? '')?.[0],
});

/** Whether there is a signature of now, which is worth to read the body for. */
export function maySign(headers: Received['headers'], nowSeconds: number): boolean {
  const { told, timestamp } = marksIn(headers);
  return told !== undefined && timestamp !== undefined && Math.abs(nowSeconds - Number(timestamp)) <= WINDOW_SECONDS;
}
