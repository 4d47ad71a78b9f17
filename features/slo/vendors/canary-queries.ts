import { parser } from '@prometheus-io/lezer-promql';
import {
  type CanaryLimit,
  type CanaryQueries,
  ERROR_RATIO_MAX,
  SLOWEST_MAX_SECONDS,
} from '../decisions/canary-templates.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { limitedTo } from '../../../vendors/prometheus/health-query.ts';
import { nodesOf } from '../../../vendors/prometheus/version-query.ts';
import { rateOf } from '../../../core/domain/monitoring/rates.ts';

/** Stands for the window while a query is parsed. An unusual duration, which no query contains. */
const WINDOW_PLACEHOLDER = '61s1ms';

/** Labels that distinguish versions, and workloads. */
export type CanaryLabels = { version: string; workload: string };

/** Returns the limits of an objective that counts events. Null: it counts none. */
export function canaryQueries(slo: Slo, labels: CanaryLabels): CanaryQueries | null {
  if (slo.indicator.kind !== 'ratio') return null;
  const { id, service, environment } = slo;
  return {
    id,
    service,
    environment,
    argoRollouts: limitsOf(slo, labels.version, '{{args.version}}', '1m'),
    flagger: limitsOf(slo, labels.workload, '{{ target }}', '{{ interval }}'),
  };
}

/** Returns the limits for series whose label has this value. */
function limitsOf({ id, indicator }: Slo, label: string, value: string, window: string): CanaryLimit[] {
  if (indicator.kind !== 'ratio') return [];
  const limitQuery = (query: string): string => limitedTo(query, { [label]: value });
  const [total, part] = [indicator.total, indicator.numerator].map((query) =>
    limitQuery(rateOf(query, indicator.counter, WINDOW_PLACEHOLDER)),
  );
  if (total === undefined || part === undefined) return [];
  // A series of errors, or of successes, begins with the first one.
  const partOrZero = `((${part}) or (${total}) * 0)`;
  const ratio = indicator.of === 'bad' ? `${partOrZero} / (${total})` : `1 - ${partOrZero} / (${total})`;
  const latency = latencyLimitOf(`${indicator.numerator} + ${indicator.total}`, limitQuery);
  return [
    { name: `${id}-error-ratio`, query: ratio, max: ERROR_RATIO_MAX },
    ...(latency === null ? [] : [{ ...latency, name: `${id}-p99` }]),
  ].map((limit) => ({ ...limit, query: limit.query.replaceAll(WINDOW_PLACEHOLDER, window) }));
}

const MILLISECONDS = /milliseconds|_ms(?:_|$)/;

/** Returns the 99 % quantile of the first histogram in a query. Null: it has none. */
function latencyLimitOf(promql: string, limitQuery: (query: string) => string): Omit<CanaryLimit, 'name'> | null {
  const text = promql.replaceAll('{{.window}}', WINDOW_PLACEHOLDER);
  for (const { from, to } of nodesOf(parser.parse(text), 'VectorSelector')) {
    const selector = text.slice(from, to);
    const metric = /^[\w:]+/.exec(selector)?.[0] ?? '';
    if (!metric.endsWith('_bucket')) continue;
    const everyBucket = selector.replaceAll(/\ble\s*=~?\s*"[^"]*"\s*,?\s*/g, '').replace(/,\s*\}$/, '}');
    return {
      query: limitQuery(`histogram_quantile(0.99, sum by (le) (rate(${everyBucket}[${WINDOW_PLACEHOLDER}])))`),
      max: MILLISECONDS.test(metric) ? 1000 * SLOWEST_MAX_SECONDS : SLOWEST_MAX_SECONDS,
    };
  }
  return null;
}
