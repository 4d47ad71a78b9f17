import type { Version } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';
import { shareAt } from './rollout.ts';
import { END, type Fault, type World } from './world.ts';

/** Scrape interval in seconds. */
export const SCRAPE = 15;
const TICKS = END / SCRAPE + 1;

/** Counters of requests and failed requests at each scrape, as in Prometheus. */
type Counters = { requests: Float64Array; errors: Float64Array };

export type Telemetry = {
  all: Counters;
  versions: ReadonlyMap<Version, Counters>;
  /** Scrapes that failed hold 0. */
  scraped: Uint8Array;
};

const counters = (): Counters => ({ requests: new Float64Array(TICKS), errors: new Float64Array(TICKS) });

/** Autocorrelation of the noise of errors and of traffic between scrapes. */
const INERTIA = 0.9;

export function simulate(rng: Random, world: World): Telemetry {
  const { profile, rollouts } = world;
  const versions = [world.firstVersion, ...rollouts.map(({ version }) => version)];
  const byVersion = new Map(versions.map((version) => [version, counters()])); // a version can return by a rollback
  const all = counters();
  const every = [all, ...byVersion.values()];
  const innovation = Math.sqrt(1 - INERTIA ** 2);
  let [errorNoise, trafficNoise] = [0, 0];
  for (let tick = 1; tick < TICKS; tick += 1) {
    const t = tick * SCRAPE;
    errorNoise = INERTIA * errorNoise + innovation * profile.unrest * rng.normal();
    trafficNoise = INERTIA * trafficNoise + innovation * 0.06 * rng.normal();
    for (const each of every) carry(each, tick);
    const trafficFactor = world.trafficFactor(t);
    let left = rng.poisson(
      profile.requestsPerSecond * daily(world, t) * Math.exp(trafficNoise) * trafficFactor * SCRAPE,
    );
    // The newest version takes its share first; older versions share the rest.
    for (let index = versions.length - 1; index >= 0 && left > 0; index -= 1) {
      const version = versions[index] ?? world.firstVersion;
      const rollout = rollouts[index - 1];
      const requests = rollout === undefined ? left : rng.binomial(left, shareAt(rollout, t));
      if (requests === 0) continue;
      left -= requests;
      const failing = failureAt(world, { t, version, trafficFactor }, profile.base * Math.exp(errorNoise));
      const errors = rng.binomial(requests, failing);
      count(all, tick, requests, errors);
      count(byVersion.get(version), tick, requests, errors);
    }
  }
  return { all, versions: byVersion, scraped: scrapes(rng) };
}

/** Returns the probability that a request fails, by the base rate or any fault. */
function failureAt({ faults }: World, moment: Parameters<Fault>[0], usual: number): number {
  let healthy = 1 - Math.min(1, usual);
  for (const fault of faults) healthy *= 1 - fault(moment);
  return Math.min(1, Math.max(0, 1 - healthy));
}

/** Copies the previous counter values to a scrape, because counters are cumulative. */
function carry({ requests, errors }: Counters, tick: number): void {
  requests[tick] = requests[tick - 1] ?? 0;
  errors[tick] = errors[tick - 1] ?? 0;
}

function count(to: Counters | undefined, tick: number, requests: number, errors: number): void {
  if (to === undefined) return;
  to.requests[tick] = (to.requests[tick] ?? 0) + requests;
  to.errors[tick] = (to.errors[tick] ?? 0) + errors;
}

function daily({ epoch, profile: { daily: day } }: World, t: number): number {
  const ofDay = ((epoch / 1000 + t - day.peak) % 86_400) / 86_400;
  return 1 + day.amplitude * Math.cos(2 * Math.PI * ofDay);
}

/** Draws scrape gaps: in three worlds of ten, one or two gaps of 15 to 150 seconds. */
function scrapes(rng: Random): Uint8Array {
  const scraped = new Uint8Array(TICKS).fill(1);
  for (let gaps = rng.chance(0.3) ? rng.whole(1, 2) : 0; gaps > 0; gaps -= 1) {
    const from = rng.whole(0, TICKS - 1);
    scraped.fill(0, from, from + rng.whole(1, 10));
  }
  return scraped;
}

/**
 * Returns `rate(errors[window]) / rate(requests[window])` at `t`, from the first to the last scrape in the window. NaN
 * without traffic, as in Prometheus, or with fewer than two scrapes.
 */
export function ratioAt({ scraped }: Telemetry, of: Counters, t: number, window: number): number {
  const [from, to] = scrapesIn(scraped, t, window);
  const requests = (of.requests[to] ?? 0) - (of.requests[from] ?? 0);
  return requests > 0 ? ((of.errors[to] ?? 0) - (of.errors[from] ?? 0)) / requests : Number.NaN;
}

/** Returns requests per second over the window before `t`. */
export function perSecondAt({ scraped }: Telemetry, of: Counters, t: number, window: number): number {
  const [from, to] = scrapesIn(scraped, t, window);
  return to > from ? ((of.requests[to] ?? 0) - (of.requests[from] ?? 0)) / ((to - from) * SCRAPE) : Number.NaN;
}

function scrapesIn(scraped: Uint8Array, t: number, window: number): [from: number, to: number] {
  let to = Math.min(TICKS - 1, Math.floor(t / SCRAPE));
  let from = Math.max(0, to - window / SCRAPE);
  while (from < to && scraped[from] === 0) from += 1;
  while (to > from && scraped[to] === 0) to -= 1;
  return [from, to];
}
