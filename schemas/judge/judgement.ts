import * as z from 'zod';
import { EnvironmentName, ServiceName, Version } from '../config/names.ts';

export const Verdict = z.enum(['healthy', 'degraded', 'inconclusive']);

/** `beside`: the baseline served at the same time. `before`: it served only before the version. */
export const Comparison = z.enum(['beside', 'before']);
export type Comparison = z.infer<typeof Comparison>;

/** Body of `POST /v1/judgements`. */
export const JudgementRequest = z.strictObject({
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** Absent: the other version with the most traffic, beside this one or before it. */
  baseline: Version.nullish().transform((version) => version ?? null),
});
export type JudgementRequest = z.infer<typeof JudgementRequest>;

/** A version compared with its baseline. */
export const JudgementView = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  version: z.string(),
  /** Null: no other version was found. */
  baseline: z.string().nullable(),
  verdict: Verdict,
  /** The sentences that explain the verdict: of the metrics that decided it. */
  reasons: z.array(z.string()),
  metrics: z.array(
    z.object({
      name: z.string(),
      verdict: Verdict,
      version: z.number().nullable(),
      baseline: z.number().nullable(),
      /** `version` as a multiple of `baseline`. */
      change: z.number().nullable(),
      /** Probability by chance, corrected for the numbers of metrics and looks. */
      p: z.number().nullable(),
      /** Of which time the baseline is. Null: not compared, or recorded by a version of Firebreak that did not say. */
      comparison: Comparison.nullable().default(null),
      reason: z.string(),
    }),
  ),
  /** First measurement of the version. Null: none. */
  since: z.string().nullable(),
  judged_at: z.string(),
});
export type JudgementView = z.infer<typeof JudgementView>;

/** A measurement of a version over HTTP. Watches and canaries store it, because the measured system stores none. */
export const HttpSample = z.object({
  /** Name of the metric. */
  metric: z.string(),
  version: z.string(),
  /** Epoch seconds. Equal for the version and its baseline in the same check. */
  at: z.number(),
  /** Null: not measured. */
  value: z.number().nullable(),
  /** Why it was not measured, or what the failure was; otherwise empty. */
  detail: z.string(),
});
export type HttpSample = z.infer<typeof HttpSample>;
