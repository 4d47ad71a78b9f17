import { USUAL_USAGE } from '../scenes/scene.ts';
import { type Random, random, seedOf } from '../../random.ts';
import { evaluate } from '../evaluate.ts';
import { concerns, either, type Fault, strengthOf } from '../scenes/faults.ts';
import { BUCKETS, CALLS, RECORDED, recordedQuery, REQUESTS, UP, USAGE } from './queries.ts';
import { canaryShare, type Instance, instancesOf, type Restart, type Rollout } from '../scenes/rollouts.ts';
import { labelled } from './labelling.ts';
import { isSelected, type Labels, NAME, type Recording, type Series, type Source } from './series.ts';
import { LATENCY_SIGMA, type Service } from '../services.ts';

/** A simulated production system. Times are seconds since its start, at `epoch` (Unix seconds). */
export type World = {
  seed: number;
  epoch: number;
  /** Simulated seconds. */
  length: number;
  services: readonly Service[];
  /** Versions that run at the start, by service. */
  first: ReadonlyMap<string, string>;
  /** Rollouts to production, in the order of their start. */
  rollouts: readonly Rollout[];
  restarts: readonly Restart[];
  faults: readonly Fault[];
  /** Instances beside those of the rollouts, by service. Absent: none. */
  fresh?: readonly (Instance & { service: string })[];
};

/** Distance of the points of precomputed curves. */
const POINT_SECONDS = 5;
const MINUTE = 60;
const DAY = 86_400;

/** What monitoring has recorded of a world. Series are simulated when they are first selected. */
export type Telemetry = Source & {
  instances(service: Service): readonly Instance[];
  /** Probability that a request to the service fails at a time, over all instances, without its normal errors. */
  errorsAt(service: Service, at: number): number;
  /** Requests per second. */
  rateAt(service: Service, at: number): number;
  /** Probability that a request to an instance fails. */
  failureAt(service: Service, instance: Instance, at: number): number;
};

export function telemetryOf(world: World): Telemetry {
  const byName = new Map(world.services.map((service) => [service.name, service]));
  const remembered = <T>(make: (service: Service) => T): ((service: Service) => T) => {
    const known = new Map<Service, T>();
    return (service) => {
      if (!known.has(service)) known.set(service, make(service));
      return known.get(service) as T;
    };
  };
  const faultsOf = remembered(({ name }) => world.faults.filter((fault) => fault.service === name));
  const rolloutsOf = remembered(({ name }) => world.rollouts.filter((rollout) => rollout.service === name));
  const instances = remembered((service) => [
    ...instancesOf(
      service,
      rolloutsOf(service),
      world.first.get(service.name) ?? 'unknown',
      world.restarts.filter((restart) => restart.service === service.name),
    ),
    ...(world.fresh ?? []).filter((one) => one.service === service.name),
  ]);
  const liveAt = remembered((service) => liveCounts(instances(service), world.length));
  const noise = remembered((service) => noiseOf(world, service));

  const shareOf = (service: Service, { isCanary }: Instance, at: number): number => {
    const canary = canaryShare(rolloutsOf(service), at);
    return isCanary ? canary : (1 - canary) / Math.max(1, liveAt(service)(at));
  };

  /** Returns the errors that a service passes on to its callers, by time. Null: none ever. */
  const outward: (service: Service) => Float32Array | null = remembered((service) => {
    const own = faultsOf(service).filter(
      ({ errors, crashSeconds }) => errors !== undefined || crashSeconds !== undefined,
    );
    const below = inward(service);
    if (own.length === 0) return below;
    const points = new Float32Array(Math.ceil(world.length / POINT_SECONDS) + 1);
    const all = instances(service);
    for (let index = 0; index < points.length; index += 1) {
      const at = index * POINT_SECONDS;
      let failing = 0;
      if (own.some(({ shape }) => shape(at) > 0))
        for (const instance of all)
          if (instance.from <= at && at < instance.until)
            failing += shareOf(service, instance, at) * failureBy(own, instance, at, 0.5);
      points[index] = either(failing, below?.[index] ?? 0);
    }
    return points;
  });

  /** Returns the errors of a service because of its dependencies. */
  const inward: (service: Service) => Float32Array | null = remembered((service) => {
    const sources = service.calls.flatMap(({ to, coupling, lag }) => {
      const dependency = byName.get(to);
      const errors = dependency === undefined ? null : outward(dependency);
      return errors === null ? [] : [{ errors, coupling, lag: Math.round(lag / POINT_SECONDS) }];
    });
    if (sources.length === 0) return null;
    return new Float32Array(Math.ceil(world.length / POINT_SECONDS) + 1).map((_, index) =>
      sources.reduce(
        (sum, { errors, coupling, lag }) => either(sum, coupling * (errors[Math.max(0, index - lag)] ?? 0)),
        0,
      ),
    );
  });

  const rateAt = (service: Service, at: number): number => {
    const { rate, daily } = service;
    const hour = ((world.epoch + at) % DAY) / 3600;
    const course = 1 + daily.amplitude * Math.cos((2 * Math.PI * (hour - daily.peakHour)) / 24);
    const factor = faultsOf(service).reduce(
      (product, { traffic, shape }) => (traffic === undefined ? product : product * (1 + (traffic - 1) * shape(at))),
      1,
    );
    return rate * course * (noise(service)[Math.max(0, Math.floor(at / MINUTE))] ?? 1) * factor;
  };

  const errorsAt = (service: Service, at: number): number =>
    outward(service)?.[Math.max(0, Math.round(at / POINT_SECONDS))] ?? 0;

  const failureAt = (service: Service, instance: Instance, at: number, faults = faultsOf(service)): number =>
    either(
      either(service.baseErrors, inward(service)?.[Math.max(0, Math.round(at / POINT_SECONDS))] ?? 0),
      failureBy(faults, instance, at, 0),
    );

  const scrapes = remembered((service) =>
    instances(service).map((instance) => scrapesOf(world, service, instance, faultsOf(service))),
  );

  const withLabels = (service: Service, instance: Instance, recordings: readonly Recording[]): readonly Recording[] => {
    const before = instances(service).findLast((one) => one.slot === instance.slot && one.until <= instance.from);
    return labelled(service.monitoring.labelling, instance, before?.version, recordings);
  };

  const requests = remembered((service) =>
    merged(
      service,
      scrapes(service).flatMap((scraped) => {
        const { instance } = scraped;
        const rng = random(seedOf(world.seed, service.name, instance.name, instance.from, 'requests'));
        const unreached = faultsOf(service).filter((fault) => fault.isUnreached);
        const counted = faultsOf(service).filter((fault) => !fault.isUnreached);
        const series = requestSeries(service, REQUESTS, scraped, rng, {
          rate: (at) =>
            rateAt(service, at) * shareOf(service, instance, at) * (1 - failureBy(unreached, instance, at, 0)),
          failure: (at) => failureAt(service, instance, at, counted),
        });
        return withLabels(service, instance, series);
      }),
    ),
  );
  const calls = remembered((service) =>
    merged(
      service,
      scrapes(service).flatMap((scraped) => {
        const { instance } = scraped;
        const rng = random(seedOf(world.seed, service.name, instance.name, instance.from, 'calls'));
        return requestSeries(service, CALLS, scraped, rng, {
          rate: (at) => rateAt(service, at) * shareOf(service, instance, at),
          failure: (at) => failureAt(service, instance, at),
        });
      }),
    ),
  );
  const buckets = remembered((service) =>
    merged(
      service,
      scrapes(service).flatMap((scraped) => {
        const { instance } = scraped;
        const rng = random(seedOf(world.seed, service.name, instance.name, instance.from, 'buckets'));
        const slow = faultsOf(service).filter((fault) => fault.slow !== undefined && concerns(fault, instance));
        const series = bucketSeries(service, scraped, rng, {
          rate: (at) => rateAt(service, at) * shareOf(service, instance, at),
          median: (at) =>
            slow.reduce(
              (product, fault) => product * (1 + ((fault.slow ?? 1) - 1) * strengthOf(fault, instance, at)),
              service.latency,
            ),
        });
        return withLabels(service, instance, series);
      }),
    ),
  );
  const up = remembered((service) =>
    merged(
      service,
      scrapes(service).map((scraped) => upSeries(service, scraped)),
    ),
  );
  const usage = remembered((service) =>
    merged(
      service,
      scrapes(service).map((scraped) => {
        const rng = random(seedOf(world.seed, service.name, scraped.instance.name, scraped.instance.from, 'usage'));
        return usageSeries(service, scraped, rng, faultsOf(service));
      }),
    ),
  );
  const source: Source = {
    select: (name, matchers) => {
      const requested = matchers.find(({ label, equals }) => label === 'service' && equals !== null)?.equals;
      const services = requested == null ? world.services : [byName.get(requested)].filter((one) => one !== undefined);
      const series = services.flatMap((service) =>
        name === REQUESTS
          ? requests(service)
          : name === CALLS
            ? calls(service)
            : name === BUCKETS
              ? buckets(service)
              : name === UP
                ? up(service)
                : name === USAGE
                  ? usage(service)
                  : name === RECORDED
                    ? recorded(service)
                    : [],
      );
      return series.filter(({ labels }) => isSelected(labels, name, matchers));
    },
  };
  const recorded = remembered((service) => recordedSeries(world, service, source));
  return { ...source, instances, errorsAt, rateAt, failureAt };
}

/** Returns the probability of a failure because of these faults. @param crashing probability while it crashes */
function failureBy(faults: readonly Fault[], instance: Instance, at: number, crashing: number): number {
  let sum = 0;
  for (const fault of faults) {
    const { errors, crashSeconds } = fault;
    if ((errors === undefined && crashSeconds === undefined) || !concerns(fault, instance)) continue;
    const strength = strengthOf(fault, instance, at);
    if (strength > 0) sum = either(sum, strength * Math.max(errors ?? 0, crashSeconds === undefined ? 0 : crashing));
  }
  return sum;
}

/** Returns the number of instances without canaries that run at a time. */
function liveCounts(instances: readonly Instance[], length: number): (at: number) => number {
  const counts = new Uint16Array(Math.ceil(length / POINT_SECONDS) + 1);
  for (const { from, until, isCanary } of instances) {
    if (isCanary) continue;
    const last = Math.min(counts.length, Math.ceil(Math.min(until, length + POINT_SECONDS) / POINT_SECONDS));
    for (let index = Math.max(0, Math.ceil(Math.max(from, 0) / POINT_SECONDS)); index < last; index += 1)
      counts[index] = (counts[index] ?? 0) + 1;
  }
  return (at) => counts[Math.max(0, Math.floor(at / POINT_SECONDS))] ?? 1;
}

/** Correlation of the traffic's noise from minute to minute. */
const NOISE_KEPT = 0.9;

/** Returns the noise of the traffic for each minute. */
function noiseOf({ seed, length }: World, service: Service): Float64Array {
  const rng = random(seedOf(seed, service.name, 'noise'));
  let state = rng.normal();
  return new Float64Array(Math.ceil(length / MINUTE) + 1).map(() => {
    state = NOISE_KEPT * state + Math.sqrt(1 - NOISE_KEPT ** 2) * rng.normal();
    return Math.exp(service.noise * state);
  });
}

/** Scrapes of an instance, and their results. */
type Scraped = {
  instance: Instance;
  times: Float64Array;
  results: Uint8Array;
  /** Seconds for which the process has run at the first scrape. */
  age: number;
  /** When Prometheus notices that the target is gone; null: it still runs. */
  gone: number | null;
};

const FAILED = 0;
const SUCCEEDED = 1;
/** Monitoring does not know the target. */
const UNKNOWN = 2;
/** The process has crashed, and will count from 0. */
const DOWN = 3;

function scrapesOf({ seed, length }: World, service: Service, instance: Instance, faults: readonly Fault[]): Scraped {
  const { scrapeInterval: interval, missed } = service.monitoring;
  const phase = random(seedOf(seed, service.name, instance.slot, 'phase')).between(0, interval);
  const rng = random(seedOf(seed, service.name, instance.name, instance.from, 'scrapes'));
  const from = Math.max(0, instance.from);
  const until = Math.min(length, instance.until);
  const count = Math.max(0, Math.ceil((until - phase) / interval) - Math.max(0, Math.ceil((from - phase) / interval)));
  const first = phase + Math.max(0, Math.ceil((from - phase) / interval)) * interval;
  const times = new Float64Array(count).map((_, index) => milli(first + index * interval + rng.between(0, 0.02)));
  const concerning = faults.filter((fault) => concerns(fault, instance));
  const unscraped = concerning.filter((fault) => fault.unscraped !== undefined || fault.unlisted === true);
  const crash = concerning.find(({ crashSeconds }) => crashSeconds !== undefined);
  let [downUntil, crashAt] = [0, Infinity];
  const results = new Uint8Array(count).map((_, index) => {
    const at = times[index] ?? 0;
    if (crash?.crashSeconds !== undefined && crash.shape(at) > 0) {
      if (crashAt === Infinity) crashAt = at + rng.between(0.3, 1.5) * crash.crashSeconds;
      while (at >= crashAt) {
        downUntil = crashAt + rng.between(0.5, 1.5) * crash.crashSeconds;
        crashAt = downUntil + rng.between(0.5, 1.5) * crash.crashSeconds;
      }
    }
    if (unscraped.some(({ unlisted, shape }) => unlisted === true && shape(at) > 0)) return UNKNOWN;
    if (at < downUntil) return DOWN;
    if (rng.chance(missed)) return FAILED;
    return unscraped.some((fault) => rng.chance((fault.unscraped ?? 0) * fault.shape(at))) ? FAILED : SUCCEEDED;
  });
  const last = times.at(-1) ?? from;
  const gone = instance.until < length ? milli(Math.max(last, instance.until) + rng.between(1, interval)) : null;
  return { instance, times, results, age: instance.from < 0 ? rng.scale(3600, 5 * DAY) : first - from, gone };
}

const milli = (seconds: number): number => Math.round(seconds * 1000) / 1000;

const labelsOf = (service: Service, name: string, { name: instance, version }: Instance): Labels => ({
  [NAME]: name,
  service: service.name,
  environment: 'production',
  instance,
  ...(service.monitoring.isVersioned && { version }),
});

/** Records counters at every scrape. @param next returns how much each has risen since the last scrape */
function record(
  { times, results, gone, age }: Scraped,
  labels: readonly Labels[],
  isLazy: (series: number) => boolean,
  next: (from: number, to: number) => readonly number[],
): Recording[] {
  const recordings = labels.map((each): Recording => ({ labels: each, times: [], values: [], stale: [] }));
  const totals = labels.map(() => 0);
  let before = (times[0] ?? 0) - age;
  const mark = (at: number): void => {
    for (const one of recordings) {
      if (one.times.length === 0 || one.stale.at(-1) === 1) continue;
      one.times.push(at);
      one.values.push(NaN);
      one.stale.push(1);
    }
  };
  for (let index = 0; index < times.length; index += 1) {
    const at = times[index] ?? 0;
    const result = results[index];
    if (result !== SUCCEEDED) mark(at);
    const risen = result === DOWN ? null : next(before, at);
    before = at;
    if (risen === null) {
      totals.fill(0);
      continue;
    }
    for (const [series, one] of recordings.entries()) {
      totals[series] = (totals[series] ?? 0) + (risen[series] ?? 0);
      if (result !== SUCCEEDED || (totals[series] === 0 && isLazy(series))) continue;
      one.times.push(at);
      one.values.push(totals[series] ?? 0);
      one.stale.push(0);
    }
  }
  if (gone !== null) mark(gone);
  return recordings;
}

/** Longest interval that is drawn at the strength of its end. */
const STEADY_SECONDS = 90;

function requestSeries(
  service: Service,
  metric: string,
  scraped: Scraped,
  rng: Random,
  at: { rate: (at: number) => number; failure: (at: number) => number },
): Recording[] {
  const labels = ['200', '500'].map((code) => ({ ...labelsOf(service, metric, scraped.instance), code }));
  return record(
    scraped,
    labels,
    (series) => series === 1 && service.monitoring.hasLazyErrors,
    (from, to) => {
      const middle = (from + to) / 2;
      const isSteady = to - from <= STEADY_SECONDS;
      const count = rng.poisson(at.rate(isSteady ? middle : to) * (to - from));
      const failed = rng.binomial(count, isSteady ? at.failure(middle) : service.baseErrors);
      return [count - failed, failed];
    },
  );
}

const LIMITS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

function bucketSeries(
  service: Service,
  scraped: Scraped,
  rng: Random,
  at: { rate: (at: number) => number; median: (at: number) => number },
): Recording[] {
  const labels = [...LIMITS.map(String), '+Inf'].map((le) => ({ ...labelsOf(service, BUCKETS, scraped.instance), le }));
  return record(
    scraped,
    labels,
    () => false,
    (from, to) => {
      const middle = (from + to) / 2;
      const isSteady = to - from <= STEADY_SECONDS;
      const median = isSteady ? at.median(middle) : service.latency;
      let left = rng.poisson(at.rate(isSteady ? middle : to) * (to - from));
      const all = left;
      let [sum, below] = [0, 0];
      const counts = LIMITS.map((limit) => {
        const until = normalBelow(Math.log(limit / median) / LATENCY_SIGMA);
        const here = left === 0 || below >= 1 ? 0 : rng.binomial(left, Math.min(1, (until - below) / (1 - below)));
        left -= here;
        sum += here;
        below = until;
        return sum;
      });
      return [...counts, all];
    },
  );
}

/** Returns the share of a normal distribution below `z`, to four digits. @see Abramowitz and Stegun, 26.2.17 */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z));
  const polynomial =
    t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  const above = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
  return z >= 0 ? 1 - above : above;
}

/** Standard deviation of the used share of the memory, by instance and by scrape. */
const USAGE_OF_INSTANCE = 0.015;
const USAGE_NOISE = 0.006;

function usageSeries(
  service: Service,
  { instance, times, results, gone }: Scraped,
  rng: Random,
  faults: readonly Fault[],
): Recording {
  const usual = USUAL_USAGE + USAGE_OF_INSTANCE * rng.normal();
  const leaks = faults.filter((fault) => fault.usage !== undefined && concerns(fault, instance));
  const read = [...times.keys()].filter((index) => results[index] === SUCCEEDED).map((index) => times[index] ?? 0);
  const values = read.map((at) => {
    const leaked = leaks.reduce((sum, { usage = 0, shape }) => sum + usage * shape(at), 0);
    return Math.max(0, Math.min(1, usual + leaked + USAGE_NOISE * rng.normal()));
  });
  const ends = gone === null ? [] : [gone];
  return {
    labels: labelsOf(service, USAGE, instance),
    times: [...read, ...ends],
    values: [...values, ...ends.map(() => NaN)],
    stale: [...read.map(() => 0), ...ends.map(() => 1)],
  };
}

function upSeries(service: Service, { instance, times, results, gone }: Scraped): Recording {
  const known = [...times.keys()].filter((index) => results[index] !== UNKNOWN);
  const recording: Recording = {
    labels: labelsOf(service, UP, instance),
    times: known.map((index) => times[index] ?? 0),
    values: known.map((index) => Number(results[index] === SUCCEEDED)),
    stale: known.map(() => 0),
  };
  const lost = results.indexOf(UNKNOWN);
  const end = lost === -1 ? gone : (times[lost] ?? null);
  if (end === null) return recording;
  const before = recording.times.filter((at) => at < end).length;
  recording.times.splice(before, 0, end);
  recording.values.splice(before, 0, NaN);
  recording.stale.splice(before, 0, 1);
  return recording;
}

/** Merges recordings with the same labels: a host that restarts continues its series. */
function merged({ monitoring }: Service, recordings: readonly Recording[]): Series[] {
  const byLabels = new Map<string, Recording>();
  for (const one of recordings) {
    const key = JSON.stringify(one.labels);
    const before = byLabels.get(key);
    if (before === undefined) {
      byLabels.set(key, one);
      continue;
    }
    const next = one.times[0] ?? Infinity;
    const isMarked = before.stale.at(-1) === 1 && (before.times.at(-1) ?? 0) >= next;
    const length = isMarked ? before.times.length - 1 : before.times.length;
    byLabels.set(key, {
      labels: one.labels,
      times: [...before.times.slice(0, length), ...one.times],
      values: [...before.values.slice(0, length), ...one.values],
      stale: [...before.stale.slice(0, length), ...one.stale],
    });
  }
  return [...byLabels.values()]
    .filter(({ times }) => times.length > 0)
    .map(({ labels, times, values, stale }) => ({ labels, times, values, stale, delay: monitoring.delay }));
}

function recordedSeries({ seed, length }: World, service: Service, source: Source): Series[] {
  const rng = random(seedOf(seed, service.name, 'recording'));
  const interval = Number(rng.weighted({ '15': 1, '30': 3, '60': 3 }));
  const start = milli(rng.between(0, interval));
  const grid = { start, step: interval, count: Math.floor((length - start) / interval), now: null };
  return evaluate(recordedQuery(service), grid, source).map(({ values, present }) => {
    const changed = [...values.keys()].filter((index) => present[index] === 1 || present[index - 1] === 1);
    return {
      labels: { [NAME]: RECORDED, service: service.name, environment: 'production' },
      times: changed.map((index) => start + index * interval),
      values: changed.map((index) => values[index] ?? NaN),
      stale: changed.map((index) => (present[index] === 1 ? 0 : 1)),
      delay: 0,
    };
  });
}
