import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../../../packages/demo/free-port.ts';
import { cli } from '../../entrances/cli/support.ts';
import {
  have,
  type Recorded,
  type Running,
  startAlertmanager,
  startPrometheus,
} from '../../support/prometheus-stack.ts';

/** A counter that has grown by so much per second for half an hour. */
const counter = (name: string, labels: Record<string, string>, perSecond: number): Recorded => ({
  name,
  labels,
  minutes: 30,
  at: (secondsAgo) => Math.round((1800 - secondsAgo) * perSecond),
});
const gauge = (name: string, labels: Record<string, string>, value = 1): Recorded => ({
  name,
  labels,
  minutes: 30,
  at: () => value,
});

const checkout = { service: 'checkout', environment: 'production', job: 'shop' };
const basket = { service: 'basket', namespace: 'shop', pod: 'basket-1', job: 'shop' };

const HISTORY: readonly Recorded[] = [
  counter('http_requests_total', { ...checkout, version: 'v41', code: '200' }, 8),
  counter('http_requests_total', { ...checkout, version: 'v41', code: '500' }, 0.04),
  counter('http_requests_total', { ...checkout, version: 'v42', code: '200' }, 2),
  counter('http_requests_total', { ...checkout, environment: 'staging', version: 'v43', code: '200' }, 1),
  counter('http_server_requests_seconds_count', { ...basket, outcome: 'SUCCESS' }, 5),
  counter('http_request_duration_seconds_count', { job: 'search', status_code: '200' }, 3),
  counter('promhttp_metric_handler_requests_total', { job: 'node', code: '200' }, 1),
  gauge('kube_pod_labels', { namespace: 'shop', pod: 'basket-1', label_version: '2.1' }),
  gauge('orders:error_ratio', { service: 'orders' }, 0.03),
  gauge('argocd_app_info', { name: 'checkout-production', project: 'shop' }),
  gauge('kube_deployment_spec_replicas', { namespace: 'shop', deployment: 'basket' }, 2),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

const RULES = `groups:
  - name: shop
    rules:
      - alert: CheckoutErrors
        expr: sum by (environment) (rate(http_requests_total{service="checkout",code=~"5.."}[5m])) / sum by (environment) (rate(http_requests_total{service="checkout"}[5m])) > 0.015
        for: 2m
`;

describe.runIf(have('prometheus', 'promtool', 'alertmanager'))('firebreak init with a real Prometheus', () => {
  let prometheus: Running, alertmanager: Running;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'firebreak-init-'));
    alertmanager = await startAlertmanager({
      port: await freePort(),
      config: { route: { receiver: 'on-call' }, receivers: [{ name: 'on-call' }] },
    });
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: RULES,
      history: HISTORY,
    });
    await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ labels: { alertname: 'MailQueue', service: 'mailer' } }]),
    });
  });
  afterAll(async () => {
    await prometheus.stop();
    await alertmanager.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('proposes health queries with values, the label of the version, and deployers', async () => {
    const args = ['init', '--prometheus', prometheus.url, '--alertmanager', alertmanager.url, '--config', dir];
    const { code, out, err } = await cli(args);
    expect([code, err]).toEqual([0, '']);
    const text = await readFile(join(dir, 'services.yaml'), 'utf8');
    const { services } = parse(text);
    expect(Object.keys(services).toSorted()).toEqual(['basket', 'checkout', 'mailer', 'orders', 'search']);
    const { production, staging } = services.checkout.environments;
    expect(production).toMatchObject({
      autoRollback: { mode: 'shadow' },
      deployer: { kind: 'argo-cd', application: 'checkout-production' },
      health: { max: 0.015, trafficByVersion: expect.stringContaining('by (environment, version)') },
    });
    expect(production.health.promql).toContain(`{environment="production", code=~"5..",service="checkout"}`);
    expect(text).toContain('# From alerting rule CheckoutErrors. Now 0.00');
    expect(text).toContain('# The label version carries the version: v41, v42');
    // It has had no errors, so there is no series of them.
    expect(staging.health).toMatchObject({
      promql: expect.stringContaining('or vector(0)'),
      max: 0.01,
      byVersion: expect.any(String),
    });
    expect(services.basket.environments.production).toMatchObject({
      deployer: { kind: 'kubernetes', namespace: 'shop' },
      health: { byVersion: expect.stringContaining('kube_pod_labels') },
    });
    expect(text).toMatch(
      /basket:[^]*# to test each suspected version, set look: \{\}; its credential must be allowed to create/,
    );
    expect(services.search.match).toEqual({ job: 'search' });
    expect(services.orders.environments.production.health).toEqual({
      promql: 'orders:error_ratio{service="orders"}',
      max: 0.1,
    });
    expect(services.mailer.environments.production.health).toBeUndefined();
    expect(out).toMatch(/^ok {4}checkout\/production {3}automation: proved when two versions run side by side$/m);
    expect(out).toMatch(/^ok {4}basket\/production/m);
    expect(out).toMatch(
      /^warn {2}search\/production .* asks only: .*no label of its series carries a version\. Add a label with the version .*$/m,
    );
  });

  test('the files pass "firebreak check" as they are', async () => {
    const { code, out } = await cli(['check', '--config', dir]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^5 services in .*: OK\n$/)]);
  });

  /** Returns all values of a query. */
  async function valuesOf(query: string): Promise<number[]> {
    const response = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result.map(({ value }) => Number(value[1]));
  }

  test('every query is limited to its service and returns finite values', async () => {
    const { services } = parse(await readFile(join(dir, 'services.yaml'), 'utf8'));
    const all = Object.values<any>(services).flatMap(({ environments }) => Object.values<any>(environments));
    const queries = all.flatMap(({ health = {} }) =>
      Object.values<unknown>(health).filter((one) => typeof one === 'string'),
    );
    expect(queries.length).toBeGreaterThan(12);
    for (const query of queries) {
      const values = await valuesOf(query);
      expect({ query, isFinite: values.length > 0 && values.every(Number.isFinite) }).toEqual({
        query,
        isFinite: true,
      });
    }
    // 0.04 errors of 10.04 requests per second in production, and none in staging.
    const { production, staging } = services.checkout.environments;
    expect((await valuesOf(production.health.promql))[0]).toBeCloseTo(0.04 / 10.04, 3);
    expect(await valuesOf(staging.health.promql)).toEqual([0]);
  });
});
