import { WINDOW } from '../../../../schemas/slo/slo.ts';
import { BUCKET_SECONDS, SAMPLE_SECONDS } from '../history.ts';
import type { Series } from '../../../../core/domain/ports/metrics.ts';

/**
 * Consecutive stretches of 300 seconds to query: closed buckets, or the last 300 seconds. `from` is in epoch seconds,
 * not necessarily on a bucket boundary. A sample describes the time before it, so a sample at the end of a stretch
 * belongs to it.
 */
export type Cells = { from: number; count: number };

/**
 * Interpretation of a query for events.
 *
 * - `windowed`: a rate per second over the window, which is the length of a cell.
 * - `counter`: a counter, which only rises.
 * - `rate`: the current rate per second.
 */
export type QueryForm = 'windowed' | 'counter' | 'rate';

export function formOf(query: string, counter: boolean): QueryForm {
  if (query.includes(WINDOW)) return 'windowed';
  return counter ? 'counter' : 'rate';
}

/**
 * Returns which samples to request, in epoch seconds. `value` is the form of shares and thresholds, which are sampled
 * like a rate. Prometheus returns at most 11,000 samples: a week with a step of one minute, a month with a step of five
 * minutes.
 */
export function samplesFor(form: QueryForm | 'value', { from, count }: Cells): SampleRange {
  const until = from + count * BUCKET_SECONDS;
  if (form === 'windowed') return { from: from + BUCKET_SECONDS, until, step: BUCKET_SECONDS };
  return { from: form === 'counter' ? from : from + SAMPLE_SECONDS, until, step: SAMPLE_SECONDS };
}

type SampleRange = { from: number; until: number; step: number };

/**
 * Result of a query for one cell.
 *
 * - `amount`: the number of events. Not `whole`: a counter that was seen in only a part of the cell.
 * - `not_a_number`: 0/0, a moment without traffic.
 */
export type Amount =
  | { kind: 'amount'; value: number; whole: boolean }
  | { kind: 'none' }
  | { kind: 'not_a_number' }
  | { kind: 'unclear'; why: string };

/** Sums several series, which are parts of one whole. */
export function amountsOf(form: QueryForm, series: readonly Series[], cells: Cells): Amount[] {
  if (form === 'counter') return increasesOf(series, cells);
  return ratesOf(series, cells, form === 'windowed' ? BUCKET_SECONDS : SAMPLE_SECONDS);
}

/** Sum of the samples of several series at one moment. */
type Moment = { sum: number; possible: number; impossible: number | null };

/** Groups the samples by moment, `step` seconds apart, for each cell. */
export function momentsOf<T>(
  series: readonly Series[],
  { from, count }: Cells,
  step: number,
  add: (before: T | undefined, value: number) => T,
): (T | undefined)[][] {
  const momentsPerCell = BUCKET_SECONDS / step;
  const emptyCell = Array.from<T | undefined>({ length: momentsPerCell });
  const cells = Array.from({ length: count }, () => [...emptyCell]); // much faster than creating each array anew
  for (const { values } of series) {
    for (const [at, value] of values) {
      const moment = Math.round((at - from) / step) - 1;
      const cell = cells[Math.floor(moment / momentsPerCell)];
      if (cell !== undefined) cell[moment % momentsPerCell] = add(cell[moment % momentsPerCell], value);
    }
  }
  return cells;
}

function ratesOf(series: readonly Series[], cells: Cells, step: number): Amount[] {
  const moments = momentsOf<Moment>(series, cells, step, (before, value) => ({
    sum: (before?.sum ?? 0) + (isPossibleRate(value) ? Math.max(0, value) : 0),
    possible: (before?.possible ?? 0) + (isPossibleRate(value) ? 1 : 0),
    impossible: Number.isNaN(value) || isPossibleRate(value) ? (before?.impossible ?? null) : value,
  }));
  return moments.map(amountOfRates);
}

/** Returns the mean rate, if at least half of the moments have samples. */
function amountOfRates(moments: readonly (Moment | undefined)[]): Amount {
  const seen = moments.filter((moment) => moment !== undefined);
  const impossible = seen.find((moment) => moment.impossible !== null)?.impossible ?? null;
  if (impossible !== null) return { kind: 'unclear', why: `a rate is ${impossible}, which is impossible` };
  if (seen.length === 0 || seen.length < moments.length / 2) return { kind: 'none' };
  if (seen.every(({ possible }) => possible === 0)) return { kind: 'not_a_number' };
  const mean = seen.reduce((total, { sum }) => total + sum, 0) / seen.length;
  return { kind: 'amount', value: mean * BUCKET_SECONDS, whole: true };
}

/** Accepts slightly negative values: differences of rates can end just below zero by rounding. */
const isPossibleRate = (value: number): boolean => value >= -1e-9 && value < Infinity;

/** Maximum distance between two samples; larger gaps say nothing about the time in between. */
const MAX_GAP_SECONDS = BUCKET_SECONDS + 1;

/** Seconds of a cell that may be missing for it to count as covered. */
const SLACK_SECONDS = 1;

type Increase = { value: number; seen: boolean; whole: boolean; why: string | null };

/**
 * Computes the increases of counters. Counting starts with the first sample of a series, as in Prometheus. A counter
 * that drops has been reset to zero; a sum of counters that drops has lost one of them, and the increase of the others
 * is unknown.
 */
function increasesOf(series: readonly Series[], cells: Cells): Amount[] {
  const increases = Array.from({ length: cells.count }, (): Increase => ({
    value: 0,
    seen: false,
    whole: false,
    why: null,
  }));
  for (const counter of series) addIncreases(increases, counter, cells.from);
  return increases.map(({ value, seen, whole, why }): Amount => {
    if (why !== null) return { kind: 'unclear', why };
    return seen ? { kind: 'amount', value, whole } : { kind: 'none' };
  });
}

function addIncreases(increases: readonly Increase[], { labels, values }: Series, from: number): void {
  const covered = new Float64Array(increases.length);
  const isSingleSeries = labels['__name__'] !== undefined;
  for (const [number, [at, value]] of values.entries()) {
    const [before, last] = values[number - 1] ?? [-Infinity, NaN];
    const gap = at - before;
    if (gap > MAX_GAP_SECONDS) {
      const increase = increases[Math.ceil((at - from) / BUCKET_SECONDS) - 1];
      if (increase) increase.seen = true;
      continue;
    }
    const why = problemOf(last, value, isSingleSeries);
    const rise = value < last ? value : value - last;
    visitCells(increases, from, before, at, (increase, seconds, cell) => {
      increase.seen = true;
      increase.why ??= why;
      increase.value += why === null ? (rise * seconds) / gap : 0;
      covered[cell] = (covered[cell] ?? 0) + seconds;
      increase.whole ||= (covered[cell] ?? 0) >= BUCKET_SECONDS - SLACK_SECONDS;
    });
  }
}

function problemOf(last: number, value: number, isSingleSeries: boolean): string | null {
  const impossible = [last, value].find((sample) => !(sample >= 0 && sample < Infinity));
  if (impossible !== undefined) return `a counter is ${impossible}, which is impossible`;
  if (value >= last || isSingleSeries) return null;
  return (
    `a sum of counters fell from ${last} to ${value}: one of them was reset or has disappeared; ` +
    `write rate(…[${WINDOW}]) inside the sum`
  );
}

/** Visits the cells that overlap the time after `before` up to `at`, with the number of seconds in each. */
function visitCells(
  increases: readonly Increase[],
  from: number,
  before: number,
  at: number,
  visit: (increase: Increase, seconds: number, cell: number) => void,
): void {
  const last = Math.ceil((at - from) / BUCKET_SECONDS) - 1;
  for (let cell = Math.max(0, Math.floor((before - from) / BUCKET_SECONDS)); cell <= last; cell++) {
    const start = from + cell * BUCKET_SECONDS;
    const increase = increases[cell];
    if (increase) visit(increase, Math.min(at, start + BUCKET_SECONDS) - Math.max(before, start), cell);
  }
}
