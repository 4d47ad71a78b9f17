import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { HealthQuery } from '../../../core/domain/catalogue/health.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { serverAt } from '../../../vendors/shared/server.ts';
import { podsOf, podsSeen } from '../../../workflows/steps/pods.ts';
import type { Deployer, InstancesResponse, RunningInstance } from '../../../core/domain/rollback/targets.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { before, change, NOON } from '../../core/arbitraries.ts';
import { vendor } from '../../vendors/server.ts';

type Labels = Record<string, string>;

/** What Prometheus adds to each series of kube-state-metrics. */
const SCRAPED = { instance: '10.1.0.7:8080', job: 'kube-state-metrics', namespace: 'shop' };

const EPOCH = Date.parse(NOON) / 1000;
const series = (metric: Labels, value = 1) => ({ metric: { ...SCRAPED, ...metric }, values: [[EPOCH, String(value)]] });

const image = (pod: string, spec: string, container = 'app') =>
  series({
    __name__: 'kube_pod_container_info',
    pod,
    container,
    image: `registry.test/shop/${spec}`,
    image_spec: `registry.test/shop/${spec}`,
    image_id: 'sha256:1f2e',
    uid: `uid-${pod}`,
  });
const ready = (pod: string, value: number) =>
  series({ __name__: 'kube_pod_status_ready', pod, condition: 'true', uid: `uid-${pod}` }, value);
const labels = (pod: string, more: Labels) => series({ __name__: 'kube_pod_labels', pod, uid: `uid-${pod}`, ...more });
const waits = (pod: string, reason: string) => series({ pod, container: 'app', reason, uid: `uid-${pod}` });
const restarted = (pod: string, times: number) =>
  series({ pod, container: 'app', restarts: 'yes', uid: `uid-${pod}` }, times);

const PODS = 'namespace="shop",pod=~"checkout-.+"';
const configured: HealthQuery = { promql: 'e', called: 'e', max: 0.01, pods: PODS };

/** Reads pods from a Prometheus with this result. */
async function read(
  result: readonly unknown[],
  query: HealthQuery = configured,
  own = [change('v41', 240), change('v42', 4)],
) {
  const body = JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } });
  const { url, received } = await vendor({ status: 200, body });
  const found = await podsOf(
    prometheus(async () => serverAt(url)),
    query,
    { own, at: before(0) },
  );
  return { ...found, received };
}

const read1 = async (...result: unknown[]): Promise<Evidence['pods']> => (await read(result)).pods;

describe('pods by version', () => {
  test('are known by the name that the deploying system uses', async () => {
    const own = [change('6.4 (2222222)', 4, { reported_version: '6.4' as Version, commit: '2'.repeat(40) })];
    const { pods } = await read(
      [image('a', 'agent:1.9', 'agent'), image('a', 'checkout:6.4'), ready('a', 1)],
      configured,
      own,
    );
    expect(pods).toMatchObject([{ version: '6.4', pods: 1, ready: 1 }]);
  });

  test('are counted with their restarts and why they wait, by the tags of their images', async () => {
    const found = await read1(
      ...['a', 'b'].flatMap((pod) => [image(pod, 'checkout:v41'), image(pod, 'proxy:1.9', 'proxy'), ready(pod, 1)]),
      ...['c', 'd', 'e'].flatMap((pod) => [
        image(pod, 'proxy:1.9', 'proxy'),
        image(pod, 'checkout:v42'),
        ready(pod, 0),
      ]),
      restarted('c', 3),
      waits('c', 'CrashLoopBackOff'),
      restarted('d', 1),
      waits('e', 'ImagePullBackOff'),
    );
    expect(found).toEqual([
      { version: 'v41', pods: 2, ready: 2, failing: 0, restarting: 0, restarts: 0, reasons: [] },
      {
        version: 'v42',
        pods: 3,
        ready: 0,
        failing: 2,
        restarting: 1,
        restarts: 3,
        reasons: ['CrashLoopBackOff', 'ImagePullBackOff'],
      },
    ]);
  });

  test('are named by their labels rather than by the tags of their images', async () => {
    const found = await read1(image('a', 'checkout:latest'), labels('a', { label_version: '42' }), ready('a', 1));
    expect(found).toMatchObject([{ version: '42', pods: 1, ready: 1 }]);
  });

  test('count once with two instances of kube-state-metrics', async () => {
    const twice = [image('a', 'checkout:v42'), ready('a', 0), restarted('a', 2)];
    const other = twice.map((one) => ({ ...one, metric: { ...one.metric, instance: '10.1.0.8:8080' } }));
    expect(await read1(...twice, ...other)).toMatchObject([{ version: 'v42', pods: 1, failing: 1, restarts: 2 }]);
  });

  test('do not fail for why they waited before they were ready', async () => {
    const found = await read1(image('a', 'checkout:v42'), ready('a', 1), waits('a', 'ErrImagePull'));
    expect(found).toMatchObject([{ failing: 0, reasons: [] }]);
  });

  test('are unknown in number of ready ones, or at all, where metrics are missing', async () => {
    expect(await read1(image('a', 'checkout:v42'), restarted('a', 4))).toMatchObject([{ ready: null, failing: 1 }]);
    expect(await read1(ready('a', 0), waits('a', 'CrashLoopBackOff'))).toEqual([]);
    expect(await read1()).toBeUndefined();
    expect(await read1(...Array.from({ length: 2000 }, (_, index) => ready(`p${index}`, 1)))).toBeUndefined();
  });

  test('are read by one query, and by none if they are not configured', async () => {
    const { received } = await read([ready('a', 1)]);
    expect(received).toHaveLength(1);
    const asked = new URL(received[0]?.path ?? '', 'http://prometheus').searchParams;
    expect([asked.get('start'), asked.get('end')]).toEqual([String(EPOCH), String(EPOCH)]);
    expect(asked.get('query')).toContain(`kube_pod_status_ready{${PODS},condition="true"}`);
    const { pods: _, ...without } = configured;
    expect(await read([ready('a', 1)], without)).toMatchObject({ received: [] });
  });
});

describe('pods that the deployer shows', () => {
  const TARGET = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  const configWith = (production: object) =>
    Config.parse({ version: 'test', services: { checkout: { environments: { production } } }, paging: {} });
  const CONFIG = configWith({ deployer: { kind: 'kubernetes' } });
  const shown = (instances: RunningInstance[]): InstancesResponse => ({ kind: 'instances', instances, unread: null });
  const instance = (names: string[], more: Partial<RunningInstance> = {}): RunningInstance => ({
    names,
    ready: true,
    restarts: 0,
    reasons: [],
    ...more,
  });

  /** Reads pods of a service whose metrics have these series, and whose deployer answers this. */
  async function see(
    instances: Deployer['instances'],
    { result = [], config = CONFIG, query }: { result?: unknown[]; config?: Config; query?: HealthQuery } = {},
  ) {
    const body = JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } });
    const { url } = await vendor({ status: 200, body });
    const warnings: string[] = [];
    const deps = {
      metrics: prometheus(async () => serverAt(url)),
      targets: { deployerFor: async () => ({ instances }) },
      log: { warn: (text: string) => void warnings.push(text) },
    } as unknown as Parameters<typeof podsSeen>[0];
    const own = [change('6.4', 240), change('v42', 4, { reported_version: 'main' as Version })];
    return { ...(await podsSeen(deps, query, { target: TARGET, config, own, at: before(0) })), warnings };
  }

  test('count by the names of recorded versions, with restarts that are repeated', async () => {
    const { pods } = await see(async () =>
      shown([
        instance(['6.4', 'sha256:1f2e']),
        instance(['edge', 'main'], { ready: false, restarts: 3, reasons: ['CrashLoopBackOff'] }),
        instance(['edge', 'main'], { ready: false, restarts: 1 }),
        instance([], { ready: false }),
        instance(['other']),
      ]),
    );
    expect(pods).toEqual([
      { version: '6.4', pods: 1, ready: 1, failing: 0, restarting: 0, restarts: 0, reasons: [] },
      {
        version: 'main',
        pods: 2,
        ready: 0,
        failing: 1,
        restarting: 1,
        restarts: 3,
        reasons: ['CrashLoopBackOff'],
      },
      { version: 'other', pods: 1, ready: 1, failing: 0, restarting: 0, restarts: 0, reasons: [] },
    ]);
  });

  test('are ready as far as they are known to be, while one may be starting', async () => {
    const starting = instance(['v42'], { ready: null });
    const readyOf = async (...more: RunningInstance[]) =>
      (await see(async () => shown([starting, ...more]))).pods?.[0]?.ready;
    expect(await readyOf()).toBeNull();
    expect(await readyOf(instance(['v42'], { ready: false }))).toBeNull();
    expect(await readyOf(instance(['v42']), instance(['v42'], { ready: false }))).toBe(1);
  });

  test('are read only if metrics show none', async () => {
    const measured = [image('a', 'checkout:6.4'), ready('a', 1)];
    const fromCluster = async () => shown([instance(['v42'])]);
    expect((await see(fromCluster, { result: measured, query: configured })).pods).toMatchObject([{ version: '6.4' }]);
    expect((await see(fromCluster, { query: configured })).pods).toMatchObject([{ version: 'v42' }]);
  });

  test('are not known if the deployer does not show them, refuses, or throws', async () => {
    expect(await see(undefined)).toEqual({ warnings: [] });
    expect(await see(async () => shown([instance(['v42'])]), { config: configWith({}) })).toEqual({ warnings: [] });
    expect(await see(async () => ({ kind: 'refused', detail: 'forbidden' }))).toEqual({ warnings: [] });
    expect(await see(async () => ({ kind: 'later', detail: 'timeout', afterSeconds: null }))).toEqual({ warnings: [] });
    expect(await see(() => Promise.reject(new Error('a defect')))).toEqual({
      warnings: ['The pods of a service could not be read'],
    });
  });
});
