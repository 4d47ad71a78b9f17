import type { Bucket } from '../history.ts';

/** Number of allowed errors from which a budget is large enough to be used as counted. */
const ENOUGH_ALLOWED = 5;

/** Maximum probability of chance for smaller budgets. */
const MAX_CHANCE = 0.05;

/** Tolerance for rounding: a sum of counts that just reaches a limit must not be below it. */
const ROUNDING = 1 - 1e-9;

/** Minimum number of errors: a single failure and its retry prove nothing, however rare errors are supposed to be. */
const FEWEST_ERRORS = 3;

/** Minimum number of events; fewer say nothing about a service. */
const FEWEST_EVENTS = 20;

/**
 * Returns whether errors exceed what chance would cause in a service that meets its objective.
 *
 * @param allowed share of events that may fail
 * @param unitSeconds if every second counts equally: length of the shortest observation, which is good or bad as a
 *   whole. All of them were observed, so only the number of bad ones is checked. Null: events are counted
 */
export function significant({ events, errors }: Bucket, allowed: number, unitSeconds: number | null): boolean {
  if (unitSeconds !== null) return errors >= FEWEST_ERRORS * unitSeconds * ROUNDING;
  if (events < FEWEST_EVENTS) return false;
  if (events * allowed >= ENOUGH_ALLOWED * ROUNDING) return true;
  // Prometheus extrapolates: a single event can read as 1.05.
  const failed = Math.round(errors);
  return failed >= FEWEST_ERRORS && chanceOf(failed, Math.round(events), allowed) <= MAX_CHANCE;
}

/**
 * Returns the probability that at least `failed` of `events` fail independently, each with probability `chance`: the
 * exact tail of the binomial distribution, computed as one minus the probabilities of fewer failures. For small means
 * only.
 */
export function chanceOf(failed: number, events: number, chance: number): number {
  let exactly = Math.exp(events * Math.log1p(-chance));
  let fewer = 0;
  for (let count = 0; count < failed; count++) {
    fewer += exactly;
    exactly *= ((events - count) / (count + 1)) * (chance / (1 - chance));
  }
  return Math.max(0, 1 - fewer);
}
