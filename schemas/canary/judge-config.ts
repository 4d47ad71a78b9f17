import * as z from 'zod';

const PromQl = z.string().min(1).max(16_384);

const Common = {
  /** Name in results. */
  name: z.string().regex(/^[a-zA-Z0-9][\w.-]{0,62}$/, 'use letters, digits, and . _ - (at most 63)'),
  /** The version is not healthy above it (below it, if lower is worse), in the unit of the metric. */
  max: z.number().optional(),
};

/** One metric of a version. Queries return a series for each version; `{{.window}}` stands for the range of a rate. */
export const JudgeMetric = z.discriminatedUnion('kind', [
  z.strictObject({
    ...Common,
    kind: z.literal('ratio'),
    /** Bad events per second by version. No series counts as none while `total` has one. */
    bad: PromQl,
    /** All events per second by version. */
    total: PromQl,
    /** Smallest difference of the ratio that matters. */
    ignoreBelow: z.number().min(0).max(1).default(0.002),
  }),
  z.strictObject({
    ...Common,
    kind: z.literal('latency'),
    /** Requests per second by version and `le`: the buckets of a histogram. */
    buckets: PromQl,
    quantile: z.number().gt(0).lt(1).default(0.95),
    /** Smallest difference of the quantile that matters, in the unit of the buckets. */
    ignoreBelow: z.number().min(0).default(0),
  }),
  z.strictObject({
    ...Common,
    kind: z.literal('value'),
    /** A value by version. */
    query: PromQl,
    worse: z.enum(['higher', 'lower']).default('higher'),
    /** Smallest difference that matters. */
    ignoreBelow: z.number().min(0).default(0),
  }),
]);
export type JudgeMetric = z.infer<typeof JudgeMetric>;

/** How versions of a service are judged. */
export const JudgeConfig = z.strictObject({
  /** Absent or empty: derived from the objectives and the health query. */
  metrics: z
    .array(JudgeMetric)
    .max(10)
    .refine(
      (metrics) => new Set(metrics.map(({ name }) => name)).size === metrics.length,
      'two metrics have the same name',
    )
    .default([]),
  /** Label of the series that names the version. */
  versionLabel: z
    .string()
    .regex(/^[a-zA-Z_]\w*$/, 'use a label name of Prometheus')
    .default('version'),
  /** Seconds between two looks. Rates cover twice this time, which must contain at least two scrapes. */
  stepSeconds: z.number().int().min(10).max(300).default(30),
  /** Requests that the version and its baseline need for a comparison. */
  minRequests: z.number().int().min(10).default(100),
  /** A version is not degraded below this multiple of its baseline. */
  tolerance: z.number().min(1).max(10).default(1.25),
});
export type JudgeConfig = z.infer<typeof JudgeConfig>;
