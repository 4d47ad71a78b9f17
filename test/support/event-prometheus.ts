import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** Returns the number of events between two times in epoch seconds. */
export type Stream = (from: number, until: number) => number;

/** Returns the result of a query at one time in epoch seconds. Throws if the query can't be executed. */
export type Answering = (at: number) => { labels?: Record<string, string>; value: number }[];

/** A fault instead of a response. `cut`: the connection is closed. `hang`: there is never a response. */
export type Fault = { status: number; body: string } | 'cut' | 'hang' | null;

/** Returns a stream with a constant number of events per second. */
export const steadily =
  (perSecond: number): Stream =>
  (from, until) =>
    perSecond * (until - from);

/** Returns a stream with a number of events per second between two times (epoch seconds), and none outside. */
export const during =
  (perSecond: number, begin: number, end: number): Stream =>
  (from, until) =>
    perSecond * Math.max(0, Math.min(until, end) - Math.max(from, begin));

export const both =
  (...streams: Stream[]): Stream =>
  (from, until) =>
    streams.reduce((sum, stream) => sum + stream(from, until), 0);

/** Returns `sum(rate(…[5m]))` of a stream: events per second in the last five minutes. */
export const rateOf =
  (stream: Stream): Answering =>
  (at) => [{ value: stream(at - 300, at) / 300 }];

/**
 * A Prometheus over HTTP that computes its results from invented events for any time. The result for a time does not
 * depend on the time of the query. It knows queries by their exact text. Other queries return no series, like an
 * unknown metric.
 */
export class EventPrometheus {
  /** All queries, in order. */
  readonly asked: { path: string; query: string; from: number; until: number; step: number | null }[] = [];
  fault: Fault = null;
  /** The warnings in responses. */
  warnings: string[] = [];
  url = '';
  /** Maximum points per series in a response. @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
  pointsMax = 11_000;
  /** The data of every range query, regardless of the request. Null for the computed data. */
  rangeData: object | null = null;
  /** Queries for later times return nothing. Epoch seconds. */
  recordedUntil = Infinity;
  /** Earlier data is deleted. Epoch seconds. */
  keptFrom = -Infinity;
  readonly #queries = new Map<string, Answering>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<EventPrometheus> {
    const prometheus = new EventPrometheus();
    await prometheus.listen();
    return prometheus;
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Sets the result of a query; null removes it. */
  on(query: string, answering: Answering | null): void {
    if (answering === null) this.#queries.delete(query);
    else this.#queries.set(query, answering);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://prometheus');
    const form = request.method === 'POST' ? new URLSearchParams(await textOf(request)) : url.searchParams;
    const [query, step] = [form.get('query') ?? '', form.get('step')];
    const from = Number(form.get(step === null ? 'time' : 'start'));
    const until = Number(form.get(step === null ? 'time' : 'end'));
    this.asked.push({ path: url.pathname, query, from, until, step: step === null ? null : Number(step) });
    if (this.fault === 'hang') return;
    if (this.fault === 'cut') return void request.socket.destroy();
    if (this.fault !== null) return end(response, this.fault.status, this.fault.body);
    if (step !== null && (until - from) / Number(step) + 1 > this.pointsMax)
      return end(response, 400, failed('bad_data', `exceeded maximum resolution of 11,000 points per timeseries.`));
    try {
      const data = step === null ? this.#instant(query, until) : this.#range(query, from, until, Number(step));
      const warnings = this.warnings.length > 0 && { warnings: this.warnings };
      end(response, 200, JSON.stringify({ status: 'success', data, ...warnings }));
    } catch (error) {
      end(response, 422, failed('execution', String(error)));
    }
  }

  #at(query: string, at: number): ReturnType<Answering> {
    return at > this.recordedUntil || at < this.keptFrom ? [] : (this.#queries.get(query)?.(at) ?? []);
  }

  #instant(query: string, at: number): object {
    const result = this.#at(query, at).map(({ labels = {}, value }) => ({ metric: labels, value: [at, shown(value)] }));
    return { resultType: 'vector', result };
  }

  #range(query: string, from: number, until: number, step: number): object {
    if (this.rangeData !== null) return this.rangeData;
    const series = new Map<string, { metric: Record<string, string>; values: [number, string][] }>();
    for (let at = from; at <= until + 1e-6; at += step) {
      for (const { labels = {}, value } of this.#at(query, at)) {
        const key = JSON.stringify(labels);
        const one = series.get(key) ?? { metric: labels, values: [] };
        one.values.push([at, shown(value)]);
        series.set(key, one);
      }
    }
    return { resultType: 'matrix', result: [...series.values()] };
  }
}

const end = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body);
};

const failed = (errorType: string, error: string): string => JSON.stringify({ status: 'error', errorType, error });

/** Formats a number as Prometheus does. */
const shown = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
