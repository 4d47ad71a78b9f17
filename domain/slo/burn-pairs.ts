import type { Slo, SloWindow } from '../../schemas/slo.ts';
import type { BurnAlert, BurnWindow } from '../../schemas/slo-status.ts';
import { allowedShare, tidy } from './rounding.ts';

export const BURN_SECONDS: Readonly<Record<BurnWindow, number>> = {
  '5m': 300,
  '30m': 1800,
  '1h': 3600,
  '2h': 7200,
  '6h': 21_600,
  '1d': 86_400,
  '3d': 259_200,
};

/**
 * Pairs of windows, the most urgent first. The short one is there so that an alert ends soon after what caused it.
 * `share`: how much of the budget is spent in the long window when the pair begins to burn, as in the SRE workbook.
 *
 * @see https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
 */
export const BURN_PAIRS = [
  { severity: 'page', long: '1h', short: '5m', share: 0.02 },
  { severity: 'page', long: '6h', short: '30m', share: 0.05 },
  { severity: 'ticket', long: '1d', short: '2h', share: 0.1 },
  { severity: 'ticket', long: '3d', short: '6h', share: 0.1 },
] as const satisfies readonly (Omit<BurnAlert, 'factor'> & { share: number })[];

/** The pairs with the factors of one objective: of 30 days 14.4, 6, 3 and 1, of 28 days 13.44, 5.6, 2.8 and 1. */
export const burnAlertsOf = ({ window, target }: Pick<Slo, 'window' | 'target'>): BurnAlert[] =>
  BURN_PAIRS.map(({ share, ...pair }) => ({
    ...pair,
    factor: factorOf(share, BURN_SECONDS[pair.long], nominalSeconds(window), allowedShare(target)),
  }));

/**
 * The burn rate at which `share` of a budget is spent in `longSeconds`. At least 1, below which the budget lasts; and no
 * more than what is reached when half of all that may not fail fails, so that an outage always burns.
 */
function factorOf(share: number, longSeconds: number, windowSeconds: number, allowed: number): number {
  const scaled = Math.max(1, (share * windowSeconds) / longSeconds);
  return tidy(Math.min(scaled, outageShare(allowed) / allowed));
}

/** The share of errors that counts as an outage, whatever the window is. */
export const outageShare = (allowed: number): number => (1 + allowed) / 2;

const NOMINAL_DAYS = { day: 1, week: 7, month: 30, quarter: 90, year: 365 } as const;

/** The length of a window, in seconds. A calendar month is 30 days, whichever it is: factors do not change with it. */
export const nominalSeconds = (window: SloWindow): number =>
  window.kind === 'rolling' ? window.seconds : NOMINAL_DAYS[window.unit] * window.count * 86_400;
