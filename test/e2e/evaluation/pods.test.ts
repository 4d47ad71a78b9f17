import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { serverAt } from '../../../vendors/shared/server.ts';
import { podsOf } from '../../../workflows/steps/pods.ts';
import { change } from '../../core/arbitraries.ts';
import { have, type Recorded, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/** A series of kube-state-metrics, and its value so many seconds ago. */
const series = (metric: string, labels: Recorded['labels'], at: Recorded['at'] = () => 1): Recorded => ({
  name: `kube_pod_${metric}`,
  labels: { namespace: 'shop', job: 'kube-state-metrics', instance: '10.1.0.7:8080', ...labels },
  minutes: 15,
  at,
});

/** A pod of an image. `restarts`: in the last four minutes; `reason`: why its container waits, if it does. */
const pod = (
  name: string,
  tag: string,
  { ready = 1, restarts = 0, reason = '', container = 'app' } = {},
): Recorded[] => [
  series('container_info', { pod: name, container, image: `sha256:1f`, image_spec: `registry.test/checkout:${tag}` }),
  series('container_info', {
    pod: name,
    container: 'proxy',
    image: 'proxy:1.9',
    image_spec: 'registry.test/proxy:1.9',
  }),
  ...['true', 'false', 'unknown'].map((condition) =>
    series('status_ready', { pod: name, condition }, () => (condition === 'true' ? ready : 0)),
  ),
  series('container_status_restarts_total', { pod: name, container }, (ago) =>
    Math.max(0, Math.min(restarts, Math.floor(((240 - ago) / 240) * (restarts + 1)))),
  ),
  series('container_status_waiting_reason', { pod: name, container, reason: 'ContainerCreating' }, () => 0),
  ...(reason === '' ? [] : [series('container_status_waiting_reason', { pod: name, container, reason })]),
];

const HISTORY = [
  ...pod('checkout-6c-1', 'v41'),
  ...pod('checkout-6c-2', 'v41', { restarts: 1 }),
  ...pod('checkout-7d-1', 'v42', { ready: 0, restarts: 4, reason: 'CrashLoopBackOff' }),
  ...pod('checkout-7d-2', 'v42', { ready: 0, reason: 'ImagePullBackOff' }),
  ...pod('basket-1', 'v42'),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

describe.runIf(have('prometheus', 'promtool'))('the query for pods, by a real Prometheus', () => {
  let server: Running;
  beforeAll(async () => {
    server = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []',
      history: HISTORY,
    });
  });
  afterAll(() => server.stop());

  test('finds the versions whose pods can not start', async () => {
    const own = [change('v41', 240), change('v42', 4)];
    const at = timestamp(Date.now());
    const query = { promql: 'e', called: 'e', max: 1, pods: 'namespace="shop",pod=~"checkout-.+"' };
    const { pods } = await podsOf(
      prometheus(async () => serverAt(server.url)),
      query,
      { own, at },
    );
    expect(pods).toMatchObject([
      { version: 'v41', pods: 2, ready: 2, failing: 0, restarting: 0, reasons: [] },
      {
        version: 'v42',
        pods: 2,
        ready: 0,
        failing: 2,
        restarting: 1,
        reasons: ['CrashLoopBackOff', 'ImagePullBackOff'],
      },
    ]);
    expect(pods?.[1]?.restarts).toBeGreaterThanOrEqual(3);
  });
});
