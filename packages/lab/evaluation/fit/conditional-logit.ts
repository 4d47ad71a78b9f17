/**
 * Conditional logit (McFadden 1974) over rivals of which at most one is the cause, with "none of them" as the outside
 * option of utility 0. Fits the weights of the decision engine's factors.
 */

/** Values of the features of one rival, by name. A feature that is absent has the value 0. */
export type Features = Readonly<Record<string, number>>;

export type Observation = {
  rivals: readonly Features[];
  /** Index of the cause in `rivals`. Null: none of them. */
  cause: number | null;
  /** Weight of the observation in the fit; above 0. */
  weight: number;
};

/** What is known of a weight before the fit. */
export type Prior = {
  /** The value that the weight has without data. */
  mean: number;
  /** Greatest and least accepted value. A factor against a change must not become one in favour of it by chance. */
  min: number;
  max: number;
};

export type Fit = {
  weights: Record<string, number>;
  /** Mean negative log-likelihood of an observation, in nats, without the prior. */
  loss: number;
  /** Passes over all weights until the greatest change was below the tolerance. */
  passes: number;
};

/** Strength of the prior: as that many observations that determine the weight with a variance of 1. */
const PRIOR_STRENGTH = 4;
const MAX_PASSES = 400;
const TOLERANCE = 1e-4;
/** Greatest change of a weight in one step: Newton steps overshoot where the likelihood is flat. */
const MAX_STEP = 1;

/** One rival that has a feature, and its value. */
type Use = { observation: number; rival: number; value: number };

/**
 * Fits the weights by coordinate-wise Newton steps within their bounds. The problem is convex, so the result does not
 * depend on the order.
 *
 * @throws RangeError if an observation has a feature without a prior, or a cause that is not among its rivals
 */
export function fit(observations: readonly Observation[], priors: Readonly<Record<string, Prior>>): Fit {
  const weights = Object.fromEntries(Object.entries(priors).map(([name, { mean }]) => [name, mean]));
  const uses = usesOf(observations, priors);
  const scores = observations.map(({ rivals }) => rivals.map((features) => scoreOf(features, weights)));
  let passes = 0;
  let greatest = Infinity;
  while (passes < MAX_PASSES && greatest > TOLERANCE) {
    passes += 1;
    greatest = 0;
    for (const [name, prior] of Object.entries(priors)) {
      const before = weights[name] ?? prior.mean;
      const after = improved(before, prior, uses.get(name) ?? [], observations, scores);
      for (const { observation, rival, value } of uses.get(name) ?? []) {
        const row = scores[observation];
        if (row !== undefined) row[rival] = (row[rival] ?? 0) + (after - before) * value;
      }
      weights[name] = after;
      greatest = Math.max(greatest, Math.abs(after - before));
    }
  }
  return { weights, loss: lossOf(observations, weights), passes };
}

/** Returns the probability of each rival; the remainder to 1 is that of "none of them". */
export function probabilities(scores: readonly number[]): number[] {
  const top = Math.max(0, ...scores);
  const odds = scores.map((score) => Math.exp(score - top));
  const all = odds.reduce((sum, each) => sum + each, Math.exp(-top));
  return odds.map((each) => each / all);
}

export const scoreOf = (features: Features, weights: Readonly<Record<string, number>>): number =>
  Object.entries(features).reduce((sum, [name, value]) => sum + value * (weights[name] ?? 0), 0);

/** Returns the mean negative log-likelihood of an observation, in nats. */
export function lossOf(observations: readonly Observation[], weights: Readonly<Record<string, number>>): number {
  const total = observations.reduce((sum, { weight }) => sum + weight, 0);
  const loss = observations.reduce((sum, { rivals, cause, weight }) => {
    const shares = probabilities(rivals.map((features) => scoreOf(features, weights)));
    const own = cause === null ? 1 - shares.reduce((all, share) => all + share, 0) : (shares[cause] ?? 0);
    return sum - weight * Math.log(Math.max(own, 1e-12));
  }, 0);
  return total > 0 ? loss / total : 0;
}

function usesOf(
  observations: readonly Observation[],
  priors: Readonly<Record<string, Prior>>,
): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Use[]>(Object.keys(priors).map((name) => [name, []]));
  for (const [observation, { rivals, cause }] of observations.entries()) {
    if (cause !== null && rivals[cause] === undefined)
      throw new RangeError(`observation ${observation}: the cause ${cause} is not among its ${rivals.length} rivals`);
    for (const [rival, features] of rivals.entries())
      for (const [name, value] of Object.entries(features)) {
        const known = uses.get(name);
        if (known === undefined) throw new RangeError(`observation ${observation}: no prior for the feature ${name}`);
        if (value !== 0) known.push({ observation, rival, value });
      }
  }
  return uses;
}

/** Returns the weight after one Newton step on the penalised likelihood, within its bounds. */
function improved(
  weight: number,
  { mean, min, max }: Prior,
  uses: readonly Use[],
  observations: readonly Observation[],
  scores: readonly (readonly number[])[],
): number {
  let slope = PRIOR_STRENGTH * (weight - mean);
  let curvature = PRIOR_STRENGTH;
  let next = 0;
  while (next < uses.length) {
    const at = uses[next]?.observation ?? 0;
    const { cause, weight: counts } = observations[at] ?? { cause: null, weight: 0 };
    const shares = probabilities(scores[at] ?? []);
    let [first, second] = [0, 0];
    for (let use = uses[next]; use !== undefined && use.observation === at; use = uses[(next += 1)]) {
      const share = shares[use.rival] ?? 0;
      first += share * use.value;
      second += share * use.value * use.value;
      if (use.rival === cause) slope -= counts * use.value;
    }
    slope += counts * first;
    curvature += counts * (second - first * first);
  }
  const step = Math.max(-MAX_STEP, Math.min(MAX_STEP, slope / curvature));
  return Math.max(min, Math.min(max, weight - step));
}
