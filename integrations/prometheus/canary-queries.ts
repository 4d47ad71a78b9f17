import { parser } from '@prometheus-io/lezer-promql';
import {
  type CanaryLimit,
  type CanaryQueries,
  ERROR_RATIO_MAX,
  SLOWEST_MAX_SECONDS,
} from '../../domain/canary/templates.ts';
import { rateOf } from '../../domain/slo/generate/expressions.ts';
import type { Slo } from '../../schemas/slo/slo.ts';
import { narrowed } from './health-query.ts';
import { nodes } from './version-query.ts';

/** Stands for the window while a query is parsed. */
const MARK = '61s1ms';

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
  const own = (query: string): string => narrowed(query, { [label]: value });
  const [total, part] = [indicator.total, indicator.numerator].map((query) =>
    own(rateOf(query, indicator.counter, MARK)),
  );
  if (total === undefined || part === undefined) return [];
  // A series of errors, or of successes, begins with the first one.
  const counted = `((${part}) or (${total}) * 0)`;
  const ratio = indicator.of === 'bad' ? `${counted} / (${total})` : `1 - ${counted} / (${total})`;
  const slowest = slowestOf(`${indicator.numerator} + ${indicator.total}`, own);
  return [
    { name: `${id}-error-ratio`, query: ratio, max: ERROR_RATIO_MAX },
    ...(slowest === null ? [] : [{ ...slowest, name: `${id}-p99` }]),
  ].map((limit) => ({ ...limit, query: limit.query.replaceAll(MARK, window) }));
}

const MILLISECONDS = /milliseconds|_ms(?:_|$)/;

/** Returns the 99 % quantile of the first histogram in a query. Null: it has none. */
function slowestOf(promql: string, own: (query: string) => string): Omit<CanaryLimit, 'name'> | null {
  const text = promql.replaceAll('{{.window}}', MARK);
  for (const { from, to } of nodes(parser.parse(text), 'VectorSelector')) {
    const selector = text.slice(from, to);
    const metric = /^[\w:]+/.exec(selector)?.[0] ?? '';
    if (!metric.endsWith('_bucket')) continue;
    const everyBucket = selector.replaceAll(/\ble\s*=~?\s*"[^"]*"\s*,?\s*/g, '').replace(/,\s*\}$/, '}');
    return {
      query: own(`histogram_quantile(0.99, sum by (le) (rate(${everyBucket}[${MARK}])))`),
      max: MILLISECONDS.test(metric) ? 1000 * SLOWEST_MAX_SECONDS : SLOWEST_MAX_SECONDS,
    };
  }
  return null;
}
