import type { Random } from '../random.ts';

/** How a service is, how it is watched, and how its roll-outs come to be known. Times in seconds. */
export type Profile = {
  requestsPerSecond: number;
  /** Share of requests that fail on a usual day. */
  base: number;
  /** How much the base moves by itself; standard deviation of its logarithm. */
  unrest: number;
  /** How much traffic moves over a day, 0 to 1, and when it peaks, in seconds of the day. */
  daily: { amplitude: number; peak: number };
  /** Healthy at or below; a share of requests. */
  limit: number;
  /** What the query is multiplied with: some teams measure in per cent. */
  unit: 1 | 100;
  /** Window of the rate in the queries. */
  window: number;
  rule: {
    /** Above so many times the limit. */
    factor: number;
    forSeconds: number;
    intervalSeconds: number;
    /** One alert for each version that is above. */
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
   * How a CD system tells: at start and at end; only at start, as if it were done; only at the end, with no times but
   * the moment of telling; at the end, with the true times.
   */
  how: 'both' | 'start' | 'end' | 'end_with_times';
  /** How much its clock is ahead of that of the monitoring, in seconds. */
  clock: number;
  /** Whether it tells the weight of a canary. */
  weights: boolean;
};

export const recording = (r: Random): Recording => ({
  how: r.weighted({ both: 75, start: 10, end: 7, end_with_times: 8 }),
  clock: clock(r),
  weights: r.chance(0.5),
});

/** Seconds at most where clocks are kept, half a minute where nobody looks after them. */
export const clock = (r: Random): number => (r.chance(0.95) ? r.normal() : r.between(-30, 30));

/** Half of the services are watched by version. */
const TELLS_VERSIONS = 0.5;

export function profile(r: Random): Profile {
  const limit = r.pick([0.01, 0.01, 0.02, 0.02, 0.05]);
  const versions = r.chance(TELLS_VERSIONS);
  const health = r.chance(0.93);
  return {
    requestsPerSecond: r.scale(3, 600),
    base: r.scale(limit / 50, limit / 5),
    unrest: r.between(0.05, 0.3),
    daily: { amplitude: r.between(0.1, 0.7), peak: r.between(0, 86_400) },
    limit,
    unit: r.chance(0.1) ? 100 : 1,
    window: r.pick([60, 60, 120, 120, 300]),
    rule: {
      factor: r.pick([1, 1, 1, 1, 1.5, 2, 3]),
      forSeconds: r.pick([0, 60, 120, 120, 300]),
      intervalSeconds: r.pick([15, 30, 60]),
      byVersion: versions && r.chance(0.3),
      known: r.chance(0.75),
    },
    known: { health, traffic: health && r.chance(0.85), versions: health && versions, shares: r.chance(0.8) },
    // Who rolls out in small steps does it to compare versions.
    strategy: r.weighted(
      versions ? { instant: 10, rolling: 45, canary: 45 } : { instant: 25, rolling: 60, canary: 15 },
    ),
    recording: recording(r),
  };
}
