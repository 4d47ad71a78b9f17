import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/** Returns whether this could be a signature, before the body is read. */
export const hasSignatureForm = (signature: string | undefined): boolean => SIGNATURE.test(signature ?? '');

/**
 * Returns whether Jira signed these bytes. Returns false without a secret.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
 */
export function isSignedByJira(body: Uint8Array, signature: string | undefined, secret: string | undefined): boolean {
  const hexDigest = SIGNATURE.exec(signature ?? '')?.[1];
  if (!secret || hexDigest === undefined) return false;
  return timingSafeEqual(Buffer.from(hexDigest, 'hex'), createHmac('sha256', secret).update(body).digest());
}

/** A webhook about an issue, such as `jira:issue_updated`. */
export const JiraEvent = z.object({
  webhookEvent: z.string().min(1).max(200),
  issue: z.object({ id: z.coerce.string().regex(/^\d{1,19}$/) }).optional(),
});
