import { expect, test } from 'vitest';
import {
  failureRatio,
  isErrorRatio,
  isRatioName,
  limitIn,
  limitedTo,
  requiredValue,
} from '../../../vendors/prometheus/health-query.ts';

const RATIO = 'sum(rate(requests{code=~"5.."}[5m])) / sum(rate(requests[5m]))';

test.each<[expression: string, expected: ReturnType<typeof limitIn>]>([
  [`${RATIO} > 0.05`, { promql: RATIO, max: 0.05 }],
  [`((a / b) >= 5)`, { promql: '(a / b)', max: 5 }],
  ['a < 0.99', null],
  ['a > b', null],
  ['a > 0', null],
  ['a > 0.1 and b > 0.1', null],
  ['absent(a)', null],
])('the limit of a rule: %s', (expression, expected) => {
  expect(limitIn(expression)).toEqual(expected);
});

test.each([
  [RATIO, true],
  ['job:checkout:error_ratio', true],
  ...['="500"', '="5xx"', '=~"5\\\\d\\\\d"', '=~"5[0-9]{2}"', '=~"(500|503)"', '!~"2..|3.."', '!="200"', "='503'"].map(
    (status): [string, boolean] => [`rate(requests{status${status}}[5m]) / rate(requests[5m])`, true],
  ),
  ['rate(requests{status="200"}[5m]) / rate(requests[5m])', false],
  ['rate(requests{code!~"5.."}[5m]) / rate(requests[5m])', false],
  ['rate(latency_bucket{le="500"}[5m]) / rate(latency_count[5m])', false],
  ['100 * rate(errors_total[5m]) / rate(requests_total[5m])', true],
  ['sum(rate(errors_total[5m]))', false],
  ['rate(cpu_seconds_total[5m]) / 8', false],
  ['histogram_quantile(0.99, sum by (le) (rate(latency_bucket[5m])))', false],
])('shares of failed requests: %s', (promql, expected) => {
  expect(isErrorRatio(promql)).toBe(expected);
});

test.each([
  ['job:error_ratio', true],
  ['slo:sli_error:ratio_rate5m', true],
  ['slo:sli_error:ratio_rate3d', false],
  ['service:errors:percent', true],
  ['errors_total', false],
  ['cache_hit_ratio', false],
])('names of recorded error ratios: %s', (name, expected) => {
  expect(isRatioName(name)).toBe(expected);
});

test.each([
  ['a', 'a{service="x"}'],
  ['a{}', 'a{service="x"}'],
  ['rate(a{code="500"}[5m]) / rate(b[5m])', 'rate(a{service="x", code="500"}[5m]) / rate(b{service="x"}[5m])'],
  ['a{ service = "x" } / b{my_service="y"}', 'a{ service = "x" } / b{service="x", my_service="y"}'],
  ['a{service=~"x|y"}', 'a{service="x", service=~"x|y"}'],
])('limits every selector to a service: %s', (promql, expected) => {
  expect(limitedTo(promql, { service: 'x' })).toBe(expected);
});

test('a label value is known only if every selector requires it', () => {
  expect(requiredValue('a{service="x"} / b{code="1", service="x"}', 'service')).toBe('x');
  expect(requiredValue('a{service="x"} / b', 'service')).toBeNull();
  expect(requiredValue('a{service="x"} / b{service="y"}', 'service')).toBeNull();
  expect(requiredValue('a{service=~"x"}', 'service')).toBeNull();
});

test.each<[label: string, values: string[], matcher: string]>([
  ['code', ['200', '404'], 'code=~"5.."'],
  ['status', ['2xx', '5xx'], 'status="5xx"'],
  ['grpc_code', ['OK'], 'grpc_code=~"Unknown|'],
  ['outcome', ['SUCCESS'], 'outcome=~"(?i:errors?|server_error|'],
])('failed requests by the label %s with %j', (label, values, matcher) => {
  const found = failureRatio('hits_total', { service: 'a"b' }, new Map([[label, new Set(values)]]));
  expect(found?.promql).toContain(String.raw`(sum(rate(hits_total{service="a\"b", ${matcher}`);
  expect(found).toMatchObject({ traffic: String.raw`sum(rate(hits_total{service="a\"b"}[5m]))`, max: null });
});

test('a counter without such a label shows no failures', () => {
  expect(failureRatio('hits_total', { service: 'a' }, new Map([['status', new Set(['busy', ''])]]))).toBeNull();
});
