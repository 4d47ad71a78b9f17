import { type Account, spentBy } from './account.ts';
import { sumSince } from './observed.ts';
import { tidy } from './rounding.ts';

const THREE_WEEKS_MS = 21 * 86_400_000;
const LITTLE = 0.1;

/** Errors that the objective would have allowed in three weeks; with fewer, none of them is no proof. */
const ENOUGH_ALLOWED = 5;

/** Whether less than a tenth of a window's budget was spent in the last three weeks, all of which are known. */
export function isUntouched({ observed, allowed, span, unitSeconds }: Account): boolean {
  const { events, errors, ms, knownMs } = sumSince(observed, observed.now - THREE_WEEKS_MS);
  const enough = unitSeconds !== null || events * allowed >= ENOUGH_ALLOWED;
  const ofWindow = (events * (span.until - span.from)) / THREE_WEEKS_MS;
  return knownMs === ms && enough && tidy(spentBy(errors, ofWindow, allowed)) < LITTLE;
}
