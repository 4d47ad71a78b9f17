import * as z from 'zod';

/** Performance levels of the DORA reports, best first. */
export const Band = z.enum(['elite', 'high', 'medium', 'low']);
export type Band = z.infer<typeof Band>;

/**
 * Sources of default limits. `four-keys`: the four keys as most tools show them. `dora-2023`: the clusters of the
 * Accelerate State of DevOps Report 2023.
 */
export const BandPreset = z.enum(['four-keys', 'dora-2023']);
export type BandPreset = z.infer<typeof BandPreset>;

const SPAN = /^(\d+(?:\.\d+)?)(m|h|d|w)$/;
const SPAN_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

/** A duration such as `1h`, `7d`, or `1w`, in seconds. */
const Span = z
  .string()
  .regex(SPAN, 'must be a number with m, h, d, or w, such as 1h, 7d, or 2w')
  .transform((text) => {
    const [, count = '', unit = ''] = SPAN.exec(text) ?? [];
    return Number(count) * (SPAN_SECONDS[unit] ?? 0);
  });

type Limits = Record<'elite' | 'high' | 'medium', number>;

const inOrder =
  (order: 'rising' | 'falling') =>
  ({ elite, high, medium }: Limits, context: z.RefinementCtx): void => {
    const ordered = order === 'rising' ? elite <= high && high <= medium : elite >= high && high >= medium;
    if (ordered) return;
    context.addIssue({ code: 'custom', message: `the limits must be ${order}, from elite over high to medium` });
  };

const PerDay = z.number().positive();
const Share = z.number().min(0).max(1);

// The limits of the first three bands; a value beyond the third is `low`.
const Frequencies = z.strictObject({ elite: PerDay, high: PerDay, medium: PerDay }).superRefine(inOrder('falling'));
const Spans = z.strictObject({ elite: Span, high: Span, medium: Span }).superRefine(inOrder('rising'));
const Shares = z.strictObject({ elite: Share, high: Share, medium: Share }).superRefine(inOrder('rising'));

/** A name in which `*` stands for any text. */
const Pattern = z.string().min(1).max(256);

/** Keys of `delivery.yaml`: what counts as a failed deploy and as rework, and how the figures are rated. */
export const deliveryConfig = {
  /**
   * Minutes after a deploy in which an incident can still be attributed to it. Until then, the deploy counts neither in the
   * change fail rate nor in the rework rate.
   */
  attributionMinutes: z
    .number()
    .int()
    .min(0)
    .max(7 * 24 * 60)
    .default(60),
  /** A suspect with at least this confidence is confirmed without a rollback. */
  confirmedConfidence: z.number().min(0.5).max(1).default(0.8),
  /** Pull requests that make the deploy of their commits rework, beside reverts. */
  rework: z
    .strictObject({
      /** Labels, in any case. */
      hotfixLabels: z.array(Pattern).default(['hotfix']),
      /** Merged branches. */
      hotfixBranches: z.array(Pattern).default(['hotfix', 'hotfix/*', 'hotfix-*']),
    })
    .prefault({}),
  bands: z
    .strictObject({
      preset: BandPreset.default('four-keys'),
      /** Deploys per day, at least. */
      deploymentFrequency: Frequencies.optional(),
      /** Median lead time, at most. */
      leadTime: Spans.optional(),
      /** Change fail rate from 0 to 1, at most. */
      changeFailRate: Shares.optional(),
      /** Median time to restore and to recover, at most. */
      recovery: Spans.optional(),
    })
    .prefault({}),
};

const DeliveryConfig = z.object(deliveryConfig);
export type DeliveryConfig = z.infer<typeof DeliveryConfig>;
