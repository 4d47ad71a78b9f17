import { millisOf } from '../../../schemas/time/time.ts';
import type { Evidence, Health } from './evidence.ts';
import { median, pointsBetween, pointsOf } from './samples.ts';

/** Limits above this are percentages: no ratio of failed requests above it is healthy. */
const GREATEST_RATIO = 0.2;

/** Returns the value of the health query if all requests fail. Where the query does not tell, its limit does. */
export const wholeIn = ({ whole, max }: Pick<Health, 'whole' | 'max'>): 1 | 100 =>
  whole ?? (max > GREATEST_RATIO ? 100 : 1);

/** Ratio of the classic doubling, from which on values differ by more than noise, and from which on they differ by far. */
export const DOUBLED = 2;
export const FAR_WORSE = 3;

/** Minimum requests that tell whether what takes them fails; with fewer, chance decides. */
export const MIN_REQUESTS = 10;

/** Time before the evaluation whose usual traffic counts. */
const USUAL_MS = 3600_000;

/** Standard deviations of a count that chance exceeds about once in a thousand samples. */
const DEVIATIONS = 3;

/** Half a failure more than one: a single failed request is always chance. */
const MORE_THAN_ONE = 1.5;

/**
 * Returns the value of the health query that a single failed request causes. Null: not known, because requests or the window
 * are not measured, or because the query is a quantile.
 */
export function singleFailure({ health, traffic, at }: Pick<Evidence, 'health' | 'traffic' | 'at'>): number | null {
  if (health === null || health.quantile === true || health.window == null || traffic === null) return null;
  const until = millisOf(at);
  const rate = median(pointsBetween(pointsOf(traffic, at), until - USUAL_MS, until + 1));
  const requests = rate * health.window;
  return requests > 0 ? wholeIn(health) / requests : null;
}

/**
 * Returns the value up to which a rate of requests varies by chance around a usual value (Poisson distribution).
 * @param single value that a single request causes
 */
export const greatestByChance = (usual: number, single: number): number =>
  usual + DEVIATIONS * Math.sqrt(Math.max(0, usual) * single) + MORE_THAN_ONE * single;

/** Returns the limit or, if that is higher, the value that chance explains around a usual one. */
export const limitBeyondChance = (limit: number, usual: number, single: number | null): number =>
  single === null ? limit : Math.max(limit, greatestByChance(usual, single));

/** Returns whether the errors became fewer by more than chance. */
export const hasFallen = (from: number, to: number, single: number | null): boolean =>
  single === null || from - to > DEVIATIONS * Math.sqrt(from * single);
