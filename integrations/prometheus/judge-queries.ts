import { parser } from '@prometheus-io/lezer-promql';
import { rateOf } from '../../domain/slo/generate/expressions.ts';
import { JudgeMetric } from '../../schemas/canary/judge-config.ts';
import { type Slo, WINDOW } from '../../schemas/slo/slo.ts';
import { nodes, ratioOf, splitBy } from './version-query.ts';

/** Stands for the window while a query is parsed. An unusual duration, which no query contains. */
const MARK = '61s1ms';

/**
 * Returns metrics to judge versions by, from the objectives that count events; without one, from a health query that is a
 * ratio of rates. Empty: none of them can be split by version.
 */
export function derivedMetrics(
  { slos, health }: { slos: readonly Slo[]; health: { promql: string; byVersion?: string | undefined } | undefined },
  label: string,
): JudgeMetric[] {
  const ofSlos = slos.flatMap((slo) => ofObjective(slo, label) ?? []);
  if (ofSlos.length > 0 || health === undefined) return ofSlos;
  const own = health.byVersion === undefined ? null : ofRatio(health.byVersion, (query) => query);
  const derived = own ?? ofRatio(health.promql, (query) => splitBy(query, { label, join: null }));
  return derived === null ? [] : [derived];
}

function ofObjective({ id, indicator }: Slo, label: string): JudgeMetric | null {
  if (indicator.kind !== 'ratio') return null;
  const [total, part] = [indicator.total, indicator.numerator].map((query) =>
    splitBy(rateOf(query, indicator.counter, MARK), { label, join: null }),
  );
  if (total === undefined || part === undefined) return null;
  const bad = indicator.of === 'bad' ? part : `(${total}) - ((${part}) or (${total}) * 0)`;
  return metric(id.slice(0, NAME_MAX_CHARS), bad, total);
}

const NAME_MAX_CHARS = 63;

/** Returns the metric of a ratio of rates. Null: it is none. */
function ofRatio(promql: string, split: (query: string) => string): JudgeMetric | null {
  const ratio = ratioOf(promql);
  if (ratio === null) return null;
  const [bad, total] = [ratio.part, ratio.whole].map((query) => split(overWindow(query)));
  const isRate = bad?.includes(MARK) === true && total?.includes(MARK) === true;
  return isRate ? metric('health', bad, total) : null;
}

/** Replaces the ranges of a query by the window. */
const overWindow = (promql: string): string =>
  nodes(parser.parse(promql), 'MatrixSelector')
    .map(({ to }) => ({ from: promql.lastIndexOf('[', to), to }))
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, range) => `${text.slice(0, range.from)}[${MARK}]${text.slice(range.to)}`, promql);

const metric = (name: string, bad: string, total: string): JudgeMetric =>
  JudgeMetric.parse({ kind: 'ratio', name, bad: bad.replaceAll(MARK, WINDOW), total: total.replaceAll(MARK, WINDOW) });
