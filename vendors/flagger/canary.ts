import * as z from 'zod';
import { Metadata } from '../kubernetes/objects.ts';

/**
 * The status of a rollout in Flagger. `Waiting`: for the gate before the rollout, without traffic. `WaitingPromotion`:
 * for the gate before the promotion. `Promoting`: the primary has the new pod template. `Failed`: the rollout was
 * rolled back, or its promotion failed.
 * @see https://docs.flagger.app/usage/how-it-works#canary-status
 */
const Status = z.object({
  phase: z.string().default(''),
  /** In percent, or in units of the mesh's total weight. */
  canaryWeight: z.number().default(0),
  /** A hash of the target's pod template at the start of this rollout. */
  lastAppliedSpec: z.string().default(''),
  /** Hashes of the ConfigMaps and Secrets in use, by name. Null if none are tracked. */
  trackedConfigs: z
    .record(z.string(), z.string())
    .nullish()
    .transform((configs) => configs ?? null),
});
export type CanaryStatus = z.infer<typeof Status>;

/** @see https://docs.flagger.app/usage/how-it-works */
export const Canary = z.object({
  metadata: Metadata,
  spec: z.object({
    suspend: z.boolean().default(false),
    skipAnalysis: z.boolean().default(false),
    targetRef: z.object({ kind: z.string(), name: z.string() }),
    analysis: z
      .object({
        webhooks: z
          .array(z.object({ type: z.string().default(''), url: z.string().default('') }))
          .nullish()
          .transform((webhooks) => webhooks ?? []),
      })
      .nullish()
      .transform((analysis) => analysis?.webhooks ?? []),
  }),
  status: Status.prefault({}),
});
export type Canary = z.infer<typeof Canary>;

const GATE_PATH = /\/integrations\/flagger\/rollback$/;

/**
 * Returns whether the canary has a rollback webhook that calls Firebreak with a key. The URL contains that key, so
 * never display it.
 */
export const hasRollbackWebhook = ({ spec }: Canary): boolean =>
  spec.analysis.some(({ type, url }) => {
    const webhook = URL.parse(url);
    return (
      type === 'rollback' && webhook !== null && GATE_PATH.test(webhook.pathname) && webhook.searchParams.has('key')
    );
  });
