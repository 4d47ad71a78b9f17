import type { Budget } from '../../schemas/slo-status.ts';
import { type Account, spentBy } from './account.ts';
import type { Bucket } from './history.ts';
import { tidy } from './rounding.ts';
import { significant } from './significance.ts';

/** The share of a window that has to be known before anything is claimed of its budget. */
const MIN_COVERAGE = 0.95;

/** What of the budget is spent, and how well that is known. */
export function budgetOf(account: Account): Budget {
  const { allowed, sum, unitSeconds } = account;
  const likely = likelyWhole(account);
  const certain = certainWhole(account);
  return {
    remaining: isClaimed(account) ? tidy(1 - spentBy(likely.errors, likely.events, allowed)) : null,
    spent_at_least: tidy(spentBy(certain.errors, certain.events, allowed)),
    coverage: tidy(coverageOf(account)),
    events: tidy(sum.events),
    errors: tidy(sum.errors),
    significant: significant(sum, allowed, unitSeconds),
  };
}

/**
 * The part of a budget that is spent: what is likely, or where too little is known, what is certain. 1 is all of it.
 */
export const spentShare = ({ remaining, spent_at_least: atLeast }: Budget): number =>
  remaining === null ? atLeast : tidy(1 - remaining);

/** Whether enough is known to claim a budget. */
export const isClaimed = (account: Account): boolean => tidy(coverageOf(account)) >= MIN_COVERAGE;

/**
 * All of the span, if what is unknown was like what is known, and what is to come is as usual without errors. A window
 * that rolls has nothing to come.
 */
export function likelyWhole(account: Account): Bucket {
  const coverage = coverageOf(account);
  if (coverage === 0) return certainWhole(account);
  return { events: account.sum.events / coverage + rest(account), errors: account.sum.errors / coverage };
}

/** The same, if there were no errors in what is unknown. Of seconds it is certain how many there were. */
export function certainWhole(account: Account): Bucket {
  const { sum, unitSeconds } = account;
  const counted = sum.knownMs === 0 ? 0 : sum.events / coverageOf(account);
  return { events: (unitSeconds === null ? counted : sum.ms / 1000) + rest(account), errors: sum.errors };
}

/** Of a calendar's period, only what has passed can be known; at its very beginning nothing is missing. */
const coverageOf = ({ sum }: Account): number => (sum.ms === 0 ? 1 : sum.knownMs / sum.ms);

/** Events that are still to come in a calendar's period. */
const rest = ({ observed, span, usual }: Account): number => (span.until - observed.now) * usual;
