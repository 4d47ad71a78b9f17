import { expect, test } from 'vitest';
import { wholeOf } from '../../../domain/correlation/query.ts';

const ERRORS = 'sum(rate(http_requests_total{code=~"5.."}[5m]))';
const ALL = 'sum(rate(http_requests_total[5m]))';

test.each<[string, 1 | 100 | null]>([
  [`${ERRORS} / ${ALL}`, 1],
  [`(${ERRORS} or 0 * ${ALL}) / ${ALL}`, 1],
  [`100 * ${ERRORS} / ${ALL}`, 100],
  [`(1 - ${ERRORS} / ${ALL}) * 100`, 100],
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
