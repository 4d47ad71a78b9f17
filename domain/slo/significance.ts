import type { Bucket } from './history.ts';

/** From so many errors on that the objective allows, a budget is large enough to be taken as it is counted. */
const ENOUGH_ALLOWED = 5;

/** Below, chance has to be ruled out so far. */
const MAX_CHANCE = 0.05;

/** A single failure and its repeat prove nothing, however rare the objective says they are. */
const FEWEST_ERRORS = 3;

/** Fewer say nothing about a service, whatever became of them. */
const FEWEST_EVENTS = 20;

/**
 * Whether errors are more than chance could bring to a service that meets its objective.
 *
 * @param allowed the share of events that may fail
 * @param unitSeconds where every second counts alike: how long the shortest thing is that was looked at, which is
 *   either good or bad as a whole. All of them were seen, so it is only asked whether enough were bad. Null: events are
 *   counted
 */
export function significant({ events, errors }: Bucket, allowed: number, unitSeconds: number | null): boolean {
  if (unitSeconds !== null) return errors >= FEWEST_ERRORS * unitSeconds * (1 - 1e-9);
  if (events < FEWEST_EVENTS) return false;
  if (events * allowed >= ENOUGH_ALLOWED * (1 - 1e-9)) return true;
  // Prometheus extrapolates: one event is 1.05 or so.
  const failed = Math.round(errors);
  return failed >= FEWEST_ERRORS && chanceOf(failed, Math.round(events), allowed) <= MAX_CHANCE;
}

/**
 * The chance that at least `failed` of `events` fail, each of them by itself with `chance`: the tail of the binomial
 * distribution, exactly. For means of a few: it is one minus the chances of all that is fewer.
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
