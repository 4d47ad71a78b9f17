import type { Budget } from '../../../../schemas/slo/slo-status.ts';
import { type Account, spentBy } from './account.ts';
import type { Bucket } from '../history.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';
import { significant } from './significance.ts';

/** Share of a window that must be known before the remaining budget is stated. */
const MIN_COVERAGE = 0.95;

/** Computes the spent budget and how well it is known. */
export function budgetOf(account: Account): Budget {
  const { allowed, sum, unitSeconds } = account;
  const likely = likelyWhole(account);
  const certain = certainWhole(account);
  return {
    remaining: isKnownWellEnough(account) ? tidy(1 - spentBy(likely.errors, likely.events, allowed)) : null,
    spent_at_least: tidy(spentBy(certain.errors, certain.events, allowed)),
    coverage: tidy(coverageOf(account)),
    events: tidy(sum.events),
    errors: tidy(sum.errors),
    significant: significant(sum, allowed, unitSeconds),
  };
}

/** Returns whether enough of the window is known to state the budget. */
export const isKnownWellEnough = (account: Account): boolean => tidy(coverageOf(account)) >= MIN_COVERAGE;

/**
 * Extrapolates to the whole span: assumes that the unknown part resembles the known part, and that the future part has
 * the usual traffic without errors. A rolling window has no future part.
 */
export function likelyWhole(account: Account): Bucket {
  const coverage = coverageOf(account);
  if (coverage === 0) return certainWhole(account);
  return { events: account.sum.events / coverage + eventsToCome(account), errors: account.sum.errors / coverage };
}

/**
 * Extrapolates to the whole span, assuming no errors in the unknown part. If seconds are counted, their number is
 * certain.
 */
export function certainWhole(account: Account): Bucket {
  const { sum, unitSeconds } = account;
  const counted = sum.knownMs === 0 ? 0 : sum.events / coverageOf(account);
  return { events: (unitSeconds === null ? counted : sum.ms / 1000) + eventsToCome(account), errors: sum.errors };
}

/**
 * Returns the known share of the elapsed span. The future part of a calendar period cannot be known; at the very start
 * of a period nothing is missing.
 */
const coverageOf = ({ sum }: Account): number => (sum.ms === 0 ? 1 : sum.knownMs / sum.ms);

/** Estimates the events still to come in a calendar period. */
const eventsToCome = ({ observed, span, usual }: Account): number => (span.until - observed.now) * usual;
