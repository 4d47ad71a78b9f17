import { sha256 } from '../../../core/stores/hash.ts';
import { type IndicatorSeries, readingsOf, recordedReadings } from '../decisions/measurement/counts.ts';
import { indicatorHash } from '../decisions/hash.ts';
import { DEFINITION, ERRORS, EVENTS } from '../decisions/generate/names.ts';
import type { Reading } from '../decisions/measurement/reading.ts';
import { type Cells, formOf, type QueryForm, samplesFor } from '../decisions/measurement/series.ts';
import { type Slo, WINDOW } from '../../../schemas/slo/slo.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import type { Answered, Series, MetricQueries } from '../../../core/domain/ports/metrics.ts';

/** Result of the queries for an objective. `unreadable`: no usable response. `off`: no Prometheus is configured. */
export type ReadResult =
  | { kind: 'readings'; readings: Reading[] }
  | { kind: 'unreadable'; detail: string }
  | { kind: 'off' };

/** The value for `{{.window}}` in queries: the length of a bucket. */
const RATE_WINDOW = '5m';

/**
 * Reads an objective with its own queries.
 *
 * @param goodSeen whether there was ever a good event, so that a missing series of good events means zero
 */
export async function readByOwnQueries(
  metrics: MetricQueries,
  { indicator }: Slo,
  cells: Cells,
  goodSeen: boolean,
  timeoutMs: number,
): Promise<ReadResult> {
  const fetchCells = (query: string, form: QueryForm | 'value') => queryCells(metrics, query, form, cells, timeoutMs);
  if (indicator.kind !== 'ratio') {
    const query = await fetchCells(indicator.query, 'value');
    return readingsFrom([query], ([series = []]) => readingsOf(indicator, { query: series }, cells, goodSeen));
  }
  const both = await Promise.all([
    fetchCells(indicator.numerator, formOf(indicator.numerator, indicator.counter)),
    fetchCells(indicator.total, formOf(indicator.total, indicator.counter)),
  ]);
  return readingsFrom(both, ([numerator = [], total = []]) => {
    const answers: IndicatorSeries = { numerator, total };
    return readingsOf(indicator, answers, cells, goodSeen);
  });
}

/**
 * Reads the results of the recording rules of `slo generate` for all objectives. `of` returns undefined for an
 * objective that has no recording rules, or whose rules were generated from other queries.
 */
export async function readRecorded(
  metrics: MetricQueries,
  cells: Cells,
  timeoutMs: number,
): Promise<
  { kind: 'recorded'; readingsOf: (slo: Slo) => Reading[] | undefined } | Exclude<ReadResult, { kind: 'readings' }>
> {
  const [events, errors, definitions] = await Promise.all([
    queryCells(metrics, EVENTS, 'windowed', cells, timeoutMs),
    queryCells(metrics, ERRORS, 'windowed', cells, timeoutMs),
    queryCells(metrics, DEFINITION, 'windowed', cells, timeoutMs),
  ]);
  for (const answer of [events, errors, definitions]) {
    if (answer === null) return { kind: 'off' };
    if (answer.kind === 'unreadable') return answer;
  }
  const [eventsOf, errorsOf, definitionsOf] = [events, errors, definitions].map((answer) =>
    byObjective(answer?.kind === 'series' ? answer.series : []),
  );
  return {
    kind: 'recorded',
    readingsOf: (slo) => {
      // Rules from an older `slo generate` have no series with a digest, and are accepted.
      const isOutdated = definitionsOf
        ?.get(objectiveKey(slo))
        ?.some(({ labels }) => labels['digest'] !== indicatorHash(slo.indicator, sha256));
      const eventSeries = isOutdated === true ? undefined : eventsOf?.get(objectiveKey(slo));
      return eventSeries && recordedReadings(eventSeries, errorsOf?.get(objectiveKey(slo)) ?? [], cells);
    },
  };
}

/** Queries one cell as an instant query at its end, and several cells as a range query. */
async function queryCells(
  metrics: MetricQueries,
  query: string,
  form: QueryForm | 'value',
  cells: Cells,
  timeoutMs: number,
): Promise<Answered | null> {
  const promql = query.replaceAll(WINDOW, RATE_WINDOW);
  const { from, until, step } = samplesFor(form, cells);
  return from === until
    ? metrics.instant(promql, timestamp(until * 1000), timeoutMs)
    : metrics.range(promql, timestamp(from * 1000), timestamp(until * 1000), step, timeoutMs);
}

function readingsFrom(answers: readonly (Answered | null)[], read: (series: Series[][]) => Reading[]): ReadResult {
  const series: Series[][] = [];
  for (const answer of answers) {
    if (answer === null) return { kind: 'off' };
    if (answer.kind === 'unreadable') return answer;
    series.push(answer.series);
  }
  return { kind: 'readings', readings: read(series) };
}

const byObjective = (series: readonly Series[]): Map<string, Series[]> =>
  Map.groupBy(series, ({ labels: { slo, service, environment } }) => JSON.stringify([slo, service, environment]));

const objectiveKey = ({ id, service, environment }: Slo): string => JSON.stringify([id, service, environment]);
