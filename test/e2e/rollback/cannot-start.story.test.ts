import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group, twoDeployments } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { type Cluster, deploy, startCluster } from '../support/cluster.ts';

/* The new versions of two Deployments crash at their start. No metrics of pods are configured, and only v1 has requests. */

const SETTINGS = { observe_ms: 0, rollout_ms: 0, pods: { v2: 'crashes' } };
const SERVICES = ['checkout', 'cart'];

const production = {
  deployer: { kind: 'kubernetes' },
  autoRollback: { mode: 'suggest' },
  health: {
    promql: 'errors[1m]',
    max: 0.01,
    traffic: 'requests[1m]',
    byVersion: 'errors_by_version[1m]',
    trafficByVersion: 'requests_by_version[1m]',
  },
};

const STEP_SECONDS = 15;
const FAILS_SINCE = Date.now() / 1000 - 120;

/** A Prometheus that measures 20 requests per second to v1, of which 40 % fail for two minutes. */
async function servePrometheus(): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://prometheus').searchParams;
    const [query, start, end] = ['query', 'start', 'end'].map((name) => asked.get(name) ?? '');
    const times = Array.from(
      { length: Math.floor((Number(end) - Number(start)) / STEP_SECONDS) + 1 },
      (_, index) => Number(start) + index * STEP_SECONDS,
    );
    const valueAt = (time: number) => (query?.startsWith('requests') ? '20' : time < FAILS_SINCE ? '0.001' : '0.4');
    const metric = query?.includes('by_version') ? { version: 'v1' } : {};
    const result = [{ metric, values: times.map((time) => [time, valueAt(time)]) }];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let cluster: Cluster;
let metrics: Awaited<ReturnType<typeof servePrometheus>>;
let firebreak: Firebreak;

beforeAll(async () => {
  cluster = await startCluster();
  metrics = await servePrometheus();
  for (const name of SERVICES) await deploy(cluster, name, 'v1');
  await cluster.control('PUT', '/settings', SETTINGS);
  for (const name of SERVICES) await deploy(cluster, name, 'v2');
  firebreak = await Firebreak.start({
    unshown: true,
    services: Object.fromEntries(SERVICES.map((name) => [name, { environments: { production } }])),
    configFiles: EACH_ALONE,
    env: { KUBERNETES_URL: cluster.url, KUBERNETES_TOKEN: 'a-token', PROMETHEUS_URL: metrics.url },
  });
  for (const deployment of SERVICES.flatMap((name) => twoDeployments(name)))
    expect((await firebreak.post('/v1/deployments', deployment)).status).toBe(201);
});
afterAll(async () => {
  await firebreak?.remove();
  metrics?.server.close();
  cluster?.close();
});

/** Returns the incident of a service once it was decided. */
async function decided(service: string): Promise<any> {
  const firing = alert({ labels: { service }, fingerprint: service });
  expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
  return eventually(async () => {
    const [found] = (await firebreak.get(`/v1/incidents?service=${service}`)).body.items;
    const incident = found && (await firebreak.get(`/v1/incidents/${found.id}`)).body;
    return incident?.decisions.length > 0 && incident;
  }, `the decision about ${service}`);
}

const STARTS_NOT = '1 of 1 pods of v2 have restarted 2 times in 5 minutes (CrashLoopBackOff)';

test('a version without requests is suspected, because its pods can not start', async () => {
  const { decisions, suspects } = await decided('checkout');
  expect(decisions).toMatchObject([{ kind: 'suggest', from_version: 'v2', to_version: 'v1' }]);
  expect(suspects).toMatchObject([{ version: 'v2' }]);
  expect(suspects[0].reasons).toEqual(
    expect.arrayContaining([STARTS_NOT, "v2 takes no requests while its pods can't start"]),
  );
});

test('without the permission to list pods, the decision follows without them', async () => {
  await cluster.control('PUT', '/settings', { ...SETTINGS, denied: ['list pods', 'list events'] });
  const { decisions, effects } = await decided('cart');
  expect(effects).toContainEqual(expect.objectContaining({ kind: 'page', state: 'succeeded' }));
  expect(decisions).toMatchObject([{ kind: 'none', because: 'no_confident_suspect' }]);
  expect(JSON.stringify(decisions)).toContain('v2 is not among the versions that receive traffic');
});
