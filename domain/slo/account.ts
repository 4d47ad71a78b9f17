import type { Slo } from '../../schemas/slo.ts';
import type { BurnAlert } from '../../schemas/slo-status.ts';
import { burnAlertsOf } from './burn-pairs.ts';
import { type Bucket, type History, SAMPLE_SECONDS, type Sum } from './history.ts';
import { certainSince, type Observed, sumSince } from './observed.ts';
import { longestSeconds, type Span, spanOf } from './period.ts';
import { allowedShare } from './rounding.ts';
import { inSlices } from './slices.ts';

const WEEK_MS = 7 * 86_400_000;
const MS_PER_SECOND = 1000;

/** How far back anything looks, whatever the window: an untouched budget, three weeks. */
const FURTHEST_SECONDS = 21 * 86_400;

/** What all numbers of an objective are made of, at one moment. */
export type Account = {
  /** Counted as the objective's budgeting says: events, or seconds. */
  observed: Observed;
  /** The share of events that may fail. */
  allowed: number;
  /** What the budget is of. A calendar's reaches beyond now. */
  span: Span;
  /** Null: events are counted. Otherwise seconds are, and this is the shortest time that is good or bad as a whole. */
  unitSeconds: number | null;
  /** Of the span, up to now. */
  sum: Sum;
  /** Windows and burn rates at which it burns too fast, the most urgent first. */
  pairs: readonly BurnAlert[];
  /** Events in a millisecond, as is usual: the mean of what is known of the last week. */
  usual: number;
};

/** @param now milliseconds since the Unix epoch @param recent the last 300 seconds up to now; null: unknown */
export function accountOf(slo: Slo, history: History, recent: Bucket | null, now: number): Account {
  const counted: Observed = { history, now, recent };
  const observed = slo.budgeting.kind === 'timeslices' ? inSlices(counted, slo.budgeting) : counted;
  const span = spanOf(slo.window, now);
  const unitSeconds = unitOf(slo);
  return {
    observed,
    allowed: allowedShare(slo.target),
    span,
    unitSeconds,
    // A slice that is not over is one thing or the other; the last 300 seconds of it are no part of a sum.
    sum: slo.budgeting.kind === 'timeslices' ? sumSince(observed, span.from) : certainSince(observed, span.from),
    pairs: burnAlertsOf(slo),
    usual: unitSeconds === null ? usualOf(observed) : 1 / MS_PER_SECOND,
  };
}

function unitOf({ budgeting, indicator }: Slo): number | null {
  if (budgeting.kind === 'timeslices') return budgeting.sliceSeconds;
  return indicator.kind === 'ratio' ? null : SAMPLE_SECONDS;
}

function usualOf(observed: Observed): number {
  const { events, knownMs } = sumSince(observed, observed.now - WEEK_MS);
  return knownMs === 0 ? 0 : events / knownMs;
}

/** For how long an objective's history has to be kept. */
export const historySeconds = (slo: Slo): number => Math.max(longestSeconds(slo.window), FURTHEST_SECONDS) + 86_400;

/** @returns how much of a budget of `eligible` events these errors are; 1 is all of it */
export const spentBy = (errors: number, eligible: number, allowed: number): number =>
  errors === 0 ? 0 : errors / (allowed * eligible);
