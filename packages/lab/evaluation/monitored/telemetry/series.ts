import type { Matcher } from './expression.ts';

export type Labels = Readonly<Record<string, string>>;

/** Label with the name of a metric. */
export const NAME = '__name__';

/**
 * Samples of one series, oldest first; times in seconds. `stale`: the sample is a staleness marker, as Prometheus writes
 * one when a target vanishes or a scrape fails. `delay`: seconds after which a sample can be queried.
 */
export type Series = {
  labels: Labels;
  times: ArrayLike<number>;
  values: ArrayLike<number>;
  stale: ArrayLike<number> | null;
  delay: number;
};

/** Samples of one series as they are recorded. `stale`: 1 for a staleness marker, otherwise 0. */
export type Recording = { labels: Labels; times: number[]; values: number[]; stale: number[] };

/** A source from which series are selected. It may compute them only when they are selected. */
export type Source = { select(name: string | null, matchers: readonly Matcher[]): readonly Series[] };

export const isSelected = (labels: Labels, name: string | null, matchers: readonly Matcher[]): boolean =>
  (name === null || labels[NAME] === name) &&
  matchers.every(({ label, matches }) => matches(Object.hasOwn(labels, label) ? (labels[label] ?? '') : ''));

/** A source of given series. */
export const sourceOf = (all: readonly Series[]): Source => ({
  select: (name, matchers) => all.filter(({ labels }) => isSelected(labels, name, matchers)),
});

/** Samples without staleness markers; `increments`: sum of all increments so far, across resets of counters. */
export type CounterSamples = { times: Float64Array; values: Float64Array; increments: Float64Array };

const counted = new WeakMap<Series, CounterSamples>();

/** Returns the samples that range selectors can select: all except for staleness markers. Remembers the result. */
export function counterSamplesOf(series: Series): CounterSamples {
  const known = counted.get(series);
  if (known !== undefined) return known;
  const { times, values, stale } = series;
  const usable: number[] = [];
  for (let index = 0; index < times.length; index += 1) if ((stale?.[index] ?? 0) === 0) usable.push(index);
  const samples = {
    times: Float64Array.from(usable, (index) => times[index] ?? NaN),
    values: Float64Array.from(usable, (index) => values[index] ?? NaN),
    increments: new Float64Array(usable.length),
  };
  let [before, sum] = [samples.values[0] ?? 0, 0];
  for (let index = 1; index < usable.length; index += 1) {
    const value = samples.values[index] ?? NaN;
    sum += value < before ? value : value - before;
    samples.increments[index] = sum;
    before = value;
  }
  counted.set(series, samples);
  return samples;
}
