import type { Slo, SloWindow } from '../../../schemas/slo/slo.ts';
import type { BurnAlert, BurnWindow } from '../../../schemas/slo/slo-status.ts';
import { allowedShare, tidy } from './rounding.ts';

/** Lengths of the windows in seconds. */
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
 * Window pairs, most urgent first. The short window ends an alert soon after its cause ends. `share`: share of the
 * budget spent in the long window when the pair starts to fire, as in the SRE workbook.
 *
 * @see https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
 */
export const BURN_PAIRS = [
  { severity: 'page', long: '1h', short: '5m', share: 0.02 },
  { severity: 'page', long: '6h', short: '30m', share: 0.05 },
  { severity: 'ticket', long: '1d', short: '2h', share: 0.1 },
  { severity: 'ticket', long: '3d', short: '6h', share: 0.1 },
] as const satisfies readonly (Omit<BurnAlert, 'factor'> & { share: number })[];

/**
 * Returns the pairs with the burn-rate factors of an objective: 14.4, 6, 3, and 1 for 30 days; 13.44, 5.6, 2.8, and 1
 * for 28 days.
 */
export const burnAlertsOf = ({ window, target }: Pick<Slo, 'window' | 'target'>): BurnAlert[] =>
  BURN_PAIRS.map(({ share, ...pair }) => ({
    ...pair,
    factor: factorOf(share, BURN_SECONDS[pair.long], nominalSeconds(window), allowedShare(target)),
  }));

/**
 * Returns the burn rate that spends `share` of the budget in `longSeconds`. At least 1, below which the budget lasts.
 * Capped at the burn rate of an outage (`outageShare`), so that an outage always fires.
 */
function factorOf(share: number, longSeconds: number, windowSeconds: number, allowed: number): number {
  const scaled = Math.max(1, (share * windowSeconds) / longSeconds);
  return tidy(Math.min(scaled, outageShare(allowed) / allowed));
}

/**
 * Returns the share of errors that counts as an outage, for any window: halfway from the allowed share to all events.
 */
export const outageShare = (allowed: number): number => (1 + allowed) / 2;

const NOMINAL_DAYS = { day: 1, week: 7, month: 30, quarter: 90, year: 365 } as const;

/**
 * Returns the length of a window in seconds. A calendar month always counts 30 days, so that factors do not vary by
 * month.
 */
export const nominalSeconds = (window: SloWindow): number =>
  window.kind === 'rolling' ? window.seconds : NOMINAL_DAYS[window.unit] * window.count * 86_400;
