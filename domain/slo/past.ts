import type { Slo } from '../../schemas/slo.ts';
import type { SloPoint } from '../../schemas/slo-view.ts';
import { timestamp } from '../../schemas/time.ts';
import { accountOf, historySeconds } from './account.ts';
import { budgetOf } from './budget.ts';
import { BUCKET_MS, type History, indexOf, sumBetween } from './history.ts';
import { spanOf } from './period.ts';
import { tidy } from './rounding.ts';

const DAY_MS = 86_400_000;

/** A quarter; who wants more has it in Prometheus. */
const POINTS_MAX = 92;

/** For how long back buckets have to be known, so that each point has its whole window behind it. */
export const pastSeconds = (slo: Slo, now: number): number =>
  historySeconds(slo) + (now - firstDay(slo, now) * DAY_MS) / 1000;

/** Days since the Unix epoch. */
function firstDay({ window }: Slo, now: number): number {
  return Math.max(Math.floor(spanOf(window, now).from / DAY_MS), Math.floor(now / DAY_MS) - POINTS_MAX + 1);
}

/**
 * How the budget stood at the end of each day, and what happened in it. Today is over where the last bucket has closed.
 *
 * @param history closed buckets, `pastSeconds` of them
 * @param now milliseconds
 */
export function pastOf(slo: Slo, history: History, now: number): SloPoint[] {
  const until = indexOf(now) * BUCKET_MS;
  const points: SloPoint[] = [];
  const counted = accountOf(slo, history, null, until).observed.history;
  for (let begin = firstDay(slo, now) * DAY_MS; begin < until; begin += DAY_MS) {
    const end = Math.min(begin + DAY_MS, until);
    const { events, errors, knownMs, ms } = sumBetween(counted, begin, end);
    points.push({
      at: timestamp(end),
      budget_remaining: budgetOf(accountOf(slo, history, null, end)).remaining,
      events: tidy(events),
      errors: tidy(errors),
      coverage: tidy(knownMs / ms),
    });
  }
  return points;
}
