import * as z from 'zod';
import type { Curve } from '../../core/domain/correlation/evidence.ts';
import type { Metrics } from '../../core/domain/ports/metrics.ts';
import { millisOf, type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { type HttpResponse, call, NoResponse } from '../shared/http.ts';
import type { Server } from '../shared/server.ts';
import { likelySource } from './alerting-rules.ts';
import { complete, unreadableDetail } from './answer.ts';
import { isNumberText, toNumber } from './numbers.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds. Short, because a rollback waits for these queries. */
const ATTEMPT_TIMEOUT_MS = 4_000;

/** The step of the curves that are stored with a decision: 240 samples in two hours. */
const CURVE_STEP_SECONDS = 30;

/** Maximum bytes of a body. Servers without a filter by rule name return all rules. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

const Sample = z.tuple([z.number(), z.string().refine(isNumberText)]);
const Instant = complete(
  z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: Sample })) }),
    z.object({ resultType: z.literal('scalar'), result: Sample }),
  ]),
);
const Range = complete(
  z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: z.record(z.string(), z.string()).default({}), values: z.array(Sample) })),
  }),
);
const Rules = complete(
  z.object({
    groups: z.array(
      z.object({
        interval: z.number(),
        rules: z.array(
          z.object({
            type: z.string(),
            name: z.string(),
            query: z.string().optional(),
            duration: z.number().optional(),
            labels: z.record(z.string(), z.string()).nullish(),
          }),
        ),
      }),
    ),
  }),
);

/**
 * Creates a client for Prometheus's HTTP API.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function prometheus(serverOf: () => Promise<Server | undefined>): Metrics {
  const timestampOf = cachedTimestamps();
  const get = async (
    path: string,
    query: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<HttpResponse | null> => {
    const server = await serverOf();
    if (server === undefined) return null;
    return call(`${server.url}${path}?${new URLSearchParams(query).toString()}`, {
      method: 'GET',
      headers: server.headers,
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
      const response = await get(path, query, signal);
      return response && (schema.safeParse(parseJson(response.text)).data ?? null);
    } catch (error) {
      if (error instanceof NoResponse) return null;
      throw error;
    }
  };
  return {
    async value(promql) {
      try {
        const response = await get('/api/v1/query', { query: promql });
        return response && readValue(response);
      } catch (error) {
        if (error instanceof NoResponse) return { kind: 'unreadable', detail: error.message };
        throw error;
      }
    },
    async range(promql, from, until, combine, { stepSeconds, signal } = {}) {
      const response = await getParsed(
        '/api/v1/query_range',
        rangeQuery(promql, from, until, stepSeconds),
        Range,
        signal,
      );
      return response && curveOf(response.data.result, combine, timestampOf);
    },
    async rangeByLabel(promql, label, from, until, combine, { stepSeconds, signal } = {}) {
      const response = await getParsed(
        '/api/v1/query_range',
        rangeQuery(promql, from, until, stepSeconds),
        Range,
        signal,
      );
      return response && curvesByLabel(response.data.result, label, combine, timestampOf);
    },
    async rule(alertname, alert) {
      const response = await getParsed('/api/v1/rules', { type: 'alert', 'rule_name[]': alertname }, Rules);
      const named = (response?.data.groups ?? []).flatMap(({ interval, rules }) =>
        rules.flatMap((rule) => (rule.name === alertname && rule.type === 'alerting' ? [{ ...rule, interval }] : [])),
      );
      const rule = likelySource(named, alert);
      if (rule === undefined) return null;
      return { forSeconds: rule.duration ?? 0, intervalSeconds: rule.interval, expression: rule.query ?? null };
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
function curveOf(
  series: readonly Series[],
  combine: 'max' | 'sum',
  timestampOf: (seconds: number) => Timestamp,
): Curve {
  const valueByTime = new Map<number, number>();
  for (const { values } of series)
    for (const [time, text] of values) {
      const value = finite(toNumber(text));
      if (value === null) continue;
      const before = valueByTime.get(time);
      valueByTime.set(
        time,
        before === undefined ? value : combine === 'max' ? Math.max(before, value) : before + value,
      );
    }
  return [...valueByTime].toSorted(([a], [b]) => a - b).map(([time, value]) => [timestampOf(time), value] as const);
}

/** Maximum number of cached times: enough for the curves of two decisions. */
const TIMES_MAX = 2_000;

/**
 * Returns a function that converts a time in seconds. The curves of all services that a decision reads have the same
 * times, so each of them is converted once.
 */
function cachedTimestamps(): (seconds: number) => Timestamp {
  const textBySecond = new Map<number, Timestamp>();
  return (seconds) => {
    const found = textBySecond.get(seconds);
    if (found !== undefined) return found;
    if (textBySecond.size >= TIMES_MAX) textBySecond.clear();
    const text = timestamp(seconds * 1000);
    textBySecond.set(seconds, text);
    return text;
  };
}

/** Returns a curve for each value of a label, or of several ones, sorted by it. */
function curvesByLabel(
  series: readonly Series[],
  label: string | readonly string[],
  combine: 'max' | 'sum',
  timestampOf: (seconds: number) => Timestamp,
): { label: string; curve: Curve }[] {
  const labels = typeof label === 'string' ? [label] : label;
  const named = series.filter(({ metric }) => Object.hasOwn(metric, labels[0] ?? ''));
  const groups = Map.groupBy(named, ({ metric }) => labels.map((one) => metric[one] ?? '').join('\n'));
  return [...groups]
    .map(([name, seriesOfValue]) => ({ label: name, curve: curveOf(seriesOfValue, combine, timestampOf) }))
    .toSorted((a, b) => (a.label < b.label ? -1 : 1));
}

/** Returns a finite number, because stored JSON has no infinity; null for NaN, such as 0/0, which is no sample. */
const finite = (value: number): number | null =>
  Number.isNaN(value) ? null : Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE));

function readValue({ status, text }: HttpResponse): Awaited<ReturnType<Metrics['value']>> {
  const body = parseJson(text);
  const parsed = Instant.safeParse(body);
  if (!parsed.success) return { kind: 'unreadable', detail: unreadableDetail(status, text, body, parsed.error) };
  const { data } = parsed.data;
  const samples = data.resultType === 'scalar' ? [data.result] : data.result.map((series) => series.value);
  const values = samples.map(([, value]) => toNumber(value)).filter((value) => !Number.isNaN(value));
  // No series and 0/0 mean no requests, which differs from no errors. Of several series, the worst counts.
  return values.length === 0 ? { kind: 'no_data' } : { kind: 'value', value: Math.max(...values) };
}
