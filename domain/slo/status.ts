import type { Slo } from '../../schemas/slo/slo.ts';
import type { SloStatus } from '../../schemas/slo/slo-status.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { accountOf } from './budget/account.ts';
import { budgetOf } from './budget/budget.ts';
import { burningOf, burnRatesOf } from './budget/burn.ts';
import { forecastOf, type Levels } from './budget/forecast.ts';
import type { Bucket, History } from './history.ts';
import { knownUntil } from './measurement/observed.ts';
import { isUntouched } from './budget/untouched.ts';

/** Results of an evaluation besides the numbers. */
export type Found = Pick<SloStatus, 'state' | 'problem' | 'source'> & {
  /** Why a part of the past could not be read. Null: all of it was read. */
  unread: string | null;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /** Levels of the policy. */
  levels: Levels;
};

/**
 * Builds the status of an objective.
 *
 * @param history closed buckets for `historySeconds`
 * @param recent the last 300 seconds up to now; null: unknown
 */
export function statusOf(slo: Slo, history: History, recent: Bucket | null, found: Found): SloStatus {
  const account = accountOf(slo, history, recent, found.now);
  const rates = burnRatesOf(account);
  const known = knownUntil(account.observed);
  return {
    id: slo.id,
    service: slo.service,
    environment: slo.environment,
    state: found.state,
    problem: found.problem,
    unread: found.unread,
    data_at: known === null ? null : timestamp(known),
    budget: budgetOf(account),
    burn_rates: rates,
    burning: burningOf(account, rates),
    forecast: forecastOf(account, found.levels),
    untouched: isUntouched(account),
    source: found.source,
  };
}
