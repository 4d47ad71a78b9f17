import { parser } from '@prometheus-io/lezer-promql';
import { JudgeMetric } from '../../schemas/judge/judge-config.ts';
import { type Slo, WINDOW } from '../../schemas/slo/slo.ts';
import { nodesOf, ratioOf, splitBy } from './version-query.ts';
import type { JudgeMetrics } from '../../core/domain/ports/metrics.ts';
import { rateOf } from '../../core/domain/monitoring/rates.ts';

/** Stands for the window while a query is parsed. An unusual duration, which no query contains. */
const WINDOW_PLACEHOLDER = '61s1ms';

/**
 * Returns metrics to judge versions by, from the objectives that count events; without one, from the health query. Of a
 * query that is no ratio of rates, only the value is known.
 */
export function derivedMetrics({ slos, health }: Parameters<JudgeMetrics['derived']>[0], label: string): JudgeMetric[] {
  const objectiveMetrics = slos.flatMap((slo) => metricOfObjective(slo, label) ?? []);
  if (objectiveMetrics.length > 0 || health === undefined) return objectiveMetrics;
  const configured = health.byVersion === undefined ? null : metricOfRatio(health.byVersion, (query) => query);
  const derived = configured ?? metricOfRatio(health.promql, (query) => splitBy(query, { label, join: null }));
  const { max } = health;
  return [
    derived === null
      ? JudgeMetric.parse({ kind: 'value', name: HEALTH, query: health.byVersion ?? health.promql, max })
      : { ...derived, max },
  ];
}

/** Name of the metric of a health query. */
const HEALTH = 'health';

function metricOfObjective({ id, indicator }: Slo, label: string): JudgeMetric | null {
  if (indicator.kind !== 'ratio') return null;
  const [total, part] = [indicator.total, indicator.numerator].map((query) =>
    splitBy(rateOf(query, indicator.counter, WINDOW_PLACEHOLDER), { label, join: null }),
  );
  if (total === undefined || part === undefined) return null;
  const badEvents = indicator.of === 'bad' ? part : `(${total}) - ((${part}) or (${total}) * 0)`;
  return ratioMetric(id.slice(0, NAME_MAX_CHARS), badEvents, total);
}

const NAME_MAX_CHARS = 63;

/** Returns the metric of a ratio of rates. Null: it is none. */
function metricOfRatio(promql: string, split: (query: string) => string): JudgeMetric | null {
  const ratio = ratioOf(promql);
  if (ratio === null) return null;
  const [badEvents, total] = [ratio.part, ratio.whole].map((query) => split(overWindow(query)));
  const isRate = badEvents?.includes(WINDOW_PLACEHOLDER) === true && total?.includes(WINDOW_PLACEHOLDER) === true;
  return isRate ? ratioMetric(HEALTH, badEvents, total) : null;
}

/** Replaces the ranges of a query by the window. */
const overWindow = (promql: string): string =>
  nodesOf(parser.parse(promql), 'MatrixSelector')
    .map(({ to }) => ({ from: promql.lastIndexOf('[', to), to }))
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, range) => `${text.slice(0, range.from)}[${WINDOW_PLACEHOLDER}]${text.slice(range.to)}`, promql);

const ratioMetric = (name: string, badEvents: string, total: string): JudgeMetric =>
  JudgeMetric.parse({
    kind: 'ratio',
    name,
    bad: badEvents.replaceAll(WINDOW_PLACEHOLDER, WINDOW),
    total: total.replaceAll(WINDOW_PLACEHOLDER, WINDOW),
  });
