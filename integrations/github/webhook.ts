import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { Repository } from '../../schemas/rollback/targets/github.ts';
import type { WaitingDeployment } from '../../schemas/freeze/waiting-deployment.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/** Returns whether this could be a signature, before the body is read. */
export const hasSignatureForm = (signature: string | undefined): boolean => SIGNATURE.test(signature ?? '');

/**
 * Returns whether GitHub signed these bytes. Ignores the older SHA-1 signature. Returns false without a secret.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSignedByGithub(body: Uint8Array, signature: string | undefined, secret: string | undefined): boolean {
  const hexDigest = SIGNATURE.exec(signature ?? '')?.[1];
  if (!secret || hexDigest === undefined) return false;
  return timingSafeEqual(Buffer.from(hexDigest, 'hex'), createHmac('sha256', secret).update(body).digest());
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

/** The end of a callback URL's path. GitHub Enterprise Server has a path prefix before it. */
const CALLBACK_PATH = /\/repos\/([^/]+\/[^/]+)\/actions\/runs\/(\d{1,15})\/deployment_protection_rule$/;

const Name = z.string().min(1).max(256);

/**
 * The webhook that GitHub sends when a job reaches an environment with a deployment protection rule.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_protection_rule
 */
export const ProtectionRuleEvent = z
  .object({
    environment: Name,
    deployment_callback_url: z.url({ protocol: /^https?$/ }),
    deployment: z.object({
      id: z.number().int(),
      sha: Name,
      ref: z.string().max(1024),
      creator: z.object({ login: Name }).nullish(),
    }),
    repository: z.object({ full_name: Repository }),
    installation: z.object({ id: z.number().int() }).nullish(),
    sender: z.object({ login: Name }).nullish(),
  })
  .refine(({ deployment_callback_url: url, repository }) => runIn(url, repository.full_name) !== undefined, {
    path: ['deployment_callback_url'],
    message: 'the URL does not belong to a workflow run of this repository',
  });
export type ProtectionRuleEvent = z.infer<typeof ProtectionRuleEvent>;

/**
 * Returns the waiting deployment that a webhook describes.
 *
 * @returns `callbackOrigin`: the origin of the callback URL. It is only compared with the configured one, never called
 */
export function waitingDeploymentOf(
  payload: ProtectionRuleEvent,
  now: Timestamp,
): { gate: WaitingDeployment; callbackOrigin: string } {
  const { environment, deployment, repository, installation, sender, deployment_callback_url: url } = payload;
  const name = repository.full_name;
  const run = runIn(url, name) ?? 0;
  const identity = [name.toLowerCase(), run, environment.toLowerCase(), deployment.id];
  return {
    callbackOrigin: new URL(url).origin,
    gate: {
      id: hash('sha256', JSON.stringify(identity)).slice(0, 32),
      repository: name,
      environment,
      run,
      deployment_id: String(deployment.id),
      commit: deployment.sha,
      ref: deployment.ref,
      installation_id: installation?.id ?? null,
      asked_by: deployment.creator?.login ?? sender?.login ?? 'unknown',
      asked_at: now,
      sent_decisions: null,
      notes: 0,
      busy_until: null,
      rev: 0,
    },
  };
}

/** Returns the workflow run in a callback URL, or undefined if the URL is invalid or belongs to another repository. */
function runIn(url: string, repository: string): number | undefined {
  const [, name, run] = CALLBACK_PATH.exec(URL.parse(url)?.pathname ?? '') ?? [];
  return name?.toLowerCase() === repository.toLowerCase() ? Number(run) : undefined;
}
