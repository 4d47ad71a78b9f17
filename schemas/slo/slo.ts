import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../config/names.ts';

/** Id of an objective: `metadata.name` of its document, with `-1`, `-2` … appended if the document has several. */
export const SloId = z.string().min(1).max(253).brand<'SloId'>();
export type SloId = z.infer<typeof SloId>;

/** PromQL, as written; `{{.window}}` stands for the window, and a query with it is a rate per second over it. */
export const Query = z.string().min(1).max(16_384);

export const WINDOW = '{{.window}}';

/**
 * What is counted.
 *
 * - `ratio`: good or bad events of all events. A query is a rate per second; if `counter` is true and the query has no
 *   window, a counter that only increases.
 * - `share`: the share of good (`success`) or bad (`failure`) events, 0 to 1, at each moment; every second counts
 *   alike.
 * - `threshold`: a value that is compared at each moment; every second counts alike. Good while `value op threshold`.
 */
export const Indicator = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ratio'),
    counter: z.boolean(),
    /** Which events `numerator` counts. */
    of: z.enum(['good', 'bad']),
    numerator: Query,
    total: Query,
  }),
  z.object({ kind: z.literal('share'), of: z.enum(['good', 'bad']), query: Query }),
  z.object({
    kind: z.literal('threshold'),
    query: Query,
    op: z.enum(['lt', 'lte', 'gt', 'gte']),
    value: z.number(),
  }),
]);
export type Indicator = z.infer<typeof Indicator>;

/** Window of a budget: the last number of seconds, or a calendar unit in a time zone. */
export const SloWindow = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rolling'), seconds: z.number().int().positive() }),
  z.object({
    kind: z.literal('calendar'),
    unit: z.enum(['day', 'week', 'month', 'quarter', 'year']),
    count: z.number().int().positive(),
    timeZone: z.string(),
    /** Local time at which one of the units began: `2026-01-01T00:00:00`. */
    start: z.string(),
  }),
]);
export type SloWindow = z.infer<typeof SloWindow>;

/** 28 days: 99.9% leaves 40.32 minutes. */
export const DEFAULT_WINDOW: SloWindow = { kind: 'rolling', seconds: 28 * 24 * 3600 };

/** One objective, parsed from an OpenSLO document. */
export const Slo = z.object({
  id: SloId,
  displayName: z.string(),
  description: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The share that must be good, above 0 and below 1. */
  target: z.number().gt(0).lt(1),
  window: SloWindow,
  /** `timeslices`: a slice is good as a whole if the share of good events in it is at least `sliceTarget`. */
  budgeting: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('occurrences') }),
    z.object({
      kind: z.literal('timeslices'),
      /**
       * A multiple of five minutes. In a document it can also be one minute; such an objective is then compared each
       * minute instead.
       */
      sliceSeconds: z.number().int().positive(),
      sliceTarget: z.number().gt(0).max(1),
    }),
  ]),
  indicator: Indicator,
});
export type Slo = z.infer<typeof Slo>;
