import { sha256 } from '../../aws/hash.ts';
import { type Answers, readingsOf, recordedReadings } from '../../domain/slo/counts.ts';
import { digestOf } from '../../domain/slo/digest.ts';
import { DEFINITION, ERRORS, EVENTS } from '../../domain/slo/generate/names.ts';
import type { Answered, Series, SloMetrics } from '../../domain/slo/ports.ts';
import type { Reading } from '../../domain/slo/reading.ts';
import { type Cells, formOf, type QueryForm, samplesFor } from '../../domain/slo/series.ts';
import { type Slo, WINDOW } from '../../schemas/slo.ts';
import { timestamp } from '../../schemas/time.ts';

/** `unreadable`: no usable answer. `off`: no Prometheus is connected. */
export type Asked =
  | { kind: 'readings'; readings: Reading[] }
  | { kind: 'unreadable'; detail: string }
  | { kind: 'off' };

/** What `{{.window}}` stands for: the length of a bucket. */
const RATE_WINDOW = '5m';

/** An objective's own queries, as they were written. */
export async function askOwn(
  metrics: SloMetrics,
  { indicator }: Slo,
  cells: Cells,
  goodSeen: boolean,
  timeoutMs: number,
): Promise<Asked> {
  const ask = (query: string, form: QueryForm | 'value') => askCells(metrics, query, form, cells, timeoutMs);
  if (indicator.kind !== 'ratio') {
    const query = await ask(indicator.query, 'value');
    return readingsFrom([query], ([series = []]) => readingsOf(indicator, { query: series }, cells, goodSeen));
  }
  const both = await Promise.all([
    ask(indicator.numerator, formOf(indicator.numerator, indicator.counter)),
    ask(indicator.total, formOf(indicator.total, indicator.counter)),
  ]);
  return readingsFrom(both, ([numerator = [], total = []]) => {
    const answers: Answers = { numerator, total };
    return readingsOf(indicator, answers, cells, goodSeen);
  });
}

/**
 * What the rules of `slo generate` have recorded of all objectives. By objective: those that are not in it are not
 * recorded, or were when their queries were others.
 */
export async function askRecorded(
  metrics: SloMetrics,
  cells: Cells,
  timeoutMs: number,
): Promise<{ kind: 'recorded'; of: (slo: Slo) => Reading[] | undefined } | Exclude<Asked, { kind: 'readings' }>> {
  const [events, errors, definitions] = await Promise.all([
    askCells(metrics, EVENTS, 'windowed', cells, timeoutMs),
    askCells(metrics, ERRORS, 'windowed', cells, timeoutMs),
    askCells(metrics, DEFINITION, 'windowed', cells, timeoutMs),
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
    of: (slo) => {
      // Rules that were made before they told say nothing here, and are believed.
      const isOther = definitionsOf
        ?.get(nameOf(slo))
        ?.some(({ labels }) => labels['digest'] !== digestOf(slo.indicator, sha256));
      const own = isOther === true ? undefined : eventsOf?.get(nameOf(slo));
      return own && recordedReadings(own, errorsOf?.get(nameOf(slo)) ?? [], cells);
    },
  };
}

/** One cell at its end, several as a range. */
async function askCells(
  metrics: SloMetrics,
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

function readingsFrom(answers: readonly (Answered | null)[], read: (series: Series[][]) => Reading[]): Asked {
  const series: Series[][] = [];
  for (const answer of answers) {
    if (answer === null) return { kind: 'off' };
    if (answer.kind === 'unreadable') return answer;
    series.push(answer.series);
  }
  return { kind: 'readings', readings: read(series) };
}

function byObjective(series: readonly Series[]): Map<string, Series[]> {
  const found = new Map<string, Series[]>();
  for (const one of series) {
    const { slo, service, environment } = one.labels;
    const name = JSON.stringify([slo, service, environment]);
    found.set(name, [...(found.get(name) ?? []), one]);
  }
  return found;
}

const nameOf = ({ id, service, environment }: Slo): string => JSON.stringify([id, service, environment]);
