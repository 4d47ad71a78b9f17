import { readFileSync } from 'node:fs';
import { random, type Random, seedOf } from '../random.ts';
import {
  AFTER,
  BEFORE,
  BOUNDS,
  DAYS,
  FACTOR,
  RATE,
  type Recording,
  type Regression,
  type Scene,
  type Shape,
  shareOf,
} from './world.ts';

/** Recorded traffic of public systems. See `traces/SOURCES.md`. */
export const TRACES = ['products', 'pages', 'currencies', 'conversations'] as const;

/** Recordings of another day, which nothing was fitted to. */
export const HELD_OUT_TRACES = [
  'products-held-out',
  'pages-held-out',
  'currencies-held-out',
  'carts-held-out',
] as const;
export type TraceName = (typeof TRACES)[number] | (typeof HELD_OUT_TRACES)[number];

/** Recordings of the same system at the same time that do not have the errors of a service: not those of its callers. */
export const NEIGHBORS: Readonly<Record<TraceName, readonly TraceName[]>> = {
  products: ['currencies'],
  pages: ['products', 'currencies'],
  currencies: ['products'],
  conversations: [],
  'products-held-out': ['currencies-held-out', 'carts-held-out'],
  'pages-held-out': ['products-held-out', 'currencies-held-out', 'carts-held-out'],
  'currencies-held-out': ['products-held-out', 'carts-held-out'],
  'carts-held-out': ['products-held-out', 'currencies-held-out'],
};

/** Recorded requests in the order of their arrival. */
export type Trace = {
  /** Index of the first request of each second, and the number of all. */
  starts: Uint32Array;
  /** Index of the first bound of the histogram that each request is within, as recorded and `FACTOR` times as slow. */
  buckets: { recorded: Uint8Array; slower: Uint8Array };
  /** 1: the request exceeds the deadline, which is an error. */
  failed: Uint8Array;
  errorRatio: number;
};

/** A file has a line for each second and a character for each request: the duration in quarters of a factor of two. */
const FIRST_CHARACTER = 33;
const FIRST_QUARTER = 8;
const QUARTERS = 4;
const MICROSECONDS = 1e6;

/** The deadline is this quantile of all durations: callers give up on slow requests, so errors come when latency rises. */
const DEADLINE_QUANTILE = 0.985;

export function readTrace(name: TraceName): Trace {
  const draw = random(seedOf('trace', name));
  const lines = readFileSync(new URL(`traces/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const starts = Uint32Array.from([0, ...lines], () => 0);
  lines.forEach((line, second) => (starts[second + 1] = (starts[second] ?? 0) + line.length));
  const durations = Float64Array.from(lines.join(''), (character) => {
    const quarters = character.charCodeAt(0) - FIRST_CHARACTER + FIRST_QUARTER + draw.next();
    return 2 ** (quarters / QUARTERS) / MICROSECONDS;
  });
  const sorted = durations.toSorted();
  const deadline = sorted[Math.floor(DEADLINE_QUANTILE * sorted.length)] ?? Infinity;
  const bucket = (seconds: number): number => {
    const index = BOUNDS.findIndex((bound) => seconds <= bound);
    return index < 0 ? BOUNDS.length : index;
  };
  const failed = Uint8Array.from(durations, (seconds) => Number(seconds > deadline));
  return {
    starts,
    buckets: {
      recorded: Uint8Array.from(durations, bucket),
      slower: Uint8Array.from(durations, (seconds) => bucket(FACTOR * seconds)),
    },
    failed,
    errorRatio: failed.reduce((sum, one) => sum + one, 0) / durations.length,
  };
}

/** Mean numbers of successive requests of one caller, which the same version answers. */
const RUNS = [1, 2, 4] as const;

/** Seconds before and after a second whose requests are drawn for it. */
const NEAR = 1;

/** Returns the second of a trace that is played at each second. */
type Course = (second: number) => number;

/**
 * Plays a trace from a random second on, around and around, at its own speed. The five minutes after the start are played
 * once, so that no earlier time foretells them. Each second has as many times its recorded requests as the new version
 * needs, drawn from those recorded at that time, so what lasted a minute lasts a minute. Each request is answered by one
 * version, in its recorded time. A regression makes the new version slower, or lets as many more of its requests fail as
 * usually do.
 *
 * @param neighbors recordings of the same system at the same time
 */
export function replayed(
  trace: Trace,
  draw: Random,
  shape: Shape,
  regression: Regression,
  neighbors: readonly Trace[] = [],
): Scene {
  const { buckets, failed, errorRatio } = trace;
  const share = shareOf(shape);
  const [seconds, length] = [BEFORE + AFTER, trace.starts.length - 1];
  const stay = 1 - 1 / draw.pick(RUNS);
  const broken = regression === 'errors' ? (FACTOR - 1) * errorRatio : 0;
  const newBuckets = regression === 'latency' ? buckets.slower : buckets.recorded;
  const [old, fresh] = [recorder(0, shape === 'switch' ? BEFORE : seconds), recorder(BEFORE, seconds)];
  const start = draw.whole(0, length - 1);
  const remaining = length - AFTER;
  const before = (place: number): number => (start + AFTER + (((place % remaining) + remaining) % remaining)) % length;
  const course: Course = (second) => (second < BEFORE ? before(second - BEFORE) : (start + second - BEFORE) % length);
  let isNew = false;
  for (let second = 0; second < seconds; second += 1) {
    for (const request of requestsAt(trace, draw, course(second), RATE / share)) {
      if (second >= BEFORE && !draw.chance(stay)) isNew = draw.chance(share);
      const isError = failed[request] === 1;
      if (isNew) fresh.add(newBuckets[request] ?? 0, isError || draw.chance(broken));
      else old.add(buckets.recorded[request] ?? 0, isError);
    }
    old.close(second);
    fresh.close(second);
  }
  const others = { days: [] as Recording[], neighbors: [] as Recording[] };
  if (shape === 'switch') {
    for (let day = 0; day < DAYS; day += 1) {
      const from = draw.whole(0, remaining - 1);
      others.days.push(playedAlone(trace, draw, (second) => before(from + second)));
    }
    for (const neighbor of neighbors) {
      const scale = (neighbor.starts.length - 1) / length;
      others.neighbors.push(playedAlone(neighbor, draw, (second) => Math.floor(scale * course(second))));
    }
  }
  return { shape, regression, errorRatio, old: old.recording, new: fresh.recording, start: BEFORE, ...others };
}

/** Draws the requests of a second of a trace, `rate` per second at the mean. */
function requestsAt({ starts, failed }: Trace, draw: Random, at: number, rate: number): number[] {
  const length = starts.length - 1;
  const [first, end] = [starts[Math.max(0, at - NEAR)] ?? 0, starts[Math.min(length, at + 1 + NEAR)] ?? 0];
  const times = (rate * length) / failed.length;
  const count = draw.poisson(times * ((starts[at + 1] ?? 0) - (starts[at] ?? 0)));
  return Array.from({ length: count }, () => draw.whole(first, end - 1));
}

/** Plays a trace as one version that serves at all times. */
function playedAlone(trace: Trace, draw: Random, course: Course): Recording {
  const all = recorder(0, BEFORE + AFTER);
  for (let second = 0; second < BEFORE + AFTER; second += 1) {
    for (const request of requestsAt(trace, draw, course(second), RATE))
      all.add(trace.buckets.recorded[request] ?? 0, trace.failed[request] === 1);
    all.close(second);
  }
  return all.recording;
}

function recorder(from: number, until: number) {
  const length = BEFORE + AFTER;
  const recording: Recording = {
    from,
    until,
    requests: new Float64Array(length),
    errors: new Float64Array(length),
    within: BOUNDS.map(() => new Float64Array(length)),
  };
  const counts = new Float64Array(BOUNDS.length + 1);
  let [requests, errors] = [0, 0];
  return {
    recording,
    add: (bucket: number, isError: boolean): void => {
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      requests += 1;
      errors += Number(isError);
    },
    /** Writes the counters at the end of a second. */
    close: (second: number): void => {
      recording.requests[second] = requests;
      recording.errors[second] = errors;
      let within = 0;
      recording.within.forEach((counter, index) => (counter[second] = within += counts[index] ?? 0));
    },
  };
}
