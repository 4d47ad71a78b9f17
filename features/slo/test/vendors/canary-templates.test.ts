import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { canaryTemplates } from '../../decisions/canary-templates.ts';
import { canaryQueries } from '../../vendors/canary-queries.ts';
import { parsesAsPromql } from '../../../../local/config/promql.ts';
import { Slo } from '../../../../schemas/slo/slo.ts';

const slo = (id: string, indicator: object) =>
  Slo.parse({
    id,
    displayName: '',
    description: '',
    service: 'checkout',
    environment: 'production',
    target: 0.999,
    window: { kind: 'rolling', seconds: 86_400 },
    budgeting: { kind: 'occurrences' },
    indicator,
  });

const SLOS = [
  slo('checkout-availability', {
    kind: 'ratio',
    counter: true,
    of: 'bad',
    numerator: 'http_requests_total{code=~"5.."}',
    total: 'http_requests_total',
  }),
  slo('checkout-latency', {
    kind: 'ratio',
    counter: false,
    of: 'good',
    numerator: 'sum(rate(http_duration_seconds_bucket{job="shop", le="0.3"}[{{.window}}]))',
    total: 'sum(rate(http_duration_seconds_count{job="shop"}[{{.window}}]))',
  }),
  slo('checkout-p99', { kind: 'threshold', query: 'p99_seconds', op: 'lte', value: 0.3 }),
];

const queries = SLOS.flatMap((one) => canaryQueries(one, { version: 'version', workload: 'deployment' }) ?? []);
const files = canaryTemplates(queries, { prometheus: 'http://prometheus:9090', url: 'https://firebreak.example.com' });

/** Parts of the CRDs, without descriptions. `sources` in the file names the commits. */
const CRDS = JSON.parse(
  readFileSync(new URL('../../../../test/fixtures/canary/crd-schemas.json', import.meta.url), 'utf8'),
);
const validate = (kind: 'AnalysisTemplate' | 'MetricTemplate' | 'CanaryPatch', file: string): any => {
  const object = files.get(file) as { spec: unknown };
  z.fromJSONSchema(CRDS[kind]).parse(object.spec);
  return object;
};

test('files are those of the service, its limits, and its canary', () => {
  expect([...files.keys()].toSorted()).toEqual([
    'argo-rollouts/checkout-production.yaml',
    'flagger/checkout-availability-error-ratio.yaml',
    'flagger/checkout-latency-error-ratio.yaml',
    'flagger/checkout-latency-p99.yaml',
    'flagger/checkout-production-canary-patch.yaml',
  ]);
});

test('the queries are those of one version', () => {
  const [availability, latency] = queries;
  expect(availability?.argoRollouts).toEqual([
    {
      name: 'checkout-availability-error-ratio',
      max: 0.01,
      query:
        '((sum(rate(http_requests_total{version="{{args.version}}", code=~"5.."}[1m]))) or ' +
        '(sum(rate(http_requests_total{version="{{args.version}}"}[1m]))) * 0) / ' +
        '(sum(rate(http_requests_total{version="{{args.version}}"}[1m])))',
    },
  ]);
  expect(latency?.flagger[1]).toEqual({
    name: 'checkout-latency-p99',
    max: 1.5,
    query:
      'histogram_quantile(0.99, sum by (le) (rate(http_duration_seconds_bucket{deployment="{{ target }}", job="shop"}[{{ interval }}])))',
  });
  for (const { query } of queries.flatMap(({ argoRollouts, flagger }) => [...argoRollouts, ...flagger]))
    expect(parsesAsPromql(query.replaceAll(/\{\{ (?:interval) \}\}/g, '1m'))).toBeNull();
});

describe('the objects fit the CRDs', () => {
  test('AnalysisTemplate', () => {
    const { spec } = validate('AnalysisTemplate', 'argo-rollouts/checkout-production.yaml');
    expect(spec.metrics.map(({ name }: { name: string }) => name)).toEqual([
      'checkout-availability-error-ratio',
      'checkout-latency-error-ratio',
      'checkout-latency-p99',
      'firebreak',
    ]);
    expect(spec.metrics[0]).toMatchObject({ interval: '1m', count: 10, failureLimit: 4, inconclusiveLimit: 9 });
    expect(spec.metrics[3].provider.web.url).toBe(
      'https://firebreak.example.com/integrations/argo-rollouts/judgement?service=checkout&environment=production' +
        '&version={{args.version}}&baseline={{args.baseline}}',
    );
  });

  test('MetricTemplate', () => {
    validate('MetricTemplate', 'flagger/checkout-latency-p99.yaml');
    validate('MetricTemplate', 'flagger/checkout-availability-error-ratio.yaml');
  });

  test('Canary', () => {
    const { spec } = validate('CanaryPatch', 'flagger/checkout-production-canary-patch.yaml');
    expect(spec).toMatchObject({
      progressDeadlineSeconds: 600,
      analysis: { interval: '1m', threshold: 5, stepWeight: 10, maxWeight: 50 },
    });
    expect(spec.analysis.metrics[0]).toMatchObject({ thresholdRange: { max: 0.01 }, interval: '1m' });
    expect(spec.analysis.metrics[2]).toMatchObject({ thresholdRange: { max: 1.5 } });
    expect(spec.analysis.webhooks.map(({ type }: { type: string }) => type)).toEqual([
      'confirm-rollout',
      'rollout',
      'confirm-promotion',
      'rollback',
    ]);
  });

  test('an object that does not fit is refused', () => {
    const parse = (spec: object) => z.fromJSONSchema(CRDS.CanaryPatch).safeParse(spec).success;
    expect(parse({ analysis: { interval: '1m', threshold: 5, stepWeight: 10 } })).toBe(true);
    expect(parse({ analysis: { interval: '1m', threshold: 5, stepWeigth: 10 } })).toBe(false);
    expect(parse({ analysis: { interval: 'soon', threshold: 5, stepWeight: 10 } })).toBe(false);
  });
});
