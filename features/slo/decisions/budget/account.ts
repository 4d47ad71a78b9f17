import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { BurnAlert } from '../../../../schemas/slo/slo-status.ts';
import { burnAlertsOf } from '../../../../core/domain/monitoring/burn-pairs.ts';
import { excludedMs, recentWithout, withoutSpans } from '../corrections.ts';
import { type Bucket, type History, SAMPLE_SECONDS, type Sum } from '../history.ts';
import { certainSince, type Observed, sumSince } from '../measurement/observed.ts';
import { longestSeconds, type Span, spanOf } from './period.ts';
import { allowedShare } from '../../../../core/domain/monitoring/rounding.ts';
import { inSlices } from '../measurement/slices.ts';

const WEEK_MS = 7 * 86_400_000;
const MS_PER_SECOND = 1000;

/** Maximum look-back besides the window, in seconds: three weeks, for untouched budgets. */
const FURTHEST_SECONDS = 21 * 86_400;

/** Inputs for all numbers of an objective at one moment. */
export type Account = {
  /** Counts in the unit of the objective's budgeting method: events or seconds. */
  observed: Observed;
  /** Share of events that may fail. */
  allowed: number;
  /** Time span of the budget. A calendar period extends beyond now. */
  span: Span;
  /**
   * Null: events are counted. Otherwise seconds are counted, and this is the shortest time that is good or bad as a
   * whole.
   */
  unitSeconds: number | null;
  /** Sum over the span, up to now. */
  sum: Sum;
  /** Multiwindow burn-rate alerts, most urgent first. */
  pairs: readonly BurnAlert[];
  /** Usual events per millisecond: the mean of the known part of the last week. */
  usual: number;
};

/**
 * Returns the inputs for all numbers of an objective from its counts.
 *
 * @param now milliseconds since the Unix epoch
 * @param recent the last 300 seconds up to now; null: unknown
 * @param excluded periods that do not count
 */
export function accountOf(
  slo: Slo,
  history: History,
  recent: Bucket | null,
  now: number,
  excluded: readonly Span[] = [],
): Account {
  const counted = withoutExcluded({ history, now, recent }, excluded);
  // A slice is judged by its remaining buckets, and only these count.
  const observed =
    slo.budgeting.kind === 'timeslices' ? withoutExcluded(inSlices(counted, slo.budgeting), excluded) : counted;
  return accountIn(slo, observed, spanOf(slo.window, now), excluded);
}

/**
 * Returns the inputs for all numbers of an objective.
 *
 * @param observed counts in the unit of the objective's budgeting method, without the excluded periods
 */
export function accountIn(slo: Slo, observed: Observed, span: Span, excluded: readonly Span[]): Account {
  const { now } = observed;
  const unitSeconds = unitOf(slo);
  return {
    observed,
    allowed: allowedShare(slo.target),
    span,
    unitSeconds,
    // A running slice is entirely good or bad, so its last 300 seconds cannot be summed separately.
    sum: withoutExcludedTime(
      slo.budgeting.kind === 'timeslices' ? sumSince(observed, span.from) : certainSince(observed, span.from),
      excludedMs(excluded, { from: span.from, until: now }),
    ),
    pairs: burnAlertsOf(slo),
    usual: unitSeconds === null ? usualOf(observed, excluded) : 1 / MS_PER_SECOND,
  };
}

const withoutExcluded = ({ history, now, recent }: Observed, excluded: readonly Span[]): Observed => ({
  history: withoutSpans(history, excluded),
  now,
  recent: recentWithout(recent, now, excluded),
});

function unitOf({ budgeting, indicator }: Slo): number | null {
  if (budgeting.kind === 'timeslices') return budgeting.sliceSeconds;
  return indicator.kind === 'ratio' ? null : SAMPLE_SECONDS;
}

/** Leaves out excluded time, so that a sum and its coverage are those of the remaining time. */
const withoutExcludedTime = (sum: Sum, excluded: number): Sum => ({
  ...sum,
  ms: Math.max(0, sum.ms - excluded),
  knownMs: Math.max(0, sum.knownMs - excluded),
});

function usualOf(observed: Observed, excluded: readonly Span[]): number {
  const { now } = observed;
  const from = now - WEEK_MS;
  const { events, knownMs } = withoutExcludedTime(sumSince(observed, from), excludedMs(excluded, { from, until: now }));
  return knownMs === 0 ? 0 : events / knownMs;
}

/** Returns how many seconds of an objective's history must be stored. */
export const historySeconds = (slo: Slo): number => Math.max(longestSeconds(slo.window), FURTHEST_SECONDS) + 86_400;

/** @returns the share of the budget of `eligible` events that these errors spend; 1 is the whole budget */
export const spentBy = (errors: number, eligible: number, allowed: number): number =>
  errors === 0 ? 0 : errors / (allowed * eligible);
