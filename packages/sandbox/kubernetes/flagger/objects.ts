import * as z from 'zod';
import type { KubernetesObject } from '../objects.ts';

const HOOK_TYPES = [
  '',
  'rollout',
  'pre-rollout',
  'post-rollout',
  'confirm-rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'rollback',
  'event',
] as const;

const Webhook = z.looseObject({
  type: z.enum(HOOK_TYPES).default(''),
  name: z.string(),
  url: z.string(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/** @see https://docs.flagger.app/usage/how-it-works */
export const CanarySpec = z.looseObject({
  targetRef: z.looseObject({ kind: z.string(), name: z.string() }),
  suspend: z.boolean().optional(),
  skipAnalysis: z.boolean().optional(),
  analysis: z.looseObject({
    interval: z.string().default('60s'),
    threshold: z.int().min(0).default(0),
    maxWeight: z.int().min(0).max(100).default(100),
    stepWeight: z.int().min(0).max(100).default(0),
    webhooks: z.array(Webhook).default([]),
  }),
});
export type CanarySpec = z.infer<typeof CanarySpec>;

export type CanaryStatus = {
  phase?: string;
  failedChecks?: number;
  canaryWeight?: number;
  iterations?: number;
  trackedConfigs?: Record<string, string>;
  lastAppliedSpec?: string;
  lastPromotedSpec?: string;
  lastTransitionTime?: string;
};

export type Canary = KubernetesObject<CanarySpec, CanaryStatus>;
