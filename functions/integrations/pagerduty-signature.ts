import { createHmac, timingSafeEqual } from 'node:crypto';

const SIGNATURE = /^v1=([0-9a-f]{64})$/i;

/** More are no signatures of PagerDuty: while a secret is rotated there are two. */
const SIGNATURES_MAX = 10;

/**
 * Whether PagerDuty has signed these bytes. One signature that fits is enough, and so is one of our secrets: both sides
 * have two while a secret is rotated. No timestamp is signed, so that whoever repeats a request is told by its id.
 *
 * @param secrets separated by commas; without one nothing is right
 * @see https://developer.pagerduty.com/docs/verifying-webhook-signatures (read 2026-11)
 */
export function isSignedByPagerDuty(
  body: Uint8Array,
  header: string | undefined,
  secrets: string | undefined,
): boolean {
  const told = (header ?? '')
    .split(',', SIGNATURES_MAX)
    .flatMap((one) => SIGNATURE.exec(one.trim())?.[1] ?? [])
    .map((hex) => Buffer.from(hex, 'hex'));
  const right = (secrets ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '')
    .map((secret) => createHmac('sha256', secret).update(body).digest());
  return right.some((ours) => told.some((theirs) => timingSafeEqual(ours, theirs)));
}
