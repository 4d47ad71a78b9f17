import * as z from 'zod';
import type { Curve } from '../../domain/correlation/evidence.ts';
import type { Metrics } from '../../domain/ports/metrics.ts';
import { millisOf, type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { type Answer, call, json, NoAnswer } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { isNumberText, toNumber } from './numbers.ts';

/** Milliseconds. Short, because a rollback waits for these queries. */
const ATTEMPT_TIMEOUT_MS = 4_000;

/** The step of the curves that are stored with a decision: 240 samples in two hours. */
const CURVE_STEP_SECONDS = 30;

/** Maximum bytes of a body. Servers without a filter by rule name return all rules. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

const Sample = z.tuple([z.number(), z.string().refine(isNumberText)]);
const Instant = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: Sample })) }),
    z.object({ resultType: z.literal('scalar'), result: Sample }),
  ]),
});
const Range = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: z.record(z.string(), z.string()).default({}), values: z.array(Sample) })),
  }),
});
const Rules = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({
        interval: z.number(),
        rules: z.array(
          z.object({
            type: z.string(),
            name: z.string(),
            query: z.string().optional(),
            duration: z.number().optional(),
          }),
        ),
      }),
    ),
  }),
});

/**
 * Creates a client for Prometheus's HTTP API.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function prometheus(baseUrl: () => Promise<string | undefined>): Metrics {
  const textOf = newTimestamps();
  const get = async (path: string, query: Record<string, string>, signal?: AbortSignal): Promise<Answer | null> => {
    const base = await baseUrl();
    if (!base) return null;
    return call(`${base.replace(/\/+$/, '')}${path}?${new URLSearchParams(query).toString()}`, {
      method: 'GET',
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      ...(signal && { signal }),
      maxBytes: BODY_MAX_BYTES,
    });
  };
  /** Returns the parsed response, or null if there is no valid one. The caller continues without the value. */
  const getParsed = async <T>(
    path: string,
    query: Record<string, string>,
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T | null> => {
    try {
      const answer = await get(path, query, signal);
      return answer && (schema.safeParse(json(answer.text)).data ?? null);
    } catch (error) {
      if (error instanceof NoAnswer) return null;
      throw error;
    }
  };
  return {
    async value(promql) {
      try {
        const answer = await get('/api/v1/query', { query: promql });
        return answer && readValue(answer);
      } catch (error) {
        if (error instanceof NoAnswer) return { kind: 'unreadable', detail: error.message };
        throw error;
      }
    },
    async range(promql, from, until, combine, { stepSeconds, signal } = {}) {
      const answer = await getParsed(
        '/api/v1/query_range',
        rangeQuery(promql, from, until, stepSeconds),
        Range,
        signal,
      );
      return answer && curveOf(answer.data.result, combine, textOf);
    },
    async rangeByLabel(promql, label, from, until, combine, { stepSeconds, signal } = {}) {
      const answer = await getParsed(
        '/api/v1/query_range',
        rangeQuery(promql, from, until, stepSeconds),
        Range,
        signal,
      );
      return answer && curvesByLabel(answer.data.result, label, combine, textOf);
    },
    async rule(alertname) {
      const answer = await getParsed('/api/v1/rules', { type: 'alert', 'rule_name[]': alertname }, Rules);
      for (const group of answer?.data.groups ?? []) {
        const rule = group.rules.find(({ name, type }) => name === alertname && type === 'alerting');
        if (rule)
          return {
            forSeconds: rule.duration ?? 0,
            intervalSeconds: group.interval,
            expression: rule.query ?? null,
          };
      }
      return null;
    },
  };
}

type Series = { metric: Readonly<Record<string, string>>; values: readonly (readonly [number, string])[] };

const rangeQuery = (
  promql: string,
  from: Timestamp,
  until: Timestamp,
  stepSeconds = CURVE_STEP_SECONDS,
): Record<string, string> => ({
  query: promql,
  start: String(millisOf(from) / 1000),
  end: String(millisOf(until) / 1000),
  step: String(stepSeconds),
});

/** Combines the series of one query into one curve, oldest first. */
function curveOf(series: readonly Series[], combine: 'max' | 'sum', textOf: (seconds: number) => Timestamp): Curve {
  const at = new Map<number, number>();
  for (const { values } of series)
    for (const [time, text] of values) {
      const value = finite(toNumber(text));
      if (value === null) continue;
      const before = at.get(time);
      at.set(time, before === undefined ? value : combine === 'max' ? Math.max(before, value) : before + value);
    }
  return [...at].toSorted(([a], [b]) => a - b).map(([time, value]) => [textOf(time), value] as const);
}

/** Times kept in text: those of the two steps of a decision, and of the one before it. */
const TIMES_MAX = 2_000;

/**
 * Returns a function that converts a time in seconds. The curves of all services that a decision reads have the same
 * times, so each of them is converted once.
 */
function newTimestamps(): (seconds: number) => Timestamp {
  const known = new Map<number, Timestamp>();
  return (seconds) => {
    const found = known.get(seconds);
    if (found !== undefined) return found;
    if (known.size >= TIMES_MAX) known.clear();
    const text = timestamp(seconds * 1000);
    known.set(seconds, text);
    return text;
  };
}

/** Returns a curve for each value of a label, sorted by the label's value. */
function curvesByLabel(
  series: readonly Series[],
  label: string,
  combine: 'max' | 'sum',
  textOf: (seconds: number) => Timestamp,
): { label: string; curve: Curve }[] {
  const named = series.filter(({ metric }) => Object.hasOwn(metric, label));
  const groups = Map.groupBy(named, ({ metric }) => metric[label] ?? '');
  return [...groups]
    .map(([name, alike]) => ({ label: name, curve: curveOf(alike, combine, textOf) }))
    .toSorted((a, b) => (a.label < b.label ? -1 : 1));
}

/** Returns a finite number, because stored JSON has no infinity; null for NaN, such as 0/0, which is no sample. */
const finite = (value: number): number | null =>
  Number.isNaN(value) ? null : Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE));

function readValue({ status, text }: Answer): Awaited<ReturnType<Metrics['value']>> {
  const read = Instant.safeParse(json(text));
  if (!read.success) return { kind: 'unreadable', detail: `Prometheus answered ${status}: ${truncate(text, 200)}` };
  const { data } = read.data;
  const samples = data.resultType === 'scalar' ? [data.result] : data.result.map((series) => series.value);
  const values = samples.map(([, value]) => toNumber(value)).filter((value) => !Number.isNaN(value));
  // No series and 0/0 mean no requests, which differs from no errors. Of several series, the worst counts.
  return values.length === 0 ? { kind: 'no_data' } : { kind: 'value', value: Math.max(...values) };
}
