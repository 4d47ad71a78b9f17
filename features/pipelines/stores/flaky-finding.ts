import * as z from 'zod';
import { ServiceName } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

/** Flaky tests that one upload of test results showed, as stored. */
export const StoredFlakyFinding = z.object({
  service: ServiceName,
  suite: z.string(),
  commit: z.string(),
  branch: z.string().nullable(),
  at: Timestamp,
  count: z.number(),
  tests: z.array(z.object({ classname: z.string(), name: z.string() })),
});
