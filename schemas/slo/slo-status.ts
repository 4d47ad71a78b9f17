import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../config/names.ts';
import { SloId } from './slo.ts';
import { Timestamp } from '../time/time.ts';

/** The known part of a budget, and how reliable it is. */
export const Budget = z.object({
  /** 1: whole. 0: spent. Below: overspent. Null: too little of the window is known. */
  remaining: z.number().nullable(),
  /** The part that is certainly spent, whatever happened in unknown times; 1 is all of it. */
  spent_at_least: z.number(),
  /** Share of the window's five-minute buckets that are known, 0 to 1. */
  coverage: z.number(),
  /** Counted in the known part. For an objective whose query gives a value at each moment instead of counts: seconds. */
  events: z.number(),
  errors: z.number(),
  /**
   * Whether the errors are statistically significant for the objective: with few events one error proves nothing, and
   * the budget then neither warns nor freezes.
   */
  significant: z.boolean(),
});
export type Budget = z.infer<typeof Budget>;

/** Windows of burn rates. @see https://sre.google/workbook/alerting-on-slos/ */
export const BurnWindow = z.enum(['5m', '30m', '1h', '2h', '6h', '1d', '3d']);
export type BurnWindow = z.infer<typeof BurnWindow>;

/** 1: exactly as fast as the objective allows. Null: the window is unknown, or without events. */
export const BurnRates = z.record(BurnWindow, z.number().nullable());
export type BurnRates = z.infer<typeof BurnRates>;

/** A pair of windows that both exceed the burn-rate factor. */
export const BurnAlert = z.object({
  severity: z.enum(['page', 'ticket']),
  long: BurnWindow,
  short: BurnWindow,
  /** Reached by both windows. */
  factor: z.number(),
  /** When one of both falls below it if there are no more errors. Absent: evaluated by an older version. */
  clears_at: Timestamp.nullish(),
});
export type BurnAlert = z.infer<typeof BurnAlert>;

/** Forecast for unchanged conditions. Null: not within the window. */
export const Forecast = z.object({
  /** At the current burn rate (1 h), when the budget will be spent. */
  spent_at: Timestamp.nullable(),
  /** At that rate, when the policy starts to warn. Absent: evaluated by an older version. */
  warns_at: Timestamp.nullish(),
  /** At that rate, when the policy freezes: with 100%, `spent_at`. Absent: as above. */
  freezes_at: Timestamp.nullish(),
  /** At that rate, when the first burn alert of each severity is reached in both of its windows. Absent: as above. */
  burns_at: z.object({ page: Timestamp.nullable(), ticket: Timestamp.nullable() }).nullish(),
  /** When the policy stops warning, as old errors leave the window and none are added. Absent: as above. */
  warning_ends_at: Timestamp.nullish(),
  /** When freezes lift, as old errors leave the window and none are added. */
  lifts_at: Timestamp.nullable(),
  /** The same if the burn rate of the last hour continues. */
  lifts_at_present_burn: Timestamp.nullable(),
});
export type Forecast = z.infer<typeof Forecast>;

/** Why a period does not count. */
export const CorrectionCategory = z.enum([
  'maintenance',
  'load_test',
  'reporting_error',
  'outside_business_hours',
  'other',
]);
export type CorrectionCategory = z.infer<typeof CorrectionCategory>;

/** How corrections change an objective: what they exclude, and the values that count everything. */
export const Corrected = z.object({
  /** Number of corrections that apply, and how much of the window up to now they exclude. */
  count: z.number(),
  excluded_seconds: z.number(),
  /** The most recently recorded ones, at most three, with their shortened reasons. */
  corrections: z.array(
    z.object({
      id: z.string(),
      category: CorrectionCategory,
      reason: z.string(),
      starts_at: Timestamp,
      ends_at: Timestamp,
      rrule: z.string().nullable(),
      created_by: z.string(),
    }),
  ),
  /** Without corrections. */
  uncorrected: z.object({ budget: Budget, burn_rates: BurnRates }),
});
export type Corrected = z.infer<typeof Corrected>;

/** One objective as the last evaluation found it. */
export const SloStatus = z.object({
  id: SloId,
  service: ServiceName,
  environment: EnvironmentName,
  /**
   * `ok`: counted. `no_data`: Prometheus has no such series. `no_traffic`: series without events. `unclear`: NaN, or
   * errors that cannot be told from missing series. `unreadable`: no usable response.
   */
  state: z.enum(['ok', 'no_data', 'no_traffic', 'unclear', 'unreadable']),
  /** What is wrong, and what to do about it; null: nothing. */
  problem: z.string().nullable(),
  /**
   * Why past data that may exist could not be read: range queries fail. Null: Prometheus returned all that it has.
   * Absent: evaluated by an older version.
   */
  unread: z.string().nullish(),
  /** The newest time with data. Null: there was never any. */
  data_at: Timestamp.nullable(),
  /** Budget, burn rates, and everything that follows from them leave out corrected periods. */
  budget: Budget,
  burn_rates: BurnRates,
  /** Null or absent: no correction applies. */
  corrected: Corrected.nullish(),
  burning: z.array(BurnAlert),
  forecast: Forecast,
  /**
   * Less than a tenth of the budget was spent in the last three weeks, all of which are known: the service could ship
   * more.
   */
  untouched: z.boolean(),
  /** `recorded`: by the rules of `slo generate`. `own`: by its own queries. */
  source: z.enum(['recorded', 'own']),
});
export type SloStatus = z.infer<typeof SloStatus>;
