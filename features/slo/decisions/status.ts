import type { Slo } from '../../../schemas/slo/slo.ts';
import type { Corrected, SloStatus } from '../../../schemas/slo/slo-status.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { type Account, accountOf, historySeconds } from './budget/account.ts';
import { budgetOf } from './budget/budget.ts';
import { burningOf, burnRatesOf } from './budget/burn.ts';
import { forecastOf, type Levels } from './budget/forecast.ts';
import { type AppliedCorrection, appliedIn, excludedBy, excludedMs } from './corrections.ts';
import type { Bucket, History } from './history.ts';
import { knownUntil } from './measurement/observed.ts';
import { isUntouched } from './budget/untouched.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Results of an evaluation besides the numbers. */
export type EvaluationResult = Pick<SloStatus, 'state' | 'problem' | 'source'> & {
  /** Why a part of the past could not be read. Null: all of it was read. */
  unread: string | null;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /** Levels of the policy. */
  levels: Levels;
  /** Corrections of the objective. */
  corrections: readonly AppliedCorrection[];
};

/** How many corrections a status lists, and how much of their reasons: one item stores all objectives of a service. */
const LISTED_MAX = 3;
const REASON_MAX_CHARS = 120;

/**
 * Builds the status of an objective.
 *
 * @param history closed buckets for `historySeconds`
 * @param recent the last 300 seconds up to now; null: unknown
 */
export function statusOf(slo: Slo, history: History, recent: Bucket | null, result: EvaluationResult): SloStatus {
  const { now } = result;
  const uncorrected = accountOf(slo, history, recent, now);
  const applied = appliedIn(result.corrections, { from: now - historySeconds(slo) * 1000, until: now });
  const account = applied.length === 0 ? uncorrected : accountOf(slo, history, recent, now, excludedBy(applied));
  const rates = burnRatesOf(account);
  const known = knownUntil(uncorrected.observed);
  return {
    id: slo.id,
    service: slo.service,
    environment: slo.environment,
    state: result.state,
    problem: result.problem,
    unread: result.unread,
    data_at: known === null ? null : timestamp(known),
    budget: budgetOf(account),
    burn_rates: rates,
    corrected: correctedOf(uncorrected, applied),
    burning: burningOf(account, rates),
    forecast: forecastOf(account, result.levels),
    untouched: isUntouched(account),
    source: result.source,
  };
}

function correctedOf(uncorrected: Account, applied: readonly AppliedCorrection[]): Corrected | null {
  if (applied.length === 0) return null;
  const { span, observed } = uncorrected;
  const latest = applied
    .map(({ correction }) => correction)
    .toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1))
    .slice(0, LISTED_MAX);
  return {
    count: applied.length,
    excluded_seconds: excludedMs(excludedBy(applied), { from: span.from, until: observed.now }) / 1000,
    corrections: latest.map(({ id, category, reason, starts_at, ends_at, rrule, created_by }) => ({
      id,
      category,
      reason: truncated(reason, REASON_MAX_CHARS),
      starts_at,
      ends_at,
      rrule,
      created_by,
    })),
    uncorrected: { budget: budgetOf(uncorrected), burn_rates: burnRatesOf(uncorrected) },
  };
}
