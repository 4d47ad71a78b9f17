import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { SloPoint } from '../../schemas/slo-view.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { accountOf, historySeconds } from '../budget/account.ts';
import { budgetOf } from '../budget/budget.ts';
import { type AppliedCorrection, appliedIn, excludedBy, excludedMs } from '../corrections.ts';
import { BUCKET_MS, type History, indexOf, sumBetween } from '../history.ts';
import { spanOf } from '../budget/period.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';

const DAY_MS = 86_400_000;

/** Maximum number of points: a quarter. Prometheus has longer histories. */
const POINTS_MAX = 92;

/** Returns how many seconds of buckets are needed so that each point has its full window. */
export const dailyPointsSeconds = (slo: Slo, now: number): number =>
  historySeconds(slo) + (now - firstDay(slo, now) * DAY_MS) / 1000;

/** Returns the day of the first point, in days since the Unix epoch. */
function firstDay({ window }: Slo, now: number): number {
  return Math.max(Math.floor(spanOf(window, now).from / DAY_MS), Math.floor(now / DAY_MS) - POINTS_MAX + 1);
}

/**
 * Returns the budget at the end of each day, and the counts of the day. The current day ends at the last closed bucket.
 *
 * @param history closed buckets for `dailyPointsSeconds`
 * @param now milliseconds
 * @param corrections of the objective
 */
export function dailyPoints(
  slo: Slo,
  history: History,
  now: number,
  corrections: readonly AppliedCorrection[],
): SloPoint[] {
  const until = indexOf(now) * BUCKET_MS;
  const points: SloPoint[] = [];
  const excluded = excludedBy(appliedIn(corrections, { from: now - dailyPointsSeconds(slo, now) * 1000, until }));
  const remainingAt = (end: number, spans: typeof excluded): number | null =>
    budgetOf(accountOf(slo, history, null, end, spans)).remaining;
  const counted = accountOf(slo, history, null, until, excluded).observed.history;
  for (let begin = firstDay(slo, now) * DAY_MS; begin < until; begin += DAY_MS) {
    const end = Math.min(begin + DAY_MS, until);
    const { events, errors, knownMs, ms } = sumBetween(counted, begin, end);
    points.push({
      at: timestamp(end),
      budget_remaining: remainingAt(end, excluded),
      uncorrected_budget_remaining: excluded.length === 0 ? null : remainingAt(end, []),
      events: tidy(events),
      errors: tidy(errors),
      coverage: tidy(knownMs / ms),
      excluded: tidy(excludedMs(excluded, { from: begin, until: end }) / ms),
    });
  }
  return points;
}
