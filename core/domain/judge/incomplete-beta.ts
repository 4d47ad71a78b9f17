/** First coefficient of Lanczos's approximation. */
const FIRST = 0.9999999999998099;

/** The other coefficients of Lanczos's approximation of the gamma function with g = 7, with errors below 1e-15. */
const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Returns the natural logarithm of the gamma function of a number above 0. */
function logGamma(x: number): number {
  const sum = LANCZOS.reduce<number>((total, coefficient, index) => total + coefficient / (x + index), FIRST);
  const shifted = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(sum);
}

const PRECISION = 1e-14;
const TINY = 1e-300;

/** More steps than any sensible number of requests needs: they grow with the square root of the larger parameter. */
const STEPS_MAX = 100_000;

/**
 * Returns the regularized incomplete beta function I_x(a, b), which is the tail of a binomial distribution: the
 * probability of at least `k` successes in `n` trials is I_p(k, n - k + 1). Defined for parameters that are no integers,
 * too.
 *
 * @param x 0 to 1
 * @param a above 0
 * @param b above 0
 * @see https://dlmf.nist.gov/8.17#SS5.p1
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (!(a > 0) || !(b > 0)) throw new RangeError(`the parameters ${a} and ${b} are not above 0`);
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges quickly on this side of the mean only.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** Returns the continued fraction by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m < STEPS_MAX; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) return result;
  }
  throw new RangeError(`no result for ${x}, ${a}, ${b}`);
}

const nonZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
