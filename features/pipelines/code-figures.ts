import * as z from 'zod';
import { ServiceName } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';

/** Seconds of several periods. Null: there are none. */
const Periods = z.object({ count: z.number(), median_s: z.number().nullable(), p90_s: z.number().nullable() });

/** Figures of the work on the code of services, from what forges and pipelines report. */
export const CodeFigures = z.object({
  window: z.object({ from: Timestamp, until: Timestamp }),
  services: z.array(ServiceName),
  /** Different commits that were pushed to a default branch. */
  commits: z.number(),
  pull_requests: z.object({ opened: z.number(), merged: z.number(), closed: z.number() }),
  /** From the opening of a pull request to the first review by someone else. */
  first_review: Periods,
  /** From the opening of a pull request to its merge. */
  merge: Periods,
  /** Newest reported coverage of each service on its default branch, 0 to 1. */
  coverage: z.array(z.object({ service: ServiceName, value: z.number(), at: Timestamp })),
});
export type CodeFigures = z.infer<typeof CodeFigures>;
