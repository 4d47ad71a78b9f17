import { describe, expect, test } from 'vitest';
import { healthOf } from '../../../../core/domain/catalogue/health.ts';
import { healthQueryOf } from '../../../../core/domain/monitoring/objective-health.ts';
import { emptyConfig, ServicesFile } from '../../../../schemas/config/config.ts';
import { objective } from '../../../support/objective.ts';

const ALL = 'sum(rate(requests_total[{{.window}}]))';
const PART = 'sum(rate(part_total[{{.window}}]))';
const ratio = (of: 'good' | 'bad', more: object = {}) =>
  objective({ indicator: { kind: 'ratio', counter: false, of, numerator: PART, total: ALL, ...more } });

describe('the health query of an objective', () => {
  test.each([
    [
      'of bad events: missing series count as no bad events',
      ratio('bad'),
      '((sum(rate(part_total[5m]))) or 0 * (sum(rate(requests_total[5m])))) / (sum(rate(requests_total[5m])))',
    ],
    [
      'of good events: missing series give no result',
      ratio('good'),
      'clamp_min(1 - (sum(rate(part_total[5m]))) / (sum(rate(requests_total[5m]))), 0)',
    ],
    [
      'of counters: their rates',
      ratio('bad', { counter: true, numerator: 'part_total', total: 'requests_total' }),
      '((sum(rate(part_total[5m]))) or 0 * (sum(rate(requests_total[5m])))) / (sum(rate(requests_total[5m])))',
    ],
    [
      'of a share of good events: the remaining share',
      objective({ indicator: { kind: 'share', of: 'good', query: 'success_ratio' } }),
      '1 - avg_over_time(min(success_ratio)[5m:1m])',
    ],
    [
      'of a threshold: the share of time beyond it',
      objective({ indicator: { kind: 'threshold', query: 'p99', op: 'lte', value: 0.3 } }),
      'avg_over_time(max((p99) > bool 0.3)[5m:1m])',
    ],
  ])('is, %s', (_, slo, promql) => {
    expect(healthQueryOf(slo).promql).toBe(promql);
  });

  test.each([
    ['99.9 %', objective(), 0.0056],
    ['99 %', objective({ target: 0.99 }), 0.056],
    ['99.99 %', objective({ target: 0.9999 }), 0.00056],
    // 5.6 times the allowed share would be 56 %; but a service with 60 % failures is not healthy.
    ['90 %', objective({ target: 0.9 }), 0.55],
    ['50 %', objective({ target: 0.5 }), 0.75],
    [
      'time slices that are good from 99 %',
      objective({ budgeting: { kind: 'timeslices', sliceSeconds: 300, sliceTarget: 0.99 } }),
      0.01,
    ],
  ])('has the limit at which it would page: %s', (_, slo, max) => {
    expect(healthQueryOf(slo).max).toBe(max);
  });
});

describe('the health query of a service and environment', () => {
  const serviceEnvironment = { service: objective().service, environment: objective().environment };
  const catalogue = (health?: object) =>
    ServicesFile.parse({ services: { checkout: { environments: { production: { health } } } } });

  test('is that of the catalogue, if it has one', () => {
    const config = {
      ...emptyConfig,
      ...catalogue({ promql: 'errors', max: 0.01, traffic: 'rps' }),
      slos: [objective()],
    };
    expect(healthOf(config, serviceEnvironment)).toEqual({
      promql: 'errors',
      max: 0.01,
      traffic: 'rps',
      called: 'errors',
    });
  });

  test('otherwise that of its objective, of several the one with the highest target', () => {
    const slos = [
      objective({ id: 'latency', target: 0.99 }),
      objective({ id: 'b' }),
      objective({ id: 'a' }),
      objective({ id: 'elsewhere', service: 'search', target: 0.9999 }),
      objective({ id: 'staging', environment: 'staging', target: 0.9999 }),
    ];
    expect(healthOf({ ...emptyConfig, ...catalogue(), slos }, serviceEnvironment)).toEqual({
      ...healthQueryOf(objective()),
      called: 'the error ratio of a',
    });
  });

  test('is absent if there is neither', () => {
    expect(
      healthOf({ ...emptyConfig, ...catalogue(), slos: [objective({ service: 'search' })] }, serviceEnvironment),
    ).toBeUndefined();
    expect(healthOf(emptyConfig, serviceEnvironment)).toBeUndefined();
  });
});
