import * as z from 'zod';
import { ServiceName } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';

const Seconds = z.number().nullable();

/** Seconds of several periods. Null: there are none. `p95_s`: 95 % of the periods were not longer. */
const Periods = z.object({ count: z.number(), mean_s: Seconds, median_s: Seconds, p95_s: Seconds });

/** Figures of the pipelines of a service, from the records of the runs that began in the window. */
export const PipelineReport = z.object({
  service: ServiceName,
  window: z.object({ from: Timestamp, until: Timestamp }),
  /** Value of the label `branch` in metrics; null: all branches. */
  branch: z.string().nullable(),
  runs: z.object({
    total: z.number(),
    succeeded: z.number(),
    failed: z.number(),
    cancelled: z.number(),
    skipped: z.number(),
    unfinished: z.number(),
  }),
  /** Succeeded runs of those that succeeded or failed. Null: there are none. */
  success_ratio: z.number().nullable(),
  /** Of the runs that succeeded or failed. */
  duration: Periods,
  queue: Periods,
  /** The slowest stages by their 95th percentile. */
  stages: z.array(Periods.extend({ stage: z.string(), failed: z.number() })),
  /** Tests that were found flaky in the window, by the number of commits. */
  flaky_tests: z.array(
    z.object({
      suite: z.string(),
      classname: z.string(),
      name: z.string(),
      commits: z.number(),
      last_at: Timestamp,
    }),
  ),
  /** All findings, also of tests that are not named above. */
  flaky_total: z.number(),
});
export type PipelineReport = z.infer<typeof PipelineReport>;
