import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import { MONITORED_SEED, monitoredCase } from '../../evaluation/monitored/case.ts';
import { portsAt } from '../../evaluation/monitored/ports.ts';
import { prometheus } from '../../../../vendors/prometheus/metrics.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { judgeIncident } from '../../../../workflows/steps/judge-incident.ts';
import { type Measured, result } from '../results.ts';
import { percentile } from '../harness/statistics.ts';
import { serverAt } from '../../../../vendors/shared/server.ts';

const DECISIONS = 100;

/** Other services whose health is read before each decision: as many as the product reads. */
const SERVICES = 200;

/** Time that Prometheus takes for a query over two hours. */
const RESPONSE_MS = 10;

const WARM_UP = 5;

/** Accepted decisions without the health of all services. */
const INCOMPLETE_MAX = 1;

/** Promised time of a decision. */
const ALLOWED_MS = 2_000;

/**
 * Measures the time to decide about an alert: the product reads the health of all services from a Prometheus by HTTP, and
 * its records from memory.
 */
export async function measureDecisions(): Promise<Measured[]> {
  const { url, close } = await startSlowPrometheus();
  try {
    const decisions: DecisionTime[] = [];
    for (let number = -WARM_UP; number < DECISIONS; number += 1) {
      const decided = await timeToDecide(url, number + WARM_UP);
      if (number >= 0) decisions.push(decided);
    }
    const times = decisions.map(({ milliseconds }) => milliseconds);
    const incomplete = decisions.filter(({ isComplete }) => !isComplete).length;
    const of = `decision, health of ${SERVICES} services`;
    return [
      result(`${of}, 99th percentile, ms (reference: allowed)`, percentile(times, 99), ALLOWED_MS, 1),
      result(`${of} not read in time, of ${DECISIONS} (reference: allowed)`, incomplete, INCOMPLETE_MAX, 1),
    ];
  } finally {
    close();
  }
}

/** `isComplete`: the health of all services was read in time. Otherwise, a person decides. */
type DecisionTime = { milliseconds: number; isComplete: boolean };

async function timeToDecide(url: string, number: number): Promise<DecisionTime> {
  const monitored = monitoredCase(MONITORED_SEED, 'deploy_at_once', number % 10);
  const { deps, incident, stored: storedInputs } = portsAt(monitored, monitored.at);
  const ownConfig = await deps.config.current();
  const others = Array.from({ length: SERVICES }, (_, index) => {
    const promql = `sum(rate(errors_total{service="other-${index}"}[5m])) / sum(rate(requests_total{service="other-${index}"}[5m]))`;
    return [`other-${index}`, { environments: { production: { health: { promql, max: 0.01 } } } }] as const;
  });
  const { services } = Config.parse({ version: 'bench', paging: {}, services: Object.fromEntries(others) });
  const config = { ...ownConfig, services: { ...services, ...ownConfig.services } };
  const metrics = { ...prometheus(() => Promise.resolve(serverAt(url))), rule: () => Promise.resolve(null) };
  const measured: Deps = { ...deps, metrics, config: { ...deps.config, current: () => Promise.resolve(config) } };
  const begin = performance.now();
  await judgeIncident(measured, incident, 1, { by: 'alert', name: '' });
  const milliseconds = performance.now() - begin;
  return { milliseconds, isComplete: storedInputs()?.neighbours_unreadable === false };
}

/** Starts a Prometheus that answers each query over a range with a sample for each step. */
async function startSlowPrometheus(): Promise<{ url: string; close: () => void }> {
  const answer = (query: URLSearchParams, response: ServerResponse): void => {
    const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(query.get(name)));
    const values: [number, string][] = [];
    for (let at = start ?? 0; at <= (end ?? 0); at += step ?? 30) values.push([at, '0.001']);
    const data = { resultType: 'matrix', result: [{ metric: {}, values }] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'success', data }));
  };
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://prometheus.test');
    setTimeout(() => answer(searchParams, response), RESPONSE_MS);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
