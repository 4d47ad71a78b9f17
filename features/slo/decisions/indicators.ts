import type { MetricSource, RatioMetric, SliSpec } from '../schemas/openslo/indicator.ts';
import { anatomyOf, isRate } from '../../../schemas/parsing/promql-anatomy.ts';
import type { Objective } from '../schemas/openslo/objective.ts';
import { normalizedQuery, PromqlError, tokensOf } from '../../../schemas/parsing/promql.ts';
import { type Indicator, Query, WINDOW } from '../../../schemas/slo/slo.ts';
import type { Problem } from '../../../core/domain/lint/problem.ts';
import { COUNTER } from './measurement/counter-names.ts';
import { type SourceLocation, type Located, errorAt } from '../../../core/domain/lint/source-locations.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** Type of each data source by name. */
export type SourceTypes = ReadonlyMap<string, string>;

/** A validated query and its location. */
type LocatedQuery = { text: string; where: SourceLocation };

/** Queries of an SLI, in the order of `queriesOf`. */
export type SliQueries = { sli: Located<SliSpec>; queries: LocatedQuery[] };

/** Returns the queries of an indicator: numerator and total of a ratio, or the only query. */
export const queriesOf = (indicator: Indicator): string[] =>
  indicator.kind === 'ratio' ? [indicator.numerator, indicator.total] : [indicator.query];

/** Reads and validates the queries of an SLI. */
export function sliQueriesOf(sli: Located<SliSpec>, types: SourceTypes): SliQueries | Problem[] {
  const results = metricsOf(sli.value).map(({ path, source }) =>
    locatedQuery(sli, [...path, 'metricSource'], source, types),
  );
  const problems = results.flatMap((result) => ('text' in result ? [] : [result]));
  const queries = results.flatMap((result) => ('text' in result ? [result] : []));
  if (problems.length > 0) return problems;
  const mixed =
    sli.value.ratioMetric?.raw == null ? mixtureProblem(sli.value.ratioMetric?.counter === true, queries) : null;
  return mixed === null ? { sli, queries } : [mixed];
}

/**
 * Reports a ratio of a rate and a counter, which is meaningless. Without `counter`, only a counter's conventional name
 * identifies it; metrics with other names may be recorded rates.
 */
function mixtureProblem(isCounter: boolean, queries: readonly LocatedQuery[]): Problem | null {
  const counters = queries.map(({ text }) => isPlain(text) && (isCounter || namesCounter(text)));
  const counter = queries[counters.indexOf(true)];
  const rate = queries.find(({ text }) => !isPlain(text));
  if (counter === undefined || rate === undefined) return null;
  const message = 'one of the queries is a rate and the other a counter, so their ratio is meaningless';
  return errorAt(counter.where, message, `write both as a rate over [${WINDOW}]`);
}

/**
 * Returns whether the query is a plain counter by its name: no range, and no recording rule, whose name is not
 * conclusive.
 */
function namesCounter(text: string): boolean {
  const { metrics, ranges } = anatomyOf(text);
  return ranges.length === 0 && metrics.some((name) => COUNTER.test(name) && !name.includes(':'));
}

function metricsOf({ ratioMetric, thresholdMetric }: SliSpec): { path: string[]; source: MetricSource }[] {
  const parts = ratioMetric == null ? { thresholdMetric } : ratioParts(ratioMetric);
  return Object.entries(parts).flatMap(([key, metric]) =>
    metric == null ? [] : [{ path: ratioMetric == null ? [key] : ['ratioMetric', key], source: metric.metricSource }],
  );
}

const ratioParts = ({ good, bad, total, raw }: RatioMetric) => ({ good, bad, total, raw });

/** Types of data sources that support PromQL. */
const SPEAKS_PROMQL = /prom|mimir|cortex|thanos|victoria/i;

function locatedQuery(
  sli: Located<SliSpec>,
  path: string[],
  source: MetricSource,
  types: SourceTypes,
): LocatedQuery | Problem {
  const { metricSourceRef, spec } = source;
  const type = source.type ?? types.get(metricSourceRef ?? '');
  if (type !== undefined && !SPEAKS_PROMQL.test(type)) {
    const where = sli.at([...path, source.type == null ? 'metricSourceRef' : 'type']);
    const message = `only Prometheus and compatible systems (PromQL) are supported, not ${JSON.stringify(type)}`;
    return errorAt(where, message, 'move SLOs of other systems out of this folder; for PromQL, write type: Prometheus');
  }
  const key = spec['query'] === undefined ? 'promql' : 'query';
  const where = sli.at([...path, 'spec', key]);
  if (spec['query'] !== undefined && spec['promql'] !== undefined)
    return errorAt(where, `set one of "query" and "promql", not both`);
  const text = spec[key];
  if (text == null)
    return errorAt(where, `"query" is missing in ${[...path, 'spec'].join('.')}`, 'set it to the PromQL query');
  const parsed = Query.safeParse(text);
  if (!parsed.success) return errorAt(where, `${key}: ${inputProblemText(parsed.error)}`);
  try {
    const normalisedQuery = normalizedQuery(parsed.data);
    tokensOf(normalisedQuery);
    return { text: normalisedQuery, where };
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    return errorAt(where, `${key}: ${error.message}`);
  }
}

/** Returns whether the query is neither a rate nor uses a window: each of its values stands for itself. */
const isPlain = (text: string): boolean => !text.includes(WINDOW) && !isRate(anatomyOf(text));

/** Builds the indicator of an objective, or reports what is missing. */
export function indicatorOf({ sli, queries }: SliQueries, objective: Located<Objective>): Indicator | Problem[] {
  const [first = '', second = ''] = queries.map(({ text }) => text);
  const { ratioMetric } = sli.value;
  if (ratioMetric == null) return thresholdIndicator(first, objective);
  if (ratioMetric.raw != null)
    return { kind: 'share', of: ratioMetric.rawType === 'failure' ? 'bad' : 'good', query: first };
  return {
    kind: 'ratio',
    // Many users also set `counter` for the metric inside a rate.
    counter: ratioMetric.counter === true && isPlain(first),
    of: ratioMetric.bad == null ? 'good' : 'bad',
    numerator: first,
    total: second,
  };
}

function thresholdIndicator(text: string, { value: { op, value }, at }: Located<Objective>): Indicator | Problem[] {
  // JSON, the published form, has no -0.
  if (op != null && value != null) return { kind: 'threshold', query: text, op, value: value === 0 ? 0 : value };
  const missing = op == null ? '"op" (lt, lte, gt or gte)' : '"value"';
  return [errorAt(at([]), `a thresholdMetric requires ${missing}, which defines the good values`)];
}
