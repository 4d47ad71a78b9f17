import { expect, test } from 'vitest';
import { byInstance, requestsOf, samplesIn, wholeOf, withWindow } from '../../../../core/domain/correlation/query.ts';

const ERRORS = 'sum(rate(http_requests_total{code=~"5.."}[5m]))';
const ALL = 'sum(rate(http_requests_total[5m]))';

test.each<[string, 1 | 100 | null]>([
  [`${ERRORS} / ${ALL}`, 1],
  [`(${ERRORS} or 0 * ${ALL}) / ${ALL}`, 1],
  [`100 * ${ERRORS} / ${ALL}`, 100],
  [`(1 - ${ERRORS} / ${ALL}) * 100`, 100],
  [`${ERRORS} / ${ALL} * 100.0`, 100],
  [`1e2 * ${ERRORS} / ${ALL}`, 100],
  [`${ERRORS} / ${ALL} * (100)`, 100],
  ['service:error_ratio_percent:rate5m', 100],
  [`(${ALL} - sum(rate(ok_total[5m]))) / ${ALL}`, 1],
  ['sum(rate(checkout_errors_total[5m])) / sum(rate(checkout_requests_total[5m]))', 1],
  ['job:request_errors:ratio_rate5m{job="checkout"}', 1],
  ['instance:memory_utilisation:ratio', null],
  ['sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m]))', null],
  ['histogram_quantile(0.99, sum by (le) (rate(errors_bucket[5m]))) / 2', null],
  ['container_memory_working_set_bytes / container_spec_memory_limit_bytes', null],
  [ERRORS, null],
  ['queue_length', null],
  [`${ERRORS} / ${ALL} / 2`, null],
  ['sum(rate(', null],
])('the greatest value of %s is %s', (promql, whole) => {
  expect(wholeOf(promql)).toBe(whole);
});

const BY = 'sum by (version) (rate(http_requests_total{job="shop[5m]"}[5m]))';
const ERRORS_BY = 'sum by (version) (rate(http_requests_total{job="shop[5m]",code=~"5.."}[5m]))';

test.each<[string, string | null]>([
  [`${ERRORS_BY} / ${BY}`, BY],
  [`(${ERRORS_BY} or 0 * ${BY}) / ${BY}`, BY],
  [`100 * ${ERRORS_BY} / ${BY} # of all`, BY],
  [`(1 - ${ERRORS_BY} / ${BY}) * 100`, BY],
  [`${ERRORS_BY} / ${BY} > 0`, BY],
  [`${ERRORS_BY} / (${BY})`, `(${BY})`],
  [`${ERRORS_BY} / ${BY.replace('rate', 'increase')}`, null],
  [`${ERRORS_BY} / avg by (version) (rate(http_requests_total[5m]))`, null],
  [`${ERRORS_BY} / 2`, null],
  ['job:request_errors:ratio_rate5m', null],
  ['histogram_quantile(0.99, sum by (le, version) (rate(latency_bucket[5m])))', null],
  ['sum(rate(', null],
])('the requests of %s are %s', (promql, requests) => {
  expect(requestsOf(promql)).toBe(requests);
});

test.each<[string, string | null]>([
  [BY, 'sum by (version) (rate(http_requests_total{job="shop[5m]"}[60s]))'],
  [`${ERRORS} / ${ALL}`, `${ERRORS} / ${ALL}`.replaceAll('[5m]', '[60s]')],
  ['sum(rate(a[ 5m ] offset 1h))', 'sum(rate(a[60s ] offset 1h))'],
  ['sum(rate(a[5m])) / sum(rate(b[1m]))', null],
  ['max_over_time(sum(rate(a[5m]))[5m:30s])', null],
  ['sum(rate(a[5m])) / b:ratio_rate1h', null],
  ['sum(increase(a[5m]))', null],
  ['job:request_errors:ratio_rate5m', null],
  ['sum(rate(', null],
])('%s over a minute is %s', (promql, shorter) => {
  expect(withWindow(promql, 60)).toBe(shorter);
});

test.each<[string, string | null]>([
  [BY, 'max(count_over_time(http_requests_total{job="shop[5m]"}[5m]))'],
  [`${ERRORS} / ${ALL}`, 'max(count_over_time(http_requests_total{code=~"5.."}[5m]))'],
  ['rate({__name__="a"}[5m])', 'max(count_over_time({__name__="a"}[5m]))'],
  ['rate(a[5m])', 'max(count_over_time(a[5m]))'],
  ['sum(rate(a[5m:30s]))', null],
  ['job:request_errors:ratio_rate5m', null],
  ['sum(rate(', null],
])('the samples of %s are counted by %s', (promql, count) => {
  expect(samplesIn(promql)).toBe(count);
});

test.each<[string, string | null]>([
  [
    'sum by (version) (rate(e[5m])) / sum by (version) (rate(r[5m]))',
    'sum by (version, pod, instance) (rate(e[5m])) / sum by (version, pod, instance) (rate(r[5m]))',
  ],
  ['sum(rate(r[5m])) by (app, version)', 'sum(rate(r[5m])) by (app, version, pod, instance)'],
  [
    'histogram_quantile(0.99, sum by (le, version) (rate(b[5m])))',
    'histogram_quantile(0.99, sum by (le, version, pod, instance) (rate(b[5m])))',
  ],
  [
    'sum by (version) (rate(r[5m]) * on (namespace, pod) group_left (version) max by (namespace, pod, version) (kube_pod_labels))',
    'sum by (version, pod, instance) (rate(r[5m]) * on (namespace, pod) group_left (version) max by (namespace, pod, version) (kube_pod_labels))',
  ],
  ['job_version:errors:ratio_rate5m', null],
  ['sum without (pod) (rate(r[5m]))', null],
  ['sum(rate(requests[1m])) by (version,)', 'sum(rate(requests[1m])) by (version, pod, instance)'],
  ['not PromQL (', null],
])('by instance, %s', (query, expected) => {
  expect(byInstance(query)).toBe(expected);
});
