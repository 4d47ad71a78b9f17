import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';

/**
 * A deployment at GitHub that waits for Firebreak's approval: a custom deployment protection rule of an environment.
 */
export const WaitingDeployment = z.object({
  /** The same for all webhooks of one deployment. */
  id: z.string(),
  /** `owner/name`. */
  repository: z.string(),
  /** GitHub's name of the environment. */
  environment: z.string(),
  /** The workflow run that is approved or rejected. */
  run: z.number().int(),
  /** GitHub's id of the deployment, by which its use of an override is counted. */
  deployment_id: z.string(),
  commit: z.string(),
  /** The branch, tag, or commit that is deployed. */
  ref: z.string(),
  /** Installation of the GitHub App. Null: the webhook does not belong to an app. */
  installation_id: z.number().int().nullable(),
  /** GitHub's login of the person who started the deployment. */
  asked_by: z.string(),
  asked_at: Timestamp,
  /** The decisions that were last sent to GitHub. Null: none. */
  sent_decisions: z.string().nullable(),
  /** Number of comments sent, which GitHub limits. */
  notes: z.number().int(),
  /** A process updates GitHub until this time, or has died. */
  busy_until: Timestamp.nullable(),
  /** Why the last answer was refused, until a person corrects a setting. Null: it was not. */
  problem: z.string().nullable().default(null),
  /** Incremented with each change, so that of two concurrent answers one succeeds. */
  rev: z.number().int(),
});
export type WaitingDeployment = z.infer<typeof WaitingDeployment>;
