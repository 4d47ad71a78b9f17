import type { Random } from '../random.ts';

/**
 * A dependency. `coupling`: share of the caller's requests that fail if the dependency fails for all. `lag`: seconds until
 * its failures reach the caller.
 */
export type Call = { to: string; coupling: number; isDeclared: boolean; lag: number };

/**
 * How the label `version` of metrics is wrong.
 * - `late`: a new instance carries the version before it for so long, until service discovery has noticed
 * - `lost`: instances that started since then carry none, because the rule that adds it matches no longer
 * - `successes`: failed requests to these versions carry none
 */
export type Labelling =
  | { fault: 'late'; seconds: number }
  | { fault: 'lost'; startedSince: number }
  | { fault: 'successes'; versions: readonly string[] };

/** How a service is measured. Times in seconds. */
export type Monitoring = {
  scrapeInterval: number;
  /** Probability that a scrape fails. */
  missed: number;
  /** Seconds until a sample can be queried: remote write, or a federation. */
  delay: number;
  /** Metrics carry the label `version`. */
  isVersioned: boolean;
  /** The series of errors begins with the first error. */
  hasLazyErrors: boolean;
  /** How the label `version` is wrong. Absent: each sample carries the version of its instance. */
  labelling?: Labelling;
};

/**
 * Form of a health query.
 * - `ratio`: share of requests that failed; no value without a series of errors
 * - `ratio_or_zero`: the same, but zero without a series of errors
 * - `recorded`: the same as `ratio_or_zero`, by a recording rule
 * - `percent`: the ratio times 100
 * - `success`: one minus the share of requests that succeeded, which is also a share of failures
 * - `quantile`: of the latency
 * - `usage`: the used share of the memory, which says nothing about requests; only for classes of leaks
 * - `none`: the service has no health query
 */
export type HealthForm = 'ratio' | 'ratio_or_zero' | 'recorded' | 'percent' | 'success' | 'quantile' | 'usage' | 'none';

export type Health = {
  form: HealthForm;
  window: string;
  /** Healthy up to this value, in the query's unit. */
  max: number;
  /** The service also has a query of its traffic. */
  hasTraffic: boolean;
  /** The service also has a health query by version. */
  hasByVersion: boolean;
  /** The service also has a query of what its callers measure by version. Absent: it has none. */
  hasCallers?: true;
};

/**
 * An alerting rule of a service. `burn`: a multi-window burn-rate rule; `up`: too few instances; `absent`: no samples;
 * `callers`: failed requests as callers count them.
 */
export type RuleForm = 'health' | 'by_version' | 'burn' | 'up' | 'absent' | 'callers';

export type RuleSetup = {
  form: RuleForm;
  alertname: string;
  /** Factor of the health limit above which it fires; for `burn`, the error budget as a share of requests. */
  level: number;
  forSeconds: number;
  intervalSeconds: number;
  /** Firebreak can read the rule. */
  isReadable: boolean;
};

export type Service = {
  name: string;
  /** 0: at the edge; 3: databases, queues, and other shared infrastructure. */
  layer: 0 | 1 | 2 | 3;
  /** Mean requests per second over a day. */
  rate: number;
  /** Course over a day. `amplitude`: as a share of the mean rate. `peakHour` in UTC. */
  daily: { amplitude: number; peakHour: number };
  /** Standard deviation of the logarithm of the traffic, per minute. */
  noise: number;
  instances: number;
  /** `pods`: a new instance has another name. `hosts`: the name stays, and counters restart. */
  identity: 'pods' | 'hosts';
  /** Share of requests that fail without a problem. */
  baseErrors: number;
  /** Median latency in seconds. */
  latency: number;
  calls: Call[];
  monitoring: Monitoring;
  health: Health;
  rule: RuleSetup;
};

/** Standard deviation of the logarithm of latencies. */
export const LATENCY_SIGMA = 0.7;

const NAMES = {
  0: ['storefront', 'api-gateway', 'mobile-api', 'partner-api', 'admin-console'],
  1: ['checkout', 'search', 'basket', 'accounts', 'orders', 'listings', 'feed', 'messaging', 'booking', 'reviews'],
  2: ['payments', 'pricing', 'inventory', 'identity', 'shipping', 'recommendations', 'notifications', 'media', 'tax'],
  3: ['postgres-main', 'kafka', 'redis-sessions', 'object-store', 'service-mesh', 'elasticsearch'],
} as const;

/** Draws services in four layers, of which each calls some of the layers below. */
export function drawServices(rng: Random): Service[] {
  const layers = [
    drawnFrom(rng, NAMES[0], rng.whole(1, 2)),
    drawnFrom(rng, NAMES[1], rng.whole(2, 6)),
    drawnFrom(rng, NAMES[2], rng.whole(2, 5)),
    drawnFrom(rng, NAMES[3], rng.whole(1, 3)),
  ];
  return layers.flatMap((names, layer) =>
    names.map((name) => drawService(rng, name, layer as Service['layer'], layers.slice(layer + 1))),
  );
}

function drawnFrom(rng: Random, names: readonly string[], count: number): string[] {
  const left = [...names];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(rng.whole(0, left.length - 1), 1)[0] ?? '',
  );
}

/** Share of calls that the catalogue does not declare. */
const UNDECLARED = 0.2;

function drawService(rng: Random, name: string, layer: Service['layer'], below: readonly string[][]): Service {
  const calls = below.flatMap((names, distance) =>
    names
      .filter(() => rng.chance(distance === 0 ? 0.55 : 0.2))
      .map((to): Call => ({
        to,
        coupling: rng.between(0.1, 1),
        isDeclared: !rng.chance(UNDECLARED),
        lag: rng.scale(1, 40),
      })),
  );
  const rate = Math.exp(Math.log(12) + 1.7 * rng.normal());
  const latency = rng.scale(0.01, 0.4);
  const baseErrors = rng.scale(2e-5, 4e-3);
  const monitoring = drawMonitoring(rng);
  const health = drawHealth(rng, { monitoring, baseErrors, latency });
  return {
    name,
    layer,
    rate: Math.max(0.02, layer === 3 ? rate * 4 : rate),
    daily: { amplitude: rng.between(0.15, 0.65), peakHour: rng.between(9, 21) },
    noise: rng.scale(0.015, 0.12),
    instances: Math.max(2, Math.min(12, Math.round(Math.exp(1.1 + 0.6 * rng.normal())))),
    identity: rng.weighted({ pods: 4, hosts: 1 }),
    baseErrors,
    latency,
    calls,
    monitoring,
    health,
    rule: drawRule(rng, name, health, monitoring),
  };
}

const drawMonitoring = (rng: Random): Monitoring => ({
  scrapeInterval: Number(rng.weighted({ '15': 5, '30': 4, '60': 2 })),
  missed: rng.chance(0.25) ? rng.scale(0.002, 0.06) : 0.0005,
  delay: rng.chance(0.12) ? rng.between(20, 90) : 0,
  isVersioned: rng.chance(0.5),
  hasLazyErrors: rng.chance(0.45),
});

function drawHealth(
  rng: Random,
  { monitoring, baseErrors, latency }: Pick<Service, 'monitoring' | 'baseErrors' | 'latency'>,
): Health {
  const form = rng.weighted({
    ratio: 40,
    ratio_or_zero: 22,
    recorded: 12,
    percent: 8,
    success: 5,
    quantile: 8,
    none: 5,
  });
  // A window has at least four scrapes, as the Prometheus documentation recommends.
  const windows = [1, 2, 5, 10].filter((minutes) => minutes * 60 >= 4 * monitoring.scrapeInterval);
  const minutes = windows[Math.min(windows.length - 1, rng.whole(0, 1) + rng.whole(0, 1))] ?? 5;
  return {
    form,
    window: `${minutes}m`,
    max: healthLimit(rng, form, { baseErrors, latency }),
    hasTraffic: rng.chance(0.8),
    hasByVersion: monitoring.isVersioned && rng.chance(0.88),
  };
}

/** Returns a limit as people write it: a round number with a distance from the normal value. */
export function healthLimit(
  rng: Random,
  form: HealthForm,
  { baseErrors, latency }: Pick<Service, 'baseErrors' | 'latency'>,
): number {
  if (form === 'quantile')
    return Number((latency * Math.exp(2.33 * LATENCY_SIGMA) * rng.between(1.8, 3.5)).toPrecision(2));
  const ratio = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1].filter((each) => each > 4 * baseErrors);
  const chosen = ratio[Math.min(ratio.length - 1, rng.whole(0, 3))] ?? 0.1;
  return form === 'percent' ? Number((chosen * 100).toPrecision(3)) : chosen;
}

function drawRule(rng: Random, name: string, health: Health, { isVersioned }: Monitoring): RuleSetup {
  const intervalSeconds = Number(rng.weighted({ '15': 4, '30': 4, '60': 3 }));
  const isLatency = health.form === 'quantile';
  return {
    form: isVersioned && health.hasByVersion && rng.chance(0.08) ? 'by_version' : 'health',
    alertname: `${name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}${isLatency ? 'Slow' : 'Errors'}`,
    level: rng.weighted({ same: 7, higher: 3 }) === 'same' ? 1 : rng.between(1.2, 2.5),
    forSeconds: Number(rng.weighted({ '0': 3, '60': 4, '120': 4, '300': 3 })),
    intervalSeconds,
    isReadable: rng.chance(0.75),
  };
}
