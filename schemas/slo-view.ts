import * as z from 'zod';
import { EnvironmentName, ServiceName } from './names.ts';
import { Slo, SloId } from './slo.ts';
import { Budget, BurnAlert, BurnRates, Forecast, SloStatus } from './slo-status.ts';
import { Timestamp } from './time.ts';

/** One day (UTC) of an objective's past. */
export const SloPoint = z.object({
  /** The end of the day, or of what is known of it so far. */
  at: Timestamp,
  /** As it stood then. Null: too little of its window is known. */
  budget_remaining: z.number().nullable(),
  /** Of this day alone; seconds where every second counts alike. */
  events: z.number(),
  errors: z.number(),
  /** The share of the day that is known, 0 to 1. */
  coverage: z.number(),
});
export type SloPoint = z.infer<typeof SloPoint>;

/** What a budget is of. */
export const SloWindowView = z.object({
  kind: z.enum(['rolling', 'calendar']),
  /** Of one that rolls. */
  days: z.number().nullable(),
  /** Of the calendar: so many of these, by the clocks of this place. */
  unit: z.enum(['day', 'week', 'month', 'quarter', 'year']).nullable(),
  count: z.number().nullable(),
  time_zone: z.string().nullable(),
  /** As it is now. That of the calendar reaches beyond now. */
  from: Timestamp,
  until: Timestamp,
  /** `28 days` */
  text: z.string(),
});

/** A configured objective, with what the last evaluation found. What is not known is null. */
export const SloView = z.object({
  id: SloId,
  name: z.string(),
  description: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The share that has to be good. */
  objective: Slo.shape.target,
  window: SloWindowView,
  /** 1: whole. 0: spent. Below: overspent. */
  budget_remaining: Budget.shape.remaining,
  spent_at_least: Budget.shape.spent_at_least.nullable(),
  coverage: Budget.shape.coverage.nullable(),
  events: Budget.shape.events.nullable(),
  errors: Budget.shape.errors.nullable(),
  significant: Budget.shape.significant.nullable(),
  state: SloStatus.shape.state,
  problem: SloStatus.shape.problem,
  burn_rates: BurnRates,
  burning: z.array(BurnAlert),
  forecast: Forecast,
  untouched: z.boolean().nullable(),
  data_at: SloStatus.shape.data_at,
  /** When objectives were last evaluated. */
  evaluated_at: Timestamp.nullable(),
  /** What is known is older than policy believes, or nothing is. */
  stale: z.boolean(),
  source: SloStatus.shape.source.nullable(),
  /** Freezes in force that it causes. */
  frozen_by: z.array(z.string()),
  /** A point a day over the window, the oldest first, of 92 days at most. */
  history: z.array(SloPoint),
});
export type SloView = z.infer<typeof SloView>;
