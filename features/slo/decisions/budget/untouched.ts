import { type Account, spentBy } from './account.ts';
import { BURN_PAIRS, BURN_SECONDS } from '../../../../core/domain/monitoring/burn-pairs.ts';
import { sumSince } from '../measurement/observed.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';
import { significant } from './significance.ts';

const THREE_WEEKS_MS = 21 * 86_400_000;
const LITTLE_SPENT = 0.1;

/** Number of errors that the objective allows in three weeks from which the absence of errors is meaningful. */
const ENOUGH_ALLOWED = 5;

/**
 * Returns whether less than a tenth of the window's budget was spent in the last three weeks, all of which are known,
 * and no errors are spending it now.
 */
export function isUntouched(account: Account): boolean {
  const { observed, allowed, span, unitSeconds } = account;
  const { events, errors, ms, knownMs } = sumSince(observed, observed.now - THREE_WEEKS_MS);
  const enough = unitSeconds !== null || events * allowed >= ENOUGH_ALLOWED;
  const ofWindow = (events * (span.until - span.from)) / THREE_WEEKS_MS;
  const isLittle = knownMs === ms && enough && tidy(spentBy(errors, ofWindow, allowed)) < LITTLE_SPENT;
  return isLittle && !isBeingSpent(account);
}

/** Returns whether a burn-alert window has more errors than the objective allows, significantly. */
const isBeingSpent = ({ observed, allowed, unitSeconds }: Account): boolean =>
  BURN_PAIRS.some(({ long }) => {
    const sum = sumSince(observed, observed.now - BURN_SECONDS[long] * 1000);
    return tidy(spentBy(sum.errors, sum.events, allowed)) > 1 && significant(sum, allowed, unitSeconds);
  });
