/** Up to this many values, the distribution is computed exactly; with more, it is close to normal. */
const COUNTED_MAX = 60;

/**
 * Returns the one-sided probability of the Mann-Whitney test that values of one population exceed those of the other as
 * clearly as `higher` exceeds `lower`. Exact, also with equal values, for up to 60 values. 1 without values.
 */
export function rankTest(higher: readonly number[], lower: readonly number[]): number {
  if (higher.length === 0 || lower.length === 0) return 1;
  const ranks = doubledRanks([...higher, ...lower]);
  const sum = ranks.slice(0, higher.length).reduce((total, rank) => total + rank, 0);
  return ranks.length <= COUNTED_MAX
    ? countedTail(ranks, higher.length, sum)
    : approximatedTail(ranks, higher.length, sum);
}

/** Returns twice the rank of each value, so that the mean rank of equal values is an integer. */
function doubledRanks(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const ranks = new Map<number, number>();
  for (const value of values)
    if (!ranks.has(value)) ranks.set(value, sorted.indexOf(value) + sorted.lastIndexOf(value) + 2);
  return values.map((value) => ranks.get(value) ?? 0);
}

/** Counts the selections of `chosen` ranks whose sum is at least `sum`. */
function countedTail(ranks: readonly number[], chosen: number, sum: number): number {
  // ways[c].get(s): the number of selections of c of the ranks seen so far whose sum is s.
  const ways = Array.from({ length: chosen + 1 }, () => new Map<number, number>());
  ways[0]?.set(0, 1);
  ranks.forEach((rank, seen) => {
    for (let count = Math.min(chosen, seen + 1); count >= 1; count -= 1) {
      const target = ways[count];
      for (const [before, selections] of ways[count - 1] ?? [])
        target?.set(before + rank, (target.get(before + rank) ?? 0) + selections);
    }
  });
  let [all, extreme] = [0, 0];
  for (const [total, selections] of ways[chosen] ?? []) {
    all += selections;
    if (total >= sum) extreme += selections;
  }
  return extreme / all;
}

/** Approximates the distribution by a normal one, with corrections for equal values and continuity. */
function approximatedTail(ranks: readonly number[], chosen: number, sum: number): number {
  const all = ranks.length;
  const mean = ranks.reduce((total, rank) => total + rank, 0) / all;
  const spread = ranks.reduce((total, rank) => total + (rank - mean) ** 2, 0) / (all - 1);
  const variance = (chosen * (all - chosen) * spread) / all;
  return variance <= 0 ? 1 : normalTail((sum - 1 - chosen * mean) / Math.sqrt(variance));
}

/**
 * Returns the upper tail of the normal distribution, with relative errors below 1.2e-7.
 *
 * @see Press et al., Numerical Recipes, erfcc
 */
function normalTail(z: number): number {
  const t = 1 / (1 + Math.abs(z) / Math.SQRT2 / 2);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  const polynomial = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const tail = (t * Math.exp((-z * z) / 2 + polynomial)) / 2;
  return z >= 0 ? tail : 1 - tail;
}
