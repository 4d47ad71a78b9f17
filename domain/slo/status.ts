import type { Slo } from '../../schemas/slo.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import { timestamp } from '../../schemas/time.ts';
import { accountOf } from './account.ts';
import { budgetOf } from './budget.ts';
import { burningOf, burnRatesOf } from './burn.ts';
import { forecastOf, type Levels } from './forecast.ts';
import type { Bucket, History } from './history.ts';
import { knownUntil } from './observed.ts';
import { isUntouched } from './untouched.ts';

/** What an evaluation knows besides the numbers. */
export type Found = Pick<SloStatus, 'state' | 'problem' | 'source'> & {
  /** Why something of the past could not be read. Null: it could. */
  unread: string | null;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /** As policy has them. */
  levels: Levels;
};

/**
 * All that is said of one objective.
 *
 * @param history closed buckets, `historySeconds` of them
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
