/** What a version does per second: requests, errors, and the share of requests within each bound in seconds. */
type Behavior = { rate: number; errors: number; within: readonly number[] };

const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5] as const;
const FAST = [0.7, 0.9, 0.97, 0.99, 1];
const SLOW = [0.4, 0.65, 0.85, 0.93, 1];

/** 300 requests per second. */
const STABLE: Behavior = { rate: 285, errors: 0.003, within: FAST };
const CANARY: Behavior = { rate: 15, errors: 0.003, within: FAST };

/** The canary of each service, beside the same stable version. */
export const CANARIES: Record<string, Behavior> = {
  good: CANARY,
  failing: { ...CANARY, errors: 0.03 },
  slow: { ...CANARY, within: SLOW },
  quiet: { ...CANARY, rate: 0.05 },
};

const MINUTES_BEFORE = 75;
export const MINUTES_OF_CANARY = 6;

/** Recorded in advance, so that the test does not depend on how long the start takes. */
const MINUTES_AHEAD = 10;
const SCRAPE_SECONDS = 15;

/** Returns the counters of all versions as a Prometheus would have scraped them. */
export function recorded(now: number): string {
  const series: string[] = [];
  const counter = (name: string, labels: string, perSecond: number, from: number): void => {
    for (let at = from; at <= now + MINUTES_AHEAD * 60; at += SCRAPE_SECONDS)
      series.push(`${name}{${labels}} ${Math.floor(1000 + perSecond * (at - from))} ${at}`);
  };
  const version = (service: string, name: string, { rate, errors, within }: Behavior, from: number): void => {
    const labels = `service="${service}",version="${name}"`;
    counter('http_requests_total', `${labels},code="200"`, rate * (1 - errors), from);
    counter('http_requests_total', `${labels},code="500"`, rate * errors, from);
    [...BOUNDS, Infinity].forEach((bound, index) =>
      counter(
        'http_duration_seconds_bucket',
        `${labels},le="${bound === Infinity ? '+Inf' : bound}"`,
        rate * (within[index] ?? 1),
        from,
      ),
    );
  };
  for (const [service, canary] of Object.entries(CANARIES)) {
    version(service, 'v41', STABLE, now - MINUTES_BEFORE * 60);
    version(service, 'v42', canary, now - MINUTES_OF_CANARY * 60);
  }
  return [...series, '# EOF\n'].join('\n');
}

const by = (service: string, selector = '') =>
  `sum by (version) (rate(http_requests_total{service="${service}"${selector}}[{{.window}}]))`;

/** Returns the judge's settings for a service. */
export const judgeOf = (service: string) => ({
  metrics: [
    { kind: 'ratio', name: 'errors', bad: by(service, ',code="500"'), total: by(service) },
    {
      kind: 'latency',
      name: 'p95',
      quantile: 0.95,
      buckets: `sum by (version, le) (rate(http_duration_seconds_bucket{service="${service}"}[{{.window}}]))`,
    },
  ],
});
