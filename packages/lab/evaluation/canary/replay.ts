import { readFileSync } from 'node:fs';
import { random, type Random, seedOf } from '../random.ts';
import {
  AFTER,
  BEFORE,
  BOUNDS,
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
export type TraceName = (typeof TRACES)[number];

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

/**
 * Plays a trace from a random second on, around and around, at its own speed. Each second has as many times its recorded
 * requests as the new version needs, drawn from those recorded at that time, so what lasted a minute lasts a minute. Each
 * request is answered by one version, in its recorded time. A regression makes the new version slower, or lets as many
 * more of its requests fail as usually do.
 */
export function replayed(trace: Trace, draw: Random, shape: Shape, regression: Regression): Scene {
  const { starts, buckets, failed, errorRatio } = trace;
  const share = shareOf(shape);
  const [seconds, length] = [BEFORE + AFTER, starts.length - 1];
  const times = (RATE / share) * (length / failed.length);
  const stay = 1 - 1 / draw.pick(RUNS);
  const broken = regression === 'errors' ? (FACTOR - 1) * errorRatio : 0;
  const newBuckets = regression === 'latency' ? buckets.slower : buckets.recorded;
  const [old, fresh] = [recorder(0, shape === 'switch' ? BEFORE : seconds), recorder(BEFORE, seconds)];
  const from = draw.whole(0, length - 1);
  let isNew = false;
  for (let second = 0; second < seconds; second += 1) {
    const at = (from + second) % length;
    const [first, end] = [starts[Math.max(0, at - NEAR)] ?? 0, starts[Math.min(length, at + 1 + NEAR)] ?? 0];
    const count = draw.poisson(times * ((starts[at + 1] ?? 0) - (starts[at] ?? 0)));
    for (let number = 0; number < count; number += 1) {
      const request = draw.whole(first, end - 1);
      if (second >= BEFORE && !draw.chance(stay)) isNew = draw.chance(share);
      const isError = failed[request] === 1;
      if (isNew) fresh.add(newBuckets[request] ?? 0, isError || draw.chance(broken));
      else old.add(buckets.recorded[request] ?? 0, isError);
    }
    old.close(second);
    fresh.close(second);
  }
  return { shape, regression, errorRatio, old: old.recording, new: fresh.recording, start: BEFORE };
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
