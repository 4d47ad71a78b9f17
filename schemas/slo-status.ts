import * as z from 'zod';
import { EnvironmentName, ServiceName } from './names.ts';
import { SloId } from './slo.ts';
import { Timestamp } from './time.ts';

/** What of a budget is known, and how well. */
export const Budget = z.object({
  /** 1: whole. 0: spent. Below: overspent. Null: too little of the window is known to claim one. */
  remaining: z.number().nullable(),
  /** The part that is spent for certain, whatever happened in what is not known; 1 is all of it. */
  spent_at_least: z.number(),
  /** Of the window's five-minute buckets, the share that is known, 0 to 1. */
  coverage: z.number(),
  /** Counted in what is known; seconds where every second counts alike. */
  events: z.number(),
  errors: z.number(),
  /**
   * Whether the errors are more than chance could bring at the objective: with few events one error is no proof, and
   * then a budget neither warns nor freezes.
   */
  significant: z.boolean(),
});
export type Budget = z.infer<typeof Budget>;

/** Windows of burn rates. @see https://sre.google/workbook/alerting-on-slos/ */
export const BurnWindow = z.enum(['5m', '30m', '1h', '2h', '6h', '1d', '3d']);
export type BurnWindow = z.infer<typeof BurnWindow>;

/** 1: exactly as fast as the objective allows. Null: nothing is known of the window, or nothing happened in it. */
export const BurnRates = z.record(BurnWindow, z.number().nullable());
export type BurnRates = z.infer<typeof BurnRates>;

/** A pair of windows that both burn too fast. */
export const BurnAlert = z.object({
  severity: z.enum(['page', 'ticket']),
  long: BurnWindow,
  short: BurnWindow,
  /** Reached by both. */
  factor: z.number(),
  /** When one of both is below it, if nothing else fails. Absent: an older evaluation, which did not tell. */
  clears_at: Timestamp.nullish(),
});
export type BurnAlert = z.infer<typeof BurnAlert>;

/** What comes, if nothing else happens. Null: it does not come within the window. */
export const Forecast = z.object({
  /** At the present burn rate (1 h), when the budget will be spent. */
  spent_at: Timestamp.nullable(),
  /** At that rate, when so much will be spent that policy warns. Absent: an older evaluation, which did not tell. */
  warns_at: Timestamp.nullish(),
  /** At that rate, when so much will be spent that policy freezes: with 100 %, `spent_at`. Absent: as above. */
  freezes_at: Timestamp.nullish(),
  /**
   * At that rate, when the first of the burn alerts of each severity is reached in both of its windows. Absent: as above.
   */
  burns_at: z.object({ page: Timestamp.nullable(), ticket: Timestamp.nullable() }).nullish(),
  /** As old errors leave the window and none are added, when less is spent than policy warns from. Absent: as above. */
  warning_ends_at: Timestamp.nullish(),
  /** As old errors leave the window and none are added, when the budget is below the level at which freezes lift. */
  lifts_at: Timestamp.nullable(),
  /** The same if it goes on burning as in the last hour. */
  lifts_at_present_burn: Timestamp.nullable(),
});
export type Forecast = z.infer<typeof Forecast>;

/** One objective as the last evaluation found it. */
export const SloStatus = z.object({
  id: SloId,
  service: ServiceName,
  environment: EnvironmentName,
  /**
   * `ok`: counted. `no_data`: Prometheus answers, and has no such series. `no_traffic`: there are series, and nothing
   * happened. `unclear`: NaN, or errors that cannot be told from missing series. `unreadable`: no usable answer.
   */
  state: z.enum(['ok', 'no_data', 'no_traffic', 'unclear', 'unreadable']),
  /** What is wrong, and what to do about it; null: nothing. */
  problem: z.string().nullable(),
  /**
   * Why something of the past is not known that may well be there: range queries are not answered. Null: Prometheus has
   * said all that it has, and what is not known is not there. Absent: an older evaluation, which did not tell.
   */
  unread: z.string().nullish(),
  /** The newest moment of which something is known. Null: nothing ever was. */
  data_at: Timestamp.nullable(),
  budget: Budget,
  burn_rates: BurnRates,
  burning: z.array(BurnAlert),
  forecast: Forecast,
  /** Less than a tenth of a window's budget was spent in the last three weeks, all of which are known: ship more. */
  untouched: z.boolean(),
  /** `recorded`: by the rules of `slo generate`. `own`: by its own queries. */
  source: z.enum(['recorded', 'own']),
});
export type SloStatus = z.infer<typeof SloStatus>;
