import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { Slo, SloId } from '../../../schemas/slo/slo.ts';
import { Budget, BurnAlert, BurnRates, Corrected, Forecast, SloStatus } from '../../../schemas/slo/slo-status.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

/** One day (UTC) of an objective's history. */
export const SloPoint = z.object({
  /** The end of the day, or of the known part so far. */
  at: Timestamp,
  /** Budget at that time. Null: too little of the window is known. */
  budget_remaining: z.number().nullable(),
  /** The same without corrections. Null: as above, or no correction applies to the history. */
  uncorrected_budget_remaining: z.number().nullable(),
  /** Of this day alone. For an objective whose query gives a value at each moment instead of counts: seconds. */
  events: z.number(),
  errors: z.number(),
  /** Known share of the day, 0 to 1. */
  coverage: z.number(),
  /** Share of the day that corrections exclude, 0 to 1; it counts as known. */
  excluded: z.number(),
});
export type SloPoint = z.infer<typeof SloPoint>;

/** The window of a budget. */
export const SloWindowView = z.object({
  kind: z.enum(['rolling', 'calendar']),
  /** For rolling windows. */
  days: z.number().nullable(),
  /** For calendar windows: the number of units, in this time zone. */
  unit: z.enum(['day', 'week', 'month', 'quarter', 'year']).nullable(),
  count: z.number().nullable(),
  time_zone: z.string().nullable(),
  /** The current window. A calendar window ends in the future. */
  from: Timestamp,
  until: Timestamp,
  /** `28 days` */
  text: z.string(),
});

/** A configured objective with the result of the last evaluation. Unknown values are null. */
export const SloView = z.object({
  id: SloId,
  name: z.string(),
  description: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The share that must be good. */
  objective: Slo.shape.target,
  window: SloWindowView,
  /** 1: whole. 0: spent. Below: overspent. */
  budget_remaining: Budget.shape.remaining,
  spent_at_least: Budget.shape.spent_at_least.nullable(),
  coverage: Budget.shape.coverage.nullable(),
  events: Budget.shape.events.nullable(),
  errors: Budget.shape.errors.nullable(),
  significant: Budget.shape.significant.nullable(),
  /** Corrections behind these values, and the values without them. Null: no correction applies. */
  corrected: Corrected.nullable(),
  state: SloStatus.shape.state,
  problem: SloStatus.shape.problem,
  burn_rates: BurnRates,
  burning: z.array(BurnAlert),
  forecast: Forecast,
  untouched: z.boolean().nullable(),
  data_at: SloStatus.shape.data_at,
  /** When objectives were last evaluated. */
  evaluated_at: Timestamp.nullable(),
  /** The data is older than the policy allows, or there is none. */
  stale: z.boolean(),
  source: SloStatus.shape.source.nullable(),
  /** Freezes in force that it causes. */
  frozen_by: z.array(z.string()),
  /** One point per day over the window, oldest first, at most 92 days. */
  history: z.array(SloPoint),
});
export type SloView = z.infer<typeof SloView>;
