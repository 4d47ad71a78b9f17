import * as z from 'zod';
import { SloId } from '../../../schemas/slo/slo.ts';
import { Budget, BurnRates } from '../../../schemas/slo/slo-status.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

/** The budget and the burn rates of an objective, as far as they are known. */
const Values = z.object({ budget: Budget, burn_rates: BurnRates });

/** What a correction would change: `POST /v1/slos/{id}/corrections/preview`. */
export const CorrectionPreview = z.object({
  slo: SloId,
  /** Values up to the last complete five minutes. */
  at: Timestamp,
  /** With the corrections in effect, as they are shown now. */
  present: Values,
  /** With this correction as well. */
  corrected: Values,
  /** Without any correction. */
  uncorrected: Values,
  /** How much of the window up to now this correction excludes in addition. */
  excluded_seconds: z.number(),
  /** Periods that overlap the window up to now, and the first ones after it. */
  past_periods: z.number(),
  next_periods: z.array(z.object({ starts_at: Timestamp, ends_at: Timestamp })),
});
export type CorrectionPreview = z.infer<typeof CorrectionPreview>;
