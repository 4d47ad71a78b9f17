import * as z from 'zod';
import { FIXED_ORIGIN, HttpAuth } from '../runbooks/parts/http.ts';

const PromQl = z.string().min(1).max(16_384);

const Common = {
  /** Name in results. */
  name: z.string().regex(/^[a-zA-Z0-9][\w.-]{0,62}$/, 'use letters, digits, and . _ - (at most 63)'),
  /** The version is not healthy above it (below it, if lower is worse), in the unit of the metric. */
  max: z.number().optional(),
};

/** Placeholders of a URL. Their values are encoded, so that they cannot change the path. */
const PLACEHOLDER = /\{\{\.(?:service|environment|version)\}\}/g;

const MeasuredUrl = z
  .string()
  .max(2048)
  .refine(
    (url) => FIXED_ORIGIN.test(url) && URL.canParse(url.replaceAll(PLACEHOLDER, 'x')),
    'must be an http or https URL with a literal host, without user name and password',
  )
  .refine(
    (url) => !/[{}]/.test(url.replaceAll(PLACEHOLDER, '')),
    'has an unknown placeholder: use {{.version}}, {{.service}}, or {{.environment}}',
  );

const JsonPointer = z
  .string()
  .max(512)
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'must be a JSON pointer such as /errors/ratio (RFC 6901)');

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
  z.strictObject({
    ...Common,
    kind: z.literal('http'),
    /** Called with GET. With `{{.version}}`, the baseline is measured, too. */
    url: MeasuredUrl,
    auth: HttpAuth.optional(),
    /** `failure`: 1 without a 2xx response, else 0. `seconds`: duration of a 2xx response. Else: a number in its JSON. */
    value: z.union([z.literal(['failure', 'seconds']), JsonPointer]).default('failure'),
    worse: z.enum(['higher', 'lower']).default('higher'),
    /** Smallest difference that matters. Absent: 0.5 for `failure`, else 0. */
    ignoreBelow: z.number().min(0).optional(),
    /** Newest measurements in a row beyond `max` with which a version is degraded. */
    failures: z.number().int().min(2).max(10).default(3),
    timeoutSeconds: z.number().min(0.1).max(10).default(5),
  }),
]);
export type JudgeMetric = z.infer<typeof JudgeMetric>;
export type HttpMetric = Extract<JudgeMetric, { kind: 'http' }>;

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
