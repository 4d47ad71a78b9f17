import * as z from 'zod';

/** `spec` can contain any key, since it belongs to the data source; `query` or `promql` is read. */
const MetricSource = z.strictObject({
  metricSourceRef: z.string().nullish(),
  type: z.string().nullish(),
  spec: z.record(z.string(), z.unknown()),
});
export type MetricSource = z.infer<typeof MetricSource>;

const Metric = z.strictObject({ metricSource: MetricSource });

const RatioMetric = z
  .strictObject({
    counter: z.boolean().nullish(),
    good: Metric.nullish(),
    bad: Metric.nullish(),
    total: Metric.nullish(),
    raw: Metric.nullish(),
    rawType: z.enum(['success', 'failure']).nullish(),
  })
  .superRefine(({ good, bad, total, raw, rawType }, context) => {
    const problem = (message: string): void => context.addIssue({ code: 'custom', message });
    if (raw != null) {
      if (good != null || bad != null || total != null)
        problem('"raw" cannot be combined with "good", "bad", or "total"');
      if (rawType == null) problem('"rawType" (success or failure) is required with "raw"');
      return;
    }
    if (rawType != null) problem('"rawType" requires "raw"');
    if (good != null && bad != null) problem('set either "good" or "bad", not both');
    if (good == null && bad == null) problem('"good", "bad", or "raw" is missing');
    if (total == null) problem('"total" is missing');
  });
export type RatioMetric = z.infer<typeof RatioMetric>;

/** The spec of an SLI, by itself or in an SLO. */
export const SliSpec = z
  .strictObject({
    description: z.string().nullish(),
    ratioMetric: RatioMetric.nullish(),
    thresholdMetric: Metric.nullish(),
  })
  .superRefine(({ ratioMetric, thresholdMetric }, context) => {
    if ((ratioMetric == null) === (thresholdMetric == null))
      context.addIssue({ code: 'custom', message: 'set either "ratioMetric" or "thresholdMetric"' });
  });
export type SliSpec = z.infer<typeof SliSpec>;
