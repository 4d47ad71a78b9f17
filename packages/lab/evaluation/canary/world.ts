import type { Random } from '../random.ts';

/** What a version does, each second. Counters only increase. */
export type Recording = {
  /** First second of the version, and the second after its last. */
  from: number;
  until: number;
  requests: Float64Array;
  errors: Float64Array;
  /** For each bound of the histogram, the requests within it. */
  within: Float64Array[];
};

/** Upper bounds of the latency histogram in seconds: the default of Prometheus's client libraries. */
export const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What is different about the new version. */
export type Regression = 'none' | 'errors' | 'latency';

/** How traffic reaches the new version. */
export type Shape = 'half' | 'canary' | 'switch';

export type Scene = {
  shape: Shape;
  regression: Regression;
  /** Error ratio of the old version, at its usual level. */
  errorRatio: number;
  old: Recording;
  new: Recording;
  /** Second at which the new version starts. */
  start: number;
  /** What earlier days were like at the same times. Only where the old version stops. */
  days: readonly Recording[];
  /** Other services of the same system at the same time. Only where the old version stops. */
  neighbors: readonly Recording[];
};

/** Requests per second that the new version gets. */
export const RATE = 50;

/** Earlier days that are measured: yesterday and a week ago. */
export const DAYS = 2;

/** Seconds before and after the start. */
export const BEFORE = 65 * 60;
export const AFTER = 5 * 60;

/** Share of the traffic of a canary. */
const CANARY_SHARE = 0.1;

/** Returns the new version's share of all requests. */
export const shareOf = (shape: Shape): number => (shape === 'half' ? 0.5 : shape === 'canary' ? CANARY_SHARE : 1);

/** How many times as many errors, or as much time, a regression needs. */
export const FACTOR = 2;

/** Services differ in how regular they are. */
type Character = {
  errorRatio: number;
  /** Mean size of a cluster of errors: clients that repeat a failing request. */
  cluster: number;
  /** Standard deviation of the logarithm of the error ratio and of the latency, which all versions share. */
  drift: number;
  latencyDrift: number;
  /** Median latency in seconds, and the standard deviation of its logarithm. */
  median: number;
  spread: number;
  /** Share of requests of a slow kind, and how many times as long they take. */
  slowShare: number;
  slowFactor: number;
  /** Probability per second that an instance stalls. */
  stall: number;
  instances: number;
};

/** Mean sizes of clusters. */
const CLUSTERS = { none: 1, some: 1.5, many: 2 };

function character(draw: Random): Character {
  return {
    errorRatio: draw.scale(0.005, 0.03),
    cluster: CLUSTERS[draw.weighted({ none: 50, some: 30, many: 20 })],
    drift: draw.between(0, 0.2),
    latencyDrift: draw.between(0, 0.2),
    median: draw.scale(0.01, 0.4),
    spread: draw.between(0.4, 0.9),
    slowShare: draw.between(0, 0.05),
    slowFactor: draw.between(3, 10),
    stall: draw.scale(0.0005, 0.005),
    instances: draw.whole(4, 12),
  };
}

/** Correlation of shared levels from second to second: they change within about two minutes. */
const PERSISTENCE = Math.exp(-1 / 120);

/** A shared problem, such as of a dependency, in one of eight scenes. */
const SHARED_PROBLEM = 0.125;

/** Generates a scene. It depends only on the random stream. */
export function scene(draw: Random, shape: Shape, regression: Regression): Scene {
  const own = character(draw);
  const length = BEFORE + AFTER;
  const [errorLevel, latencyLevel] = [levels(draw, length, own.drift), levels(draw, length, own.latencyDrift)];
  if (shape !== 'switch' && draw.chance(SHARED_PROBLEM)) {
    const begin = BEFORE + draw.whole(0, AFTER);
    for (let second = begin; second < Math.min(length, begin + draw.whole(20, 120)); second += 1)
      errorLevel[second] = (errorLevel[second] ?? 1) * 6;
  }
  const traffic = levels(draw, length, 0.1);
  const share = shareOf(shape);
  const whole = RATE / share;
  const errorFactor = regression === 'errors' ? FACTOR : 1;
  const latencyFactor = regression === 'latency' ? FACTOR : 1;
  const record = (from: number, until: number, rate: (second: number) => number, factors: [number, number]) =>
    recording(draw, own, { from, until, length, rate, errorLevel, latencyLevel, factors });
  const old = record(
    0,
    shape === 'switch' ? BEFORE : length,
    (second) => whole * (traffic[second] ?? 1) * (second >= BEFORE ? 1 - share : 1),
    [1, 1],
  );
  const fresh = record(BEFORE, length, (second) => whole * share * (traffic[second] ?? 1), [
    errorFactor,
    latencyFactor,
  ]);
  const days = Array.from({ length: shape === 'switch' ? DAYS : 0 }, () =>
    recording(draw, own, {
      from: 0,
      until: length,
      length,
      rate: () => whole,
      errorLevel: levels(draw, length, own.drift),
      latencyLevel: levels(draw, length, own.latencyDrift),
      factors: [1, 1],
    }),
  );
  return { shape, regression, errorRatio: own.errorRatio, old, new: fresh, start: BEFORE, days, neighbors: [] };
}

/** Returns a level around 1 for each second, that wanders. */
function levels(draw: Random, length: number, deviation: number): Float64Array {
  const step = deviation * Math.sqrt(1 - PERSISTENCE ** 2);
  let at = deviation * draw.normal();
  return Float64Array.from({ length }, () => {
    at = PERSISTENCE * at + step * draw.normal();
    return Math.exp(at - deviation ** 2 / 2);
  });
}

type Course = {
  from: number;
  until: number;
  length: number;
  rate: (second: number) => number;
  errorLevel: Float64Array;
  latencyLevel: Float64Array;
  factors: [errors: number, latency: number];
};

function recording(draw: Random, own: Character, course: Course): Recording {
  const { from, until, length, factors } = course;
  const [requests, errors] = [new Float64Array(length), new Float64Array(length)];
  const within = BOUNDS.map(() => new Float64Array(length));
  const totals = BOUNDS.map(() => 0);
  let [allRequests, allErrors, pending, stalled] = [0, 0, 0, 0];
  for (let second = from; second < until; second += 1) {
    const count = draw.poisson(course.rate(second));
    const ratio = Math.min(0.9, own.errorRatio * (course.errorLevel[second] ?? 1) * factors[0]);
    // Errors come in clusters: a failing request is repeated within seconds.
    const first = draw.poisson((count * ratio) / own.cluster);
    const repeated = draw.poisson(first * (own.cluster - 1));
    const now = draw.binomial(repeated, 0.5);
    allErrors += first + now + pending;
    allRequests += Math.max(count, first + now + pending);
    pending = repeated - now;
    if (stalled === 0 && draw.chance(own.stall)) stalled = draw.whole(2, 6);
    const slowed = stalled > 0 ? 1 / own.instances : 0;
    stalled = Math.max(0, stalled - 1);
    const level = (course.latencyLevel[second] ?? 1) * factors[1];
    let previous = 0;
    let left = count;
    BOUNDS.forEach((bound, index) => {
      const share = distribution(own, bound / level, slowed);
      const chance = previous >= 1 ? 0 : (share - previous) / (1 - previous);
      const here = draw.binomial(left, Math.min(1, Math.max(0, chance)));
      left -= here;
      previous = share;
      for (let upper = index; upper < BOUNDS.length; upper += 1) totals[upper] = (totals[upper] ?? 0) + here;
    });
    requests[second] = allRequests;
    errors[second] = allErrors;
    within.forEach((counter, index) => (counter[second] = totals[index] ?? 0));
  }
  return { from, until, requests, errors, within };
}

/** Returns the share of requests within a time. */
function distribution({ median, spread, slowShare, slowFactor }: Character, seconds: number, slowed: number): number {
  const usual = (time: number): number => normal(Math.log(time / median) / spread);
  const mixed = (time: number): number => (1 - slowShare) * usual(time) + slowShare * usual(time / slowFactor);
  return (1 - slowed) * mixed(seconds) + slowed * mixed(seconds / STALL_FACTOR);
}

const STALL_FACTOR = 4;

/** @see Abramowitz and Stegun, 26.2.17; errors below 7.5e-8 */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}
