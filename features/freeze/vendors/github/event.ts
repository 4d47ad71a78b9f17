import { hash } from 'node:crypto';
import * as z from 'zod';
import { Repository } from '../../../../schemas/config/endpoint.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';

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
      problem: null,
      rev: 0,
    },
  };
}

/** Returns the workflow run in a callback URL, or undefined if the URL is invalid or belongs to another repository. */
function runIn(url: string, repository: string): number | undefined {
  const [, name, run] = CALLBACK_PATH.exec(URL.parse(url)?.pathname ?? '') ?? [];
  return name?.toLowerCase() === repository.toLowerCase() ? Number(run) : undefined;
}
