import { type Account, spentBy } from './account.ts';
import { BURN_PAIRS, BURN_SECONDS } from './burn-pairs.ts';
import { sumSince } from './observed.ts';
import { tidy } from './rounding.ts';
import { significant } from './significance.ts';

const THREE_WEEKS_MS = 21 * 86_400_000;
const LITTLE = 0.1;

/** Errors that the objective would have allowed in three weeks; with fewer, none of them is no proof. */
const ENOUGH_ALLOWED = 5;

/**
 * Whether less than a tenth of a window's budget was spent in the last three weeks, all of which are known, and it is not
 * being spent now.
 */
export function isUntouched(account: Account): boolean {
  const { observed, allowed, span, unitSeconds } = account;
  const { events, errors, ms, knownMs } = sumSince(observed, observed.now - THREE_WEEKS_MS);
  const enough = unitSeconds !== null || events * allowed >= ENOUGH_ALLOWED;
  const ofWindow = (events * (span.until - span.from)) / THREE_WEEKS_MS;
  const isLittle = knownMs === ms && enough && tidy(spentBy(errors, ofWindow, allowed)) < LITTLE;
  return isLittle && !isBeingSpent(account);
}

/** Whether more fails than the objective allows, and than chance could bring, in one of the windows that alerts look at. */
const isBeingSpent = ({ observed, allowed, unitSeconds }: Account): boolean =>
  BURN_PAIRS.some(({ long }) => {
    const sum = sumSince(observed, observed.now - BURN_SECONDS[long] * 1000);
    return tidy(spentBy(sum.errors, sum.events, allowed)) > 1 && significant(sum, allowed, unitSeconds);
  });
