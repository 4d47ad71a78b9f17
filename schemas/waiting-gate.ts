import * as z from 'zod';
import { Timestamp } from './time.ts';

/** A deployment at GitHub that waits for our word: a custom protection rule of an environment. */
export const WaitingGate = z.object({
  /** The same for the same deployment, however often it is told. */
  id: z.string(),
  /** `owner/name`. */
  repository: z.string(),
  /** As GitHub calls it. */
  environment: z.string(),
  /** The workflow run, which is answered. */
  run: z.number().int(),
  /** GitHub's id of the deployment, by which its use of an override is counted. */
  deployment_id: z.string(),
  commit: z.string(),
  /** The branch, tag or commit that it was asked for. */
  ref: z.string(),
  /** Of the GitHub App. Null: the webhook is not one of an app. */
  installation_id: z.number().int().nullable(),
  /** Whoever has begun the deployment, as GitHub knows them. */
  asked_by: z.string(),
  asked_at: Timestamp,
  /** The decisions that were told at GitHub last. Null: nothing was told. */
  said: z.string().nullable(),
  /** How often something was told, which GitHub limits. */
  notes: z.number().int(),
  /** Somebody tells GitHub about it until then, or has died over it. */
  busy_until: Timestamp.nullable(),
  /** Counts its changes, so that of two who answer it at the same time one does. */
  rev: z.number().int(),
});
export type WaitingGate = z.infer<typeof WaitingGate>;
