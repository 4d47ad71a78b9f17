import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../demo/free-port.ts';
import { Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/** What a version does per second: requests, errors, and the share of requests within each bound in seconds. */
type Behavior = { rate: number; errors: number; within: readonly number[] };

const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5] as const;
const FAST = [0.7, 0.9, 0.97, 0.99, 1];
const SLOW = [0.4, 0.65, 0.85, 0.93, 1];

/** 300 requests per second. */
const STABLE: Behavior = { rate: 285, errors: 0.003, within: FAST };
const CANARY: Behavior = { rate: 15, errors: 0.003, within: FAST };

/** The canary of each service, beside the same stable version. */
const CANARIES: Record<string, Behavior> = {
  good: CANARY,
  failing: { ...CANARY, errors: 0.03 },
  slow: { ...CANARY, within: SLOW },
  quiet: { ...CANARY, rate: 0.05 },
};

const MINUTES_BEFORE = 75;
const MINUTES_OF_CANARY = 6;

/** Recorded in advance, so that the test does not depend on how long the start takes. */
const MINUTES_AHEAD = 10;
const SCRAPE_SECONDS = 15;

/** Returns the counters of all versions as a Prometheus would have scraped them. */
function recorded(now: number): string {
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

const judgeOf = (service: string) => ({
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

describe.skipIf(!have('prometheus', 'promtool'))('the judge with a real Prometheus', () => {
  let prometheus: Running;
  let firebreak: Firebreak;

  beforeAll(async () => {
    const now = Math.floor(Date.now() / 1000);
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(now),
    });
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: 1,
      env: { PROMETHEUS_URL: prometheus.url },
      services: {
        ...Object.fromEntries(
          Object.keys(CANARIES).map((service) => [
            service,
            { environments: { production: { judge: judgeOf(service) } } },
          ]),
        ),
        // Metrics are derived from the health query.
        derived: {
          environments: {
            production: {
              health: {
                promql:
                  'sum(rate(http_requests_total{service="failing",code="500"}[5m])) / sum(rate(http_requests_total{service="failing"}[5m]))',
                max: 0.01,
              },
            },
          },
        },
        unmeasured: { environments: { production: {} } },
      },
    });
  });
  afterAll(async () => {
    await firebreak?.remove();
    await prometheus?.stop();
  });

  const judge = async (service: string, more: object = {}) =>
    (await firebreak.post('/v1/judgements', { service, environment: 'production', version: 'v42', ...more })).body;

  test('a good version is healthy', async () => {
    expect(await judge('good')).toMatchObject({
      verdict: 'healthy',
      baseline: 'v41',
      metrics: [
        { name: 'errors', verdict: 'healthy' },
        { name: 'p95', verdict: 'healthy' },
      ],
    });
  });

  test('3 % errors with 5 % of the traffic are degraded', async () => {
    const { verdict, reasons, metrics } = await judge('failing');
    expect({ verdict, names: metrics.map((one: any) => [one.name, one.verdict]) }).toEqual({
      verdict: 'degraded',
      names: [
        ['errors', 'degraded'],
        ['p95', 'healthy'],
      ],
    });
    expect(metrics[0].version).toBeCloseTo(0.03, 2);
    expect(metrics[0].baseline).toBeCloseTo(0.003, 3);
    expect(metrics[0].change).toBeGreaterThan(8);
    expect(metrics[0].p).toBeLessThan(0.001);
    expect(reasons).toEqual([expect.stringMatching(/^errors: 3 % of .*; v41 at the same time: 0\.3 % of /)]);
  });

  test('a slow 95 % quantile is degraded', async () => {
    expect(await judge('slow')).toMatchObject({
      verdict: 'degraded',
      metrics: [
        { name: 'errors', verdict: 'healthy' },
        { name: 'p95', verdict: 'degraded' },
      ],
    });
  });

  test('too little traffic is inconclusive', async () => {
    const { verdict, reasons } = await judge('quiet');
    expect(verdict).toBe('inconclusive');
    expect(reasons[0]).toMatch(
      /^errors: too little traffic: \d+ requests of v42, .* at least 100 requests are needed$/,
    );
  });

  test('metrics are derived from the health query', async () => {
    expect(await judge('derived')).toMatchObject({
      verdict: 'degraded',
      metrics: [{ name: 'health', verdict: 'degraded' }],
    });
  });

  test('a version without measurements is inconclusive, with the reason', async () => {
    expect(await judge('failing', { version: 'v43' })).toMatchObject({
      verdict: 'inconclusive',
      reasons: expect.arrayContaining(['errors: no series has the label version="v43"']),
      since: null,
    });
    expect((await judge('unmeasured')).reasons).toEqual([
      'no metrics: add judge.metrics in services.yaml, or an objective that counts requests',
    ]);
    expect((await judge('nothing')).reasons).toEqual(['nothing production is not in the catalogue (services.yaml)']);
  });

  const tokenFor = async (actions: string[], grant: object = {}): Promise<string> =>
    (await firebreak.post('/v1/tokens', { name: 'cd', actions, ...grant })).body.token;

  const whileFrozen = async (service: string, run: () => Promise<void>): Promise<void> => {
    const { body } = await firebreak.post('/v1/freezes', { service, environment: 'production', reason: 'a sale' });
    await run();
    expect((await firebreak.request('DELETE', `/v1/freezes/${body.id}`)).status).toBe(200);
  };

  test('answers a web metric of Argo Rollouts', async () => {
    const token = await tokenFor(['canary:judge'], { services: ['good', 'failing', 'quiet'] });
    const measure = async (service: string) => {
      const path = `/integrations/argo-rollouts/judgement?service=${service}&environment=production&version=v42&baseline=`;
      const response = await fetch(firebreak.url + path, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, data: ((await response.json()) as any).data };
    };
    // successCondition: result.ok; failureCondition: result.verdict == "degraded"
    expect(await measure('good')).toMatchObject({ status: 200, data: { ok: true, verdict: 'healthy', frozen: false } });
    expect(await measure('failing')).toMatchObject({ status: 200, data: { ok: false, verdict: 'degraded' } });
    expect(await measure('quiet')).toMatchObject({ status: 200, data: { ok: false, verdict: 'inconclusive' } });
    expect((await measure('slow')).status).toBe(403);
    await whileFrozen('good', async () => {
      const { data } = await measure('good');
      expect(data).toMatchObject({ ok: false, verdict: 'healthy', frozen: true });
      expect(data.reasons[0]).toContain('a sale');
    });
  });

  test('answers a sequence of webhooks of Flagger', async () => {
    const key = await tokenFor(['flagger:gate']);
    const send = async (hook: string, service: string, phase = 'Progressing') => {
      const response = await fetch(`${firebreak.url}/integrations/flagger/${hook}?key=${key}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          name: service,
          namespace: 'shop',
          phase,
          checksum: '85d557f47b',
          metadata: { service, environment: 'production', version: 'v42' },
        }),
      });
      return { status: response.status, body: (await response.json()) as any };
    };
    // Flagger accepts up to 202. `rollout` must not count an inconclusive version as a failed check.
    const sequence = [
      'confirm-rollout',
      'rollout',
      'confirm-traffic-increase',
      'confirm-promotion',
      'rollback-degraded',
    ];
    const statuses = async (service: string) => {
      const answers = [];
      for (const hook of sequence) answers.push((await send(hook, service)).status);
      return answers;
    };
    expect(await statuses('good')).toEqual([200, 200, 200, 200, 403]);
    expect(await statuses('failing')).toEqual([200, 409, 409, 409, 200]);
    expect(await statuses('quiet')).toEqual([200, 200, 409, 409, 403]);
    await whileFrozen('good', async () => {
      expect(await statuses('good')).toEqual([423, 200, 423, 423, 403]);
      expect((await send('confirm-promotion', 'good', 'WaitingPromotion')).body.reasons[0]).toContain('a sale');
    });
    expect((await send('rollout', 'failing')).body).toMatchObject({
      allowed: false,
      verdict: 'degraded',
      reasons: [expect.stringContaining('errors: 3 %')],
    });
    await firebreak.request('PUT', '/v1/automation', { paused: true, reason: 'test' });
    expect((await send('rollback-degraded', 'failing')).status).toBe(403);
    await firebreak.request('PUT', '/v1/automation', { paused: false });
  });
});
