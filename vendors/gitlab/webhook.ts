import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { secretsIn } from '../../schemas/config/signing-secret.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import type { Header, WebhookSignature } from '../shared/webhook-signature.ts';

/** Limit of Standard Webhooks for the age of a signed webhook, in both directions. */
const AGE_MAX_SECONDS = 300;

/**
 * Proves that GitLab sent a webhook. A signing token (`whsec_…`) signs it in the Standard Webhooks format; a secret
 * token is sent as it is.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export const gitlabSignature: WebhookSignature = {
  secret: 'GITLAB_WEBHOOK_SECRET',
  headers: 'the webhook-signature or X-Gitlab-Token',
  hasForm: (header, setting, now) => secretsIn(setting).some((secret) => hasProofForm(header, secret, now)),
  isValid: (body, header, setting, now) => secretsIn(setting).some((secret) => isFromGitlab(body, header, secret, now)),
};

function isFromGitlab(body: Uint8Array, header: Header, secret: string, now: Timestamp): boolean {
  if (!hasProofForm(header, secret, now)) return false;
  if (!secret.startsWith('whsec_')) return true;
  const [id, sentAt, signatures = ''] = signedFields(header);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${sentAt}.`).update(body).digest('base64');
  // While a token is replaced, a webhook has a signature for each.
  return signatures.split(' ').some((candidate) => isEqual(candidate, `v1,${signature}`));
}

/**
 * Returns whether the headers have the secret token, or a recent signature that is well-formed: all that can be checked
 * before the body is read.
 */
function hasProofForm(header: Header, secret: string, now: Timestamp): boolean {
  if (!secret.startsWith('whsec_')) return isEqual(header('x-gitlab-token') ?? '', secret);
  const [id = '', sentAt = '', signatures = ''] = signedFields(header);
  if (id === '' || !/^\d{1,12}$/.test(sentAt)) return false;
  if (Math.abs(millisOf(now) / 1000 - Number(sentAt)) > AGE_MAX_SECONDS) return false;
  return signatures.split(' ').some((signature) => SIGNATURE.test(signature));
}

/** A SHA-256 in base64, with its version. */
const SIGNATURE = /^v1,[A-Za-z0-9+/]{43}=$/;

const signedFields = (header: Header): string[] =>
  ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => header(name) ?? '');

/** Compares in constant time, whatever the lengths. */
const isEqual = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(hash('sha256', one)), Buffer.from(hash('sha256', other)));
