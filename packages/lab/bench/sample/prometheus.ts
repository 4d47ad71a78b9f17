import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { MonitoredCase } from '../../evaluation/monitored/case.ts';
import { type PlacedCase, withoutPrefixes } from './placed-case.ts';
import { evaluate, type Result } from '../../evaluation/monitored/evaluate.ts';
import { ruleExpression } from '../../evaluation/monitored/telemetry/queries.ts';

export type WorldPrometheus = { url: string; close(): void };

/** Serves the metrics of cases as the Prometheus of their worlds. @param now milliseconds since the Unix epoch */
export async function startWorldPrometheus(cases: readonly PlacedCase[], now: () => number): Promise<WorldPrometheus> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const url = new URL(request.url ?? '', 'http://world');
      const given = new URLSearchParams([...new URLSearchParams(body), ...url.searchParams]);
      const placed = cases.find(({ prefix }) => given.toString().includes(prefix));
      const data = placed === undefined ? null : answered(placed, url.pathname, given, now() / 1000);
      response.writeHead(data === null ? 404 : 200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(data === null ? { status: 'error', error: 'not found' } : { status: 'success', data }),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answered({ monitored }: PlacedCase, path: string, given: URLSearchParams, seconds: number): object | null {
  const { world, telemetry } = monitored;
  const query = withoutPrefixes(given.get('query') ?? '');
  const now = seconds - world.epoch;
  const timeOf = (name: string): number => Number(given.get(name)) - world.epoch;
  switch (path) {
    case '/api/v1/query': {
      const result = evaluate(query, { start: now, step: 1, count: 1, now }, telemetry).flatMap((one) =>
        samplesOf(one, now, 1, world.epoch).map((value) => ({ metric: one.labels, value })),
      );
      return { resultType: 'vector', result };
    }
    case '/api/v1/query_range': {
      const [start, end, step] = [timeOf('start'), timeOf('end'), Number(given.get('step'))];
      const count = Math.floor((end - start) / step + 1e-9) + 1;
      const result = evaluate(query, { start, step, count, now: Math.max(now, end) }, telemetry)
        .map((one) => ({ metric: one.labels, values: samplesOf(one, start, step, world.epoch) }))
        .filter(({ values }) => values.length > 0);
      return { resultType: 'matrix', result };
    }
    case '/api/v1/rules':
      return { groups: rulesOf(monitored, given.getAll('rule_name[]')) };
    default:
      return null;
  }
}

/** Returns samples as Prometheus writes them, with times in milliseconds. */
function samplesOf({ values, present }: Result, start: number, step: number, epoch: number): [number, string][] {
  return Array.from(values, (value, index): [number, string] => [
    Math.round((epoch + start + index * step) * 1000) / 1000,
    Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf',
  ]).filter((_, index) => present[index] === 1);
}

/** Returns the rules that Firebreak can read, in the form of `/api/v1/rules`. */
const rulesOf = ({ stage }: MonitoredCase, names: readonly string[]): object[] =>
  stage.services
    .flatMap((service) =>
      names
        .filter((name) => withoutPrefixes(name) === service.rule.alertname)
        .map((name) => ({ ...service, alertname: name })),
    )
    .filter(({ rule }) => rule.isReadable)
    .map((service) => ({
      name: service.name,
      file: 'rules.yml',
      interval: service.rule.intervalSeconds,
      rules: [
        {
          type: 'alerting',
          name: service.alertname,
          query: ruleExpression(service, service.rule),
          duration: service.rule.forSeconds,
          health: 'ok',
          labels: {},
          annotations: {},
          alerts: [],
        },
      ],
    }));
