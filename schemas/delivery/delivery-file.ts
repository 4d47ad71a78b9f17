import * as z from 'zod';
import { HttpUrl, SecretName } from '../config/endpoint.ts';
import { EnvironmentName } from '../config/names.ts';

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

/** A registry that is asked for the commits of images. */
const Registry = z.strictObject({
  /** As in the names of images: `ghcr.io`, `docker.io`, `registry.example.com:5000`. */
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9.-]+(?::\d{1,5})?$/, 'must be a host name, with a port if it has one'),
  /** Address of its API. Absent: `https://` and the host. */
  url: HttpUrl.optional(),
  username: z.string().min(1).optional(),
  /** The secret with its password or access token. Absent: images that everyone may pull. */
  password: SecretName.optional(),
});
export type Registry = z.infer<typeof Registry>;

/** `config/delivery.yaml`: what counts as a deploy to production, and how its figures are rated. */
export const DeliveryFile = z.strictObject({
  /** Environments that count if a query names none. */
  environments: z
    .array(EnvironmentName)
    .min(1)
    .default(['production' as EnvironmentName, 'prod' as EnvironmentName]),
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
  /** Registries whose images name their commit by the label `org.opencontainers.image.revision`. */
  registries: z.array(Registry).max(20).default([]),
  /**
   * The alert about alerting rules and routes, loaded in Prometheus and Alertmanager, that differ from what `firebreak
   * slo generate` writes. `info`: it only notifies. `ticket`: it opens an incident. `off`: only `firebreak doctor`
   * compares them.
   */
  driftAlert: z.enum(['info', 'ticket', 'off']).default('info'),
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
});
export type DeliveryFile = z.infer<typeof DeliveryFile>;
