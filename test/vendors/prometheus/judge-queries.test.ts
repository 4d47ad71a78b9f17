import { expect, test } from 'vitest';
import { derivedMetrics } from '../../../vendors/prometheus/judge-queries.ts';
import { Slo } from '../../../schemas/slo/slo.ts';

const slo = (indicator: object) =>
  Slo.parse({
    id: 'checkout-availability',
    displayName: '',
    description: '',
    service: 'checkout',
    environment: 'production',
    target: 0.999,
    window: { kind: 'rolling', seconds: 86_400 },
    budgeting: { kind: 'occurrences' },
    indicator: { kind: 'ratio', ...indicator },
  });

test('an objective that counts bad events is split by version', () => {
  const objective = slo({
    counter: true,
    of: 'bad',
    numerator: 'http_requests_total{code=~"5.."}',
    total: 'http_requests_total',
  });
  expect(derivedMetrics({ slos: [objective], health: undefined }, 'version')).toEqual([
    {
      kind: 'ratio',
      name: 'checkout-availability',
      bad: 'sum by (version) (rate(http_requests_total{code=~"5.."}[{{.window}}]))',
      total: 'sum by (version) (rate(http_requests_total[{{.window}}]))',
      ignoreBelow: 0.002,
    },
  ]);
});

test('good events are subtracted from all', () => {
  const objective = slo({
    counter: false,
    of: 'good',
    numerator: 'sum(rate(fast_total[{{.window}}]))',
    total: 'sum(rate(all_total[{{.window}}]))',
  });
  expect(derivedMetrics({ slos: [objective], health: undefined }, 'track')[0]).toMatchObject({
    bad:
      '(sum by (track) (rate(all_total[{{.window}}]))) - ' +
      '((sum by (track) (rate(fast_total[{{.window}}]))) or (sum by (track) (rate(all_total[{{.window}}]))) * 0)',
  });
});

test('without an objective, a health query that is a ratio of rates is used', () => {
  const promql = 'sum(rate(errors_total{service="a"}[5m])) / sum(rate(requests_total{service="a"}[5m]))';
  expect(derivedMetrics({ slos: [], health: { promql, max: 0.05 } }, 'version')).toMatchObject([
    {
      name: 'health',
      bad: 'sum by (version) (rate(errors_total{service="a"}[{{.window}}]))',
      total: 'sum by (version) (rate(requests_total{service="a"}[{{.window}}]))',
    },
  ]);
});

test('a health query by version is used as written', () => {
  const byVersion =
    '((sum by (version) (rate(e[5m]))) or (sum by (version) (rate(r[5m]))) * 0) / (sum by (version) (rate(r[5m])))';
  expect(derivedMetrics({ slos: [], health: { promql: 'job:errors', max: 0.05, byVersion } }, 'version')).toMatchObject(
    [
      {
        bad: '((sum by (version) (rate(e[{{.window}}]))) or (sum by (version) (rate(r[{{.window}}]))) * 0)',
        total: '(sum by (version) (rate(r[{{.window}}])))',
      },
    ],
  );
});

test('of a recorded ratio, only the value is known', () => {
  expect(derivedMetrics({ slos: [], health: { promql: 'job:errors:ratio', max: 0.05 } }, 'version')).toEqual([
    { kind: 'value', name: 'health', query: 'job:errors:ratio', worse: 'higher', ignoreBelow: 0, max: 0.05 },
  ]);
});
