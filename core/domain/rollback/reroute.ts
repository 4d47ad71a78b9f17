import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { TargetRequest, TargetResponse } from './targets.ts';

/** Weights by target. A target's share of the traffic is its weight divided by the sum. */
export type Weights = Readonly<Record<string, number>>;

/** Sets the weights to `to` if they are still `from`. */
export type RerouteRequest = TargetRequest & { from: Weights; to: Weights };

/**
 * Client of the system that distributes traffic. Every method is one attempt of at most 15 seconds and never throws for
 * errors of the other side; the workflow waits and retries.
 */
export type TrafficRoute = {
  /** Description of the route for people. */
  readonly target: string;
  /** The resource that it changes. Two routes with the same resource are never changed concurrently. */
  readonly resource: string;
  readonly effectClass: Effect['class'];
  /** Whether it is a stand-in of the sandbox, which changes no real system. */
  readonly standIn?: boolean;
  /** Returns the weights of all targets, including those that the catalogue does not name. */
  read(): Promise<
    | { kind: 'weights'; weights: Weights }
    | { kind: 'refused'; detail: string }
    | { kind: 'later'; detail: string; afterSeconds: number | null }
  >;
  /**
   * Sets the weights. Checks first: weights that are already `to` are not set again; others than `from` are
   * `superseded`. Succeeds once the traffic follows the weights.
   */
  set(request: RerouteRequest): Promise<TargetResponse>;
  /** Returns the progress of an accepted change. Absent: the repeated `set` shows it. */
  status?(handle: string, request: RerouteRequest): Promise<TargetResponse>;
};

/** What a step requests. `percent` and `ceiling`: of the whole traffic. */
export type Shift = { from: string; to: string; percent: number; ceiling: number };

/** A computed shift. `none`: nothing is to be shifted, or it is impossible (`isWrong`). */
export type Shifted =
  | { kind: 'shift'; weights: Weights; percent: number }
  | { kind: 'none'; detail: string; isWrong: boolean };

/** Sum of the weights if the found weights cannot express the shift in whole numbers. */
const WHOLE = 100;

/**
 * Computes the weights after a shift, in whole numbers. It never shifts more than the source has, and never raises the
 * share of the destination above the ceiling.
 */
export function shiftWeights(weights: Weights, { from, to, percent, ceiling }: Shift): Shifted {
  const missing = [from, to].find((name) => !Object.hasOwn(weights, name));
  if (missing !== undefined)
    return wrong(`the route has no target ${missing}, only ${Object.keys(weights).join(', ')}`);
  if (from === to) return wrong(`${from} is the source and the destination`);
  const sum = sumOf(weights);
  if (sum <= 0) return wrong('all weights are 0, so the share of each target is not known');
  const share = (name: string): number => ((weights[name] ?? 0) / sum) * 100;
  if (share(from) === 0) return nothing(`${from} has no traffic: ${weightsInWords(weights)}`);
  const moved = Math.min(percent, share(from), Math.max(0, ceiling - share(to)));
  const exact = (sum * moved) / 100;
  const whole = Math.round(exact);
  if (Math.abs(exact - whole) < 1e-9 && Object.values(weights).every(Number.isInteger))
    return whole === 0 ? atCeiling(weights, to, ceiling) : shifted(weights, { from, to }, whole);
  const rescaled = rescale(weights, sum);
  const available = Math.min(
    Math.floor(moved + 1e-9),
    rescaled[from] ?? 0,
    Math.floor((sumOf(rescaled) * ceiling) / 100 + 1e-9) - (rescaled[to] ?? 0),
  );
  // A source that is emptied must not keep a remainder of the rounding.
  const amount = moved === share(from) && ceiling >= share(from) + share(to) ? (rescaled[from] ?? 0) : available;
  return amount <= 0 ? atCeiling(weights, to, ceiling) : shifted(rescaled, { from, to }, amount);
}

function shifted(weights: Weights, { from, to }: Pick<Shift, 'from' | 'to'>, amount: number): Shifted {
  const after = { ...weights, [from]: (weights[from] ?? 0) - amount, [to]: (weights[to] ?? 0) + amount };
  return { kind: 'shift', weights: after, percent: Math.round((amount / sumOf(weights)) * 1000) / 10 };
}

/** Returns whole weights with a sum of about 100. A target with traffic keeps some. */
const rescale = (weights: Weights, sum: number): Weights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [
      name,
      weight === 0 ? 0 : Math.max(1, Math.round((weight / sum) * WHOLE)),
    ]),
  );

const atCeiling = (weights: Weights, to: string, ceiling: number): Shifted =>
  nothing(`${to} cannot take more, at most ${ceiling} % of the traffic: ${weightsInWords(weights)}`);

const wrong = (detail: string): Shifted => ({ kind: 'none', detail, isWrong: true });
const nothing = (detail: string): Shifted => ({ kind: 'none', detail, isWrong: false });

export const sumOf = (weights: Weights): number => Object.values(weights).reduce((sum, weight) => sum + weight, 0);

export const sameWeights = (a: Weights, b: Weights): boolean => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
};

/** Describes weights, such as `eu 70, us 30`. */
export const weightsInWords = (weights: Weights): string =>
  Object.entries(weights)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, weight]) => `${name} ${weight}`)
    .join(', ');
