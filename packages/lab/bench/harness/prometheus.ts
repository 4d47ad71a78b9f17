import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Age of the oldest sample that it has. Seconds. */
const KEEPS_SECONDS = 3600;

/** Events per second of each SLO, and how many of them fail. */
const EVENTS = '10';
const ERRORS = '0.001';

/** A running stand-in for Prometheus. */
export type Prometheus = {
  url: string;
  /** Number of answered queries. */
  answered(): number;
  close(): void;
};

/** Starts a Prometheus that responds immediately to every query of `objectives`, so that evaluations do not wait for it. */
export async function startPrometheus(): Promise<Prometheus> {
  let answered = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://prometheus.test');
    const data = pathname.endsWith('_range') ? range(searchParams) : instant(searchParams);
    answered += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'success', data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered: () => answered,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function instant(query: URLSearchParams): object {
  const value = valueOf(query);
  return {
    resultType: 'vector',
    result: value === undefined ? [] : [{ metric: {}, value: [Number(query.get('time')), value] }],
  };
}

function range(query: URLSearchParams): object {
  const [value, step, end] = [valueOf(query), Number(query.get('step')), Number(query.get('end'))];
  const values: [number, string][] = [];
  for (let at = Number(query.get('start')); at <= end; at += step)
    if (value !== undefined && at > Date.now() / 1000 - KEEPS_SECONDS) values.push([at, value]);
  return { resultType: 'matrix', result: values.length === 0 ? [] : [{ metric: {}, values }] };
}

/** Undefined for recording rules, which this Prometheus does not have. */
function valueOf(query: URLSearchParams): string | undefined {
  const text = query.get('query') ?? '';
  if (!text.includes('http_requests_total')) return undefined;
  return text.includes('5..') ? ERRORS : EVENTS;
}

/** Returns SLOs of these services as YAML (OpenSLO). Each has two queries. @param each SLOs per service */
export const objectives = (services: readonly string[], each: number): string =>
  services
    .flatMap((service) => Array.from({ length: each }, (_, number) => JSON.stringify(objective(service, number))))
    .join('\n---\n'); // JSON is YAML

function objective(service: string, number: number): object {
  const rate = (labels: string) => ({
    metricSource: {
      type: 'Prometheus',
      spec: { query: `sum(rate(http_requests_total{service="${service}",route="${number}"${labels}}[{{.window}}]))` },
    },
  });
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name: `${service}-route-${number}` },
    spec: {
      service,
      indicator: {
        metadata: { name: `${service}-route-${number}` },
        spec: { ratioMetric: { counter: true, bad: rate(',code=~"5.."'), total: rate('') } },
      },
      timeWindow: [{ duration: '28d', isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ target: 0.999 }],
    },
  };
}
