/** A random stream that depends only on its seed, on every machine. Not for secrets. */
export type Random = {
  /** At least 0, below 1. */
  next(): number;
  between(min: number, max: number): number;
  /** Integer, both ends included. */
  whole(min: number, max: number): number;
  /** Log-uniform between `min` and `max`, both above 0. */
  scale(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(of: readonly [T, ...T[]]): T;
  /** One of the names, with probabilities by weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
  normal(): number;
  poisson(mean: number): number;
  /** Binomial: successes in `n` trials with `probability`. */
  binomial(n: number, probability: number): number;
  hex(digits: number): string;
};

/** Above this expected value, counts are drawn from the normal approximation. */
const NORMAL_FROM = 20;

export function random(seed: number): Random {
  const next = mulberry32(seed);
  const between = (min: number, max: number) => min + next() * (max - min);
  const whole = (min: number, max: number) => Math.floor(between(min, max + 1));
  let spare: number | null = null;
  const normal = () => {
    if (spare !== null) {
      const second = spare;
      spare = null;
      return second;
    }
    const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - next())), 2 * Math.PI * next()]; // Box and Muller
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const rare = (n: number, probability: number): number => {
    const mean = n * probability;
    if (mean === 0 || probability === 1) return mean;
    const spread = mean * (1 - probability);
    if (spread > NORMAL_FROM) return Math.min(n, Math.max(0, Math.round(mean + Math.sqrt(spread) * normal())));
    return Math.min(n, inverted(next(), mean));
  };
  return {
    next,
    between,
    whole,
    scale: (min, max) => Math.exp(between(Math.log(min), Math.log(max))),
    chance: (probability) => next() < probability,
    pick: (of) => of[whole(0, of.length - 1)] ?? of[0],
    weighted: (weights) => weighted(weights, next()),
    normal,
    poisson: (mean) =>
      mean > NORMAL_FROM ? Math.max(0, Math.round(mean + Math.sqrt(mean) * normal())) : inverted(next(), mean),
    binomial: (n, probability) => (probability > 0.5 ? n - rare(n, 1 - probability) : rare(n, probability)),
    hex: (digits) => Array.from({ length: digits }, () => whole(0, 15).toString(16)).join(''),
  };
}

/** Derives a separate seed for each stream, so that an additional draw in one case does not change others. */
export function seedOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of parts.join('/')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c, in the public domain */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Poisson by inversion: the first count whose cumulative probability reaches `at`. */
function inverted(at: number, mean: number): number {
  let probability = Math.exp(-mean);
  let cumulated = probability;
  let count = 0;
  while (at > cumulated && count < 1000) {
    count += 1;
    probability *= mean / count;
    cumulated += probability;
  }
  return count;
}

function weighted<K extends string>(weights: Readonly<Record<K, number>>, at: number): K {
  const names = Object.keys(weights) as K[];
  let left = at * names.reduce((sum, name) => sum + weights[name], 0);
  const found = names.find((name) => (left -= weights[name]) < 0) ?? names.at(-1);
  if (found === undefined) throw new RangeError('there is nothing to choose from');
  return found;
}
