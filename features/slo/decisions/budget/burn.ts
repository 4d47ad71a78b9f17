import { type BurnAlert, BurnWindow, type BurnRates } from '../../../../schemas/slo/slo-status.ts';
import { timestamp, type Timestamp } from '../../../../schemas/time/time.ts';
import { type Account, spentBy } from './account.ts';
import { BURN_SECONDS } from '../../../../core/domain/monitoring/burn-pairs.ts';
import type { Bucket } from '../history.ts';
import { sumSince } from '../measurement/observed.ts';
import { timeUntilQuiet, timeUntil } from '../time-until.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';
import { significant } from './significance.ts';

/** Computes the burn rate of each window from its known part. */
export function burnRatesOf(account: Account): BurnRates {
  const rates = BurnWindow.options.map((window) => [window, rateOf(account, window)] as const);
  return Object.fromEntries(rates) as BurnRates;
}

const rateOf = ({ observed, allowed }: Account, window: BurnWindow): number | null =>
  rateIn(sumSince(observed, observed.now - BURN_SECONDS[window] * 1000), allowed);

const rateIn = ({ events, errors }: Bucket, allowed: number): number | null =>
  events === 0 ? null : tidy(spentBy(errors, events, allowed));

/**
 * Returns the alerts whose factor is reached in both windows, with a significant number of errors in the long window.
 */
export const burningOf = (account: Account, rates: BurnRates): BurnAlert[] =>
  reachedAlerts(account, rates).map((alert) => ({ ...alert, clears_at: clearsAt(account, alert) }));

/** Returns the same without a forecast of when they clear, which takes longer than all the rest. */
export const reachedAlerts = (account: Account, rates: BurnRates): BurnAlert[] =>
  account.pairs.filter(
    ({ long, short, factor }) =>
      (rates[long] ?? 0) >= factor && (rates[short] ?? 0) >= factor && isSignificant(account, long),
  );

/**
 * Forecasts when the first alert of each severity reaches its factor in both windows. Null: not at the current burn
 * rate, or the current burn is not significant.
 *
 * @param coming errors per millisecond, if the current burn continues
 */
export function burnsAt(account: Account, coming: number): { page: Timestamp | null; ticket: Timestamp | null } {
  const burns = isSignificant(account, '1h');
  const first = (severity: BurnAlert['severity']): Timestamp | null => {
    if (!burns) return null;
    const after = account.pairs
      .filter((alert) => alert.severity === severity)
      .flatMap((alert) => reachedAfter(account, alert, coming) ?? []);
    return after.length === 0 ? null : timestamp(Math.ceil(account.observed.now + Math.min(...after)));
  };
  return { page: first('page'), ticket: first('ticket') };
}

/**
 * Returns milliseconds until both windows reach the factor. A window that reached it stays there, because the coming
 * errors burn at least as fast.
 */
function reachedAfter(account: Account, { long, short, factor }: BurnAlert, coming: number): number | null {
  const { allowed, unitSeconds, usual } = account;
  if ((rateIn({ events: usual, errors: coming }, allowed) ?? 0) < factor) return null;
  const isReached = (sum: Bucket): boolean => (rateIn(sum, allowed) ?? 0) >= factor;
  const after = (window: BurnWindow, condition: (sum: Bucket) => boolean): number | null =>
    timeUntil(account, { seconds: BURN_SECONDS[window], coming }, condition);
  const untilLong = after(long, (sum) => isReached(sum) && significant(sum, allowed, unitSeconds));
  const untilShort = after(short, isReached);
  return untilLong === null || untilShort === null ? null : Math.max(untilLong, untilShort);
}

const isSignificant = ({ observed, allowed, unitSeconds }: Account, window: BurnWindow): boolean =>
  significant(sumSince(observed, observed.now - BURN_SECONDS[window] * 1000), allowed, unitSeconds);

/**
 * Returns the first moment at which one of the two windows is below the factor, or the errors of the long window are
 * not significant.
 */
function clearsAt(account: Account, { long, short, factor }: BurnAlert): Timestamp {
  const { allowed, unitSeconds, observed } = account;
  const isBelow = (sum: Bucket): boolean => (rateIn(sum, allowed) ?? 0) < factor;
  const untilLong = timeUntilQuiet(
    account,
    BURN_SECONDS[long],
    (sum) => isBelow(sum) || !significant(sum, allowed, unitSeconds),
  );
  const untilShort = timeUntilQuiet(account, BURN_SECONDS[short], isBelow);
  return timestamp(Math.ceil(observed.now + Math.min(untilLong, untilShort)));
}
