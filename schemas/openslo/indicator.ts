import * as z from 'zod';

/** What asks for it is the tool's own matter, so any key may stand in `spec`; `query` or `promql` is read. */
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
      if (good != null || bad != null || total != null) problem('"raw" goes without "good", "bad" and "total"');
      if (rawType == null) problem('with "raw" goes "rawType": success or failure');
      return;
    }
    if (rawType != null) problem('"rawType" goes with "raw"');
    if (good != null && bad != null) problem('say one of "good" and "bad"');
    if (good == null && bad == null) problem('"good" or "bad" is missing, or "raw"');
    if (total == null) problem('"total" is missing');
  });
export type RatioMetric = z.infer<typeof RatioMetric>;

/** What an SLI says, by itself or in an SLO. */
export const SliSpec = z
  .strictObject({
    description: z.string().nullish(),
    ratioMetric: RatioMetric.nullish(),
    thresholdMetric: Metric.nullish(),
  })
  .superRefine(({ ratioMetric, thresholdMetric }, context) => {
    if ((ratioMetric == null) === (thresholdMetric == null))
      context.addIssue({ code: 'custom', message: 'say one of "ratioMetric" and "thresholdMetric"' });
  });
export type SliSpec = z.infer<typeof SliSpec>;
