/** One-sided confidence of both bounds: the true rate is beyond them in one of twenty samples. */
const CONFIDENCE = 0.95;

/**
 * Returns the upper Clopper-Pearson bound of the rate for `hits` in `trials`. Without hits it is nearly 3 / trials, the rule
 * of three.
 *
 * @returns 0 to 1; 1 without trials
 */
export function upperBound(hits: number, trials: number): number {
  check(hits, trials);
  if (hits >= trials) return 1;
  return solve((rate) => atMost(hits, trials, rate) > 1 - CONFIDENCE);
}

/** Returns the lower Clopper-Pearson bound of the rate for `hits` in `trials`; 0 without trials. */
export function lowerBound(hits: number, trials: number): number {
  check(hits, trials);
  return hits === 0 ? 0 : 1 - upperBound(trials - hits, trials);
}

function check(hits: number, trials: number): void {
  const whole = Number.isInteger(hits) && Number.isInteger(trials);
  if (!whole || hits < 0 || hits > trials) throw new RangeError(`${hits} of ${trials} is no count of hits in trials`);
}

/** Returns the point between 0 and 1 up to which `holds` is true, by bisection. */
function solve(holds: (rate: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const half = (low + high) / 2;
    if (holds(half)) low = half;
    else high = half;
  }
  return low;
}

/** Returns the probability of at most `hits` in `trials` at this rate. Uses logarithms, because the terms are tiny. */
function atMost(hits: number, trials: number, rate: number): number {
  if (rate <= 0) return 1;
  if (rate >= 1) return 0;
  let term = trials * Math.log1p(-rate);
  let sum = Math.exp(term);
  for (let count = 1; count <= hits; count += 1) {
    term += Math.log((trials - count + 1) / count) + Math.log(rate) - Math.log1p(-rate);
    sum += Math.exp(term);
  }
  return sum;
}
