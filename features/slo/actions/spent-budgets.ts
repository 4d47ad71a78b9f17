import { storedHistory } from './history.ts';
import type { Deps } from '../ports.ts';
import { objectivesFor } from '../../../core/domain/catalogue/catalogue.ts';
import type { SpentBudget } from '../../../core/domain/ports/error-budgets.ts';
import { accountOf } from '../decisions/budget/account.ts';
import { certainWhole, likelyWhole } from '../decisions/budget/budget.ts';
import { longestSeconds } from '../decisions/budget/period.ts';
import { BUCKET_MS, bucketAt, indexOf, sumBetween } from '../decisions/history.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { millisOf, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/**
 * Returns what the objectives of a service counted between two times, in whole buckets: of a part of one, it is not known how many of
 * its errors it has. Leaves out objectives without counts.
 */
export async function spentBudgets(
  deps: Pick<Deps, 'sloDays' | 'log'>,
  config: Config,
  of: { service: string; environment: string },
  { from, until }: { from: Timestamp; until: Timestamp },
): Promise<SpentBudget[]> {
  const budgets: SpentBudget[] = [];
  for (const slo of objectivesFor(config, of)) {
    try {
      const spent = await spentOf(deps, slo, millisOf(from), millisOf(until));
      if (spent !== null) budgets.push(spent);
    } catch (error) {
      deps.log.warn('the counts of an objective could not be read for a post-mortem', {
        slo: slo.id,
        error: String(error),
      });
    }
  }
  return budgets;
}

async function spentOf(
  { sloDays }: Pick<Deps, 'sloDays'>,
  slo: Slo,
  fromMs: number,
  untilMs: number,
): Promise<SpentBudget | null> {
  const history = await storedHistory(sloDays, slo, longestSeconds(slo.window), untilMs);
  const isKnown = (index: number): boolean => bucketAt(history, index) !== null;
  let [first, end] = [indexOf(fromMs), indexOf(Math.max(fromMs, untilMs - 1)) + 1];
  while (first < end && !isKnown(first)) first += 1;
  while (first < end && !isKnown(end - 1)) end -= 1;
  if (first === end) return null;
  const { events, errors } = sumBetween(history, first * BUCKET_MS, end * BUCKET_MS);
  const account = accountOf(slo, history, null, untilMs);
  const whole = [likelyWhole(account), certainWhole(account)].find((one) => one.events > 0);
  const isSliced = slo.budgeting.kind === 'timeslices';
  return {
    id: slo.id,
    title: slo.displayName,
    from: timestamp(first * BUCKET_MS),
    until: timestamp(end * BUCKET_MS),
    unit: slo.indicator.kind === 'ratio' ? 'requests' : 'seconds',
    events,
    errors,
    // Slices are good or bad as a whole, so their share does not follow from the counts.
    share: isSliced || whole === undefined ? null : errors / (whole.events * account.allowed),
  };
}
