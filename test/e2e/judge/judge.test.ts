import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';
import { CANARIES, judgeOf, recorded } from './traffic.ts';

/** A hook of Flagger as recorded; all gates send the same fields. */
const RECORDED = JSON.parse(
  readFileSync(new URL('../../fixtures/flagger/confirm-promotion.request.json', import.meta.url), 'utf8'),
) as { body: string };

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
          ...(JSON.parse(RECORDED.body) as object),
          name: service,
          phase,
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
