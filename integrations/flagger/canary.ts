import * as z from 'zod';
import { Metadata } from '../kubernetes/objects.ts';

/**
 * What Flagger knows of a roll-out. `Waiting`: for the gate before it, without traffic. `WaitingPromotion`: for the one
 * after it. `Promoting`: the primary has its pod template. `Failed`: it was taken back, or its promotion went wrong.
 * @see https://docs.flagger.app/usage/how-it-works#canary-status
 */
const Status = z.object({
  phase: z.string().default(''),
  /** In percent, or of what the mesh calls a whole. */
  canaryWeight: z.number().default(0),
  /** A hash of the target's pod template, as it was when this roll-out began. */
  lastAppliedSpec: z.string().default(''),
  /** Hashes of the ConfigMaps and Secrets that it uses, by name. Null: none are tracked. */
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

/** Whether Flagger asks us, with a key, before it goes on. The address holds that key, so it is never shown. */
export const asksUs = ({ spec }: Canary): boolean =>
  spec.analysis.some(({ type, url }) => {
    const at = URL.parse(url);
    return type === 'rollback' && at !== null && GATE_PATH.test(at.pathname) && at.searchParams.has('key');
  });
