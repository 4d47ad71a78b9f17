import type { Random } from '../random.ts';

/** Properties of a service, its monitoring, and the recording of its rollouts. Times in seconds. */
export type Profile = {
  requestsPerSecond: number;
  /** Share of requests that fail on a normal day. */
  base: number;
  /** Variation of the base: standard deviation of its logarithm. */
  unrest: number;
  /** Daily variation of traffic, 0 to 1, and the time of its peak in seconds of the day. */
  daily: { amplitude: number; peak: number };
  /** Healthy at or below; a share of requests. */
  limit: number;
  /** Factor of the query: some teams measure in percent. */
  unit: 1 | 100;
  /** Window of the rate in the queries. */
  window: number;
  rule: {
    /** Threshold as a multiple of the limit. */
    factor: number;
    forSeconds: number;
    intervalSeconds: number;
    /** Whether there is one alert for each version above the threshold. */
    byVersion: boolean;
    /** Whether the rule can be read. */
    known: boolean;
  };
  known: { health: boolean; traffic: boolean; versions: boolean; shares: boolean };
  strategy: Strategy;
  recording: Recording;
};

export type Strategy = 'instant' | 'rolling' | 'canary';

export type Recording = {
  /**
   * How a CD system records a deploy: at start and end; only at start, as if it were done; only at the end, with the time of
   * recording; at the end, with the true times.
   */
  how: 'both' | 'start' | 'end' | 'end_with_times';
  /** Seconds by which its clock is ahead of the monitoring's. */
  clock: number;
  /** Whether it records the weight of a canary. */
  weights: boolean;
};

export const recording = (rng: Random): Recording => ({
  how: rng.weighted({ both: 75, start: 10, end: 7, end_with_times: 8 }),
  clock: clock(rng),
  weights: rng.chance(0.5),
});

/** Maximum clock skew: seconds for synchronized clocks, half a minute for others. */
export const clock = (rng: Random): number => (rng.chance(0.95) ? rng.normal() : rng.between(-30, 30));

/** Share of services with metrics by version: half. */
const TELLS_VERSIONS = 0.5;

export function profile(rng: Random): Profile {
  const limit = rng.pick([0.01, 0.01, 0.02, 0.02, 0.05]);
  const versions = rng.chance(TELLS_VERSIONS);
  const health = rng.chance(0.93);
  return {
    requestsPerSecond: rng.scale(3, 600),
    base: rng.scale(limit / 50, limit / 5),
    unrest: rng.between(0.05, 0.3),
    daily: { amplitude: rng.between(0.1, 0.7), peak: rng.between(0, 86_400) },
    limit,
    unit: rng.chance(0.1) ? 100 : 1,
    window: rng.pick([60, 60, 120, 120, 300]),
    rule: {
      factor: rng.pick([1, 1, 1, 1, 1.5, 2, 3]),
      forSeconds: rng.pick([0, 60, 120, 120, 300]),
      intervalSeconds: rng.pick([15, 30, 60]),
      byVersion: versions && rng.chance(0.3),
      known: rng.chance(0.75),
    },
    known: { health, traffic: health && rng.chance(0.85), versions: health && versions, shares: rng.chance(0.8) },
    // Teams that roll out in small steps compare versions.
    strategy: rng.weighted(
      versions ? { instant: 10, rolling: 45, canary: 45 } : { instant: 25, rolling: 60, canary: 15 },
    ),
    recording: recording(rng),
  };
}
