import * as z from 'zod';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { call, NoResponse } from '../shared/http.ts';
import type { Server } from '../shared/server.ts';
import { complete, unreadableDetail } from './answer.ts';
import { type RequestedTimes, UnexpectedResponse, sampleOf, samplesOf } from './samples.ts';
import type { Answered, Series, MetricQueries } from '../../core/domain/ports/metrics.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Maximum bytes of a body. A recording rule has one series per objective; 2,000 of them take a third of a megabyte. */
const BODY_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Maximum characters of a query in a GET request, because proxies limit the length of URLs. Longer queries use POST,
 * which not every proxy in front of Prometheus accepts.
 */
const GET_QUERY_MAX_CHARS = 4_000;

const Sample = z.tuple([z.number(), z.string()]);
const Labels = z.record(z.string(), z.string()).default({});
const Data = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: Labels, value: Sample })) }),
  z.object({ resultType: z.literal('matrix'), result: z.array(z.object({ metric: Labels, values: z.array(Sample) })) }),
  z.object({ resultType: z.literal('scalar'), result: Sample }),
  z.object({ resultType: z.literal('string'), result: Sample }),
]);
type Data = z.infer<typeof Data>;
const Success = complete(Data);

/**
 * Creates a client for Prometheus's HTTP API that returns complete series, with one attempt per query.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function prometheusQueries(serverOf: () => Promise<Server | undefined>): MetricQueries {
  const send = async (
    path: string,
    form: Record<string, string>,
    timeoutMs: number,
    seriesOf: SeriesOf,
  ): Promise<Answered | null> => {
    try {
      const server = await serverOf();
      if (server === undefined) return null;
      const { headers } = server;
      // The server stops the query at the same time as the client.
      const query = new URLSearchParams({ ...form, timeout: `${Math.ceil(timeoutMs / 1000)}s` }).toString();
      const request =
        query.length <= GET_QUERY_MAX_CHARS
          ? { method: 'GET', headers }
          : {
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
              body: query,
            };
      const url = `${server.url}${path}${request.method === 'GET' ? `?${query}` : ''}`;
      const { status, text } = await call(url, { ...request, timeoutMs, maxBytes: BODY_MAX_BYTES });
      return readResponse(status, text, seriesOf);
    } catch (error) {
      if (error instanceof NoResponse) return { kind: 'unreadable', detail: error.message };
      throw error;
    }
  };
  return {
    instant: (query, at, timeoutMs) =>
      send('/api/v1/query', { query, time: String(seconds(at)) }, timeoutMs, seriesOfMoment),
    range: (query, from, until, step, timeoutMs) => {
      const range: RequestedTimes = { from: seconds(from), until: seconds(until), step };
      return send(
        '/api/v1/query_range',
        { query, start: String(range.from), end: String(range.until), step: String(step) },
        timeoutMs,
        (data) => seriesOfRange(data, range),
      );
    },
  };
}

const seconds = (at: Timestamp): number => millisOf(at) / 1000;

/** @throws UnexpectedResponse if the data doesn't match the query */
type SeriesOf = (data: Data) => Series[];

/**
 * Reads a response. An unreadable response is not reported as "no data", because callers draw conclusions from missing
 * data.
 */
function readResponse(status: number, text: string, seriesOf: SeriesOf): Answered {
  const body = parseJson(text);
  const success = Success.safeParse(body);
  if (!success.success) return { kind: 'unreadable', detail: unreadableDetail(status, text, body, success.error) };
  try {
    return { kind: 'series', series: seriesOf(success.data.data) };
  } catch (error) {
    if (!(error instanceof UnexpectedResponse)) throw error;
    return { kind: 'unreadable', detail: `Prometheus answered ${status}: ${error.message} (${ADDRESS_ADVICE})` };
  }
}

const ADDRESS_ADVICE = 'check that PROMETHEUS_URL is the address of Prometheus';

function seriesOfMoment(data: Data): Series[] {
  switch (data.resultType) {
    case 'vector':
      return data.result.map(({ metric, value }) => ({ labels: metric, values: [sampleOf(value)] }));
    case 'scalar':
      return [{ labels: {}, values: [sampleOf(data.result)] }];
    case 'matrix':
    case 'string':
      throw new UnexpectedResponse(
        `the result type is "${data.resultType}", but an instant query returns "vector" or "scalar"`,
      );
  }
}

function seriesOfRange(data: Data, range: RequestedTimes): Series[] {
  if (data.resultType !== 'matrix')
    throw new UnexpectedResponse(`the result type is "${data.resultType}", but a range query returns "matrix"`);
  return data.result.map(({ metric, values }) => ({ labels: metric, values: samplesOf(values, range) }));
}
