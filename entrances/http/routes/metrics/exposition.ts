import { millisOf, type Timestamp } from '../../../../schemas/time/time.ts';

/*
 * Samples of metrics, and the text format of Prometheus.
 *
 * See https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** A value with its labels. `suffix`: the suffix of the metric's name, in a histogram. */
export type Sample = [labels: Record<string, string>, value: number, suffix?: string];

/** A metric with its samples. */
export type Metric = { name: string; help: string; type: 'gauge' | 'counter' | 'histogram'; samples: Sample[] };

export const gauge = (name: string, help: string, samples: Sample[]): Metric => ({
  name,
  help,
  type: 'gauge',
  samples,
});

export const counter = (name: string, help: string, samples: Sample[]): Metric => ({
  name,
  help,
  type: 'counter',
  samples,
});

/** Returns seconds since the epoch. */
export const secondsOf = (at: Timestamp): number => millisOf(at) / 1000;

/** Returns the sample of a time. None: it is unknown. */
export const timeSampleOf = (labels: Record<string, string>, at: Timestamp | null): Sample[] =>
  at === null ? [] : [[labels, secondsOf(at)]];

/** Returns the sample of a value. None: it is unknown. */
export const sampleOf = (labels: Record<string, string>, value: number | null): Sample[] =>
  value === null ? [] : [[labels, value]];

/** Returns labels by their names. */
export const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, n) => [name, values[n] ?? '']));

/**
 * Returns what is counted, and zeros for the series that are not counted yet: `increase` does not see the first value of a
 * series, so an alert would miss the first event.
 *
 * @param seriesOf returns what tells a series apart
 */
export const fromZero = <T>(zeros: readonly T[], counted: readonly T[], seriesOf: (one: T) => unknown): T[] => [
  ...new Map([...zeros, ...counted].map((one) => [JSON.stringify(seriesOf(one)), one])).values(),
];

/** Returns the samples of a histogram. @param by returns the count of one bucket */
export function histogram(
  labels: Record<string, string>,
  bounds: readonly number[],
  by: (le: string) => number,
  sum: number,
): Sample[] {
  let count = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le): Sample => {
    count += by(le);
    return [{ ...labels, le }, count, '_bucket'];
  });
  return [...buckets, [labels, Math.round(sum * 1000) / 1000, '_sum'], [labels, count, '_count']];
}

/** Returns a metric in the text format. */
export function expositionOf({ name, help, type, samples }: Metric): string {
  const lines = samples.map(([labels, value, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Period of figures that change slowly, in days. */
export const FIGURE_DAYS = 28;

/** The gauges of a duration: part of their names, of their texts, and the field. A label `quantile` is for summaries only. */
export const MEDIAN_AND_P90 = [
  ['median', 'Median', 'median_s'],
  ['p90', '90th percentile of the', 'p90_s'],
] as const;
