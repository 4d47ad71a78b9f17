import { z } from 'zod';
import type { Metrics } from '../../domain/ports.ts';
import { millisOf, type Timestamp, timestamp } from '../../schemas/time.ts';
import { type Answer, call, json, NoAnswer } from '../http.ts';
import { truncate } from '../text.ts';

/** A rollback waits for these looks, so they are short. */
const ATTEMPT_TIMEOUT_MS = 4_000;
const STEP_SECONDS = 15;

/** Where a rule cannot be asked for by its name, all rules come. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

const Sample = z.tuple([z.number(), z.string()]);
const Instant = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: Sample })) }),
    z.object({ resultType: z.literal('scalar'), result: Sample }),
  ]),
});
const Range = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('matrix'), result: z.array(z.object({ values: z.array(Sample) })) }),
});
const Rules = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({
        interval: z.number(),
        rules: z.array(z.object({ type: z.string(), name: z.string(), duration: z.number().optional() })),
      }),
    ),
  }),
});

/** Prometheus' HTTP API. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
export function prometheus(baseUrl: () => Promise<string | undefined>): Metrics {
  const get = async (path: string, query: Record<string, string>): Promise<Answer | null> => {
    const base = await baseUrl();
    if (!base) return null;
    return call(`${base.replace(/\/+$/, '')}${path}?${new URLSearchParams(query).toString()}`, {
      method: 'GET',
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxBytes: BODY_MAX_BYTES,
    });
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
    async firstAbove(promql, max, until, lookBackSeconds) {
      const end = millisOf(until) / 1000;
      const answer = await get('/api/v1/query_range', {
        query: promql,
        start: String(end - lookBackSeconds),
        end: String(end),
        step: String(STEP_SECONDS),
      }).catch(unreadable);
      const read = answer && Range.safeParse(json(answer.text));
      return read?.success
        ? firstOfBadRun(
            read.data.data.result.flatMap((series) => series.values),
            max,
          )
        : null;
    },
    async rule(alertname) {
      const answer = await get('/api/v1/rules', { type: 'alert', 'rule_name[]': alertname }).catch(unreadable);
      const read = answer && Rules.safeParse(json(answer.text));
      if (!read?.success) return null;
      for (const group of read.data.data.groups) {
        const rule = group.rules.find(({ name, type }) => name === alertname && type === 'alerting');
        if (rule) return { forSeconds: rule.duration ?? 0, intervalSeconds: group.interval };
      }
      return null;
    },
  };
}

/** What cannot be read is not known; the caller goes on without. */
const unreadable = (error: unknown): null => {
  if (error instanceof NoAnswer) return null;
  throw error;
};

function readValue({ status, text }: Answer): Awaited<ReturnType<Metrics['value']>> {
  const read = Instant.safeParse(json(text));
  if (!read.success) return { kind: 'unreadable', detail: `Prometheus answered ${status}: ${truncate(text, 200)}` };
  const { data } = read.data;
  const samples = data.resultType === 'scalar' ? [data.result] : data.result.map((series) => series.value);
  const values = samples.map(([, value]) => toNumber(value)).filter((value) => !Number.isNaN(value));
  // No series and 0/0 are "nothing happened", which is not "no errors". Of several series the worst one counts.
  return values.length === 0 ? { kind: 'no_data' } : { kind: 'value', value: Math.max(...values) };
}

/** The start of the run of bad samples that reaches the newest sample; earlier, separate trouble is not this one. */
function firstOfBadRun(samples: readonly (readonly [number, string])[], max: number): Timestamp | null {
  const worst = new Map<number, number>();
  for (const [at, text] of samples) {
    const value = toNumber(text);
    if (!Number.isNaN(value)) worst.set(at, Math.max(value, worst.get(at) ?? -Infinity));
  }
  let first: number | null = null;
  for (const [at, value] of [...worst].toSorted(([a], [b]) => b - a)) {
    if (value <= max) break;
    first = at;
  }
  return first === null ? null : timestamp(first * 1000);
}

const toNumber = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));
