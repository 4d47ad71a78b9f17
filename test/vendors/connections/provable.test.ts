import { expect, test } from 'vitest';
import { provableByEnvironment } from '../../../vendors/connections/provable.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { VersionProposal } from '../../../core/domain/ports/metrics.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { Config } from '../../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { Deployer, InstancesResponse } from '../../../core/domain/rollback/targets.ts';
import { change, NOON } from '../../core/arbitraries.ts';

const PROPOSAL: VersionProposal = {
  label: 'app_version',
  joined: null,
  values: ['v2'],
  byVersion: `label_replace(a, "version", "$1", "app_version", "(.+)") + on () b{x='1'}`,
  trafficByVersion: 'c',
};

const examined = async (
  health: object | undefined,
  found: {
    value?: Awaited<ReturnType<Product['metrics']['value']>>;
    labels?: string[];
    proposal?: VersionProposal | null;
    weight?: number;
    curves?: { label: string; curve: [Timestamp, number][] }[];
    changes?: Change[];
    deployer?: Partial<Deployer>;
    series?: Record<string, string>[];
  } = {},
) => {
  const { value = { kind: 'value', value: 0 }, labels = [], proposal, weight = null, curves } = found;
  const { changes = [change('v2', 9, { canary_weight: weight })] } = found;
  const config = Config.parse({
    version: 'test',
    services: {
      payments: {},
      checkout: { environments: { production: { deployer: { kind: 'http' }, health }, staging: {} } },
    },
    paging: {},
  });
  const all = await provableByEnvironment({
    clock: { now: () => NOON },
    config: { current: async () => config },
    changes: { recent: async () => changes },
    metrics: {
      value: async () => value,
      rangeByLabel: async () => curves ?? labels.map((label) => ({ label, curve: [] })),
    },
    versionLabels: {
      propose: async () => proposal,
      series: async (selector: string) => [{ selector, series: found.series ?? [] }],
    },
    targets: { deployerFor: async () => found.deployer },
  } as unknown as Parameters<typeof provableByEnvironment>[0]);
  expect(all).toHaveLength(1);
  return all[0];
};

const HEALTH = { promql: 'errors', max: 0.01 };
const BY_VERSION = { ...HEALTH, byVersion: 'errors by version' };

test('counts the last deploys that served beside the old version for a minute', async () => {
  const at = (seconds: number) => plusSeconds(NOON, -3600 + seconds);
  const curve = (from: number, until: number) =>
    Array.from({ length: (until - from) / 15 }, (_, n): [Timestamp, number] => [at(from + n * 15), 5]);
  const all = (besideSeconds: number, changes?: Change[]) =>
    examined(
      { promql: 'a', max: 0.01, byVersion: 'b', trafficByVersion: 'sum by (version) (rate(requests[2m]))' },
      {
        curves: [
          { label: 'v2', curve: curve(0, 900) },
          { label: 'v1', curve: curve(-300, besideSeconds + 120) },
        ],
        ...(changes && { changes }),
      },
    );
  expect(await all(60)).toMatchObject({ deploys: { examined: 1, side_by_side: 1, by: 'requests' } });
  expect(await all(45)).toMatchObject({ deploys: { examined: 1, side_by_side: 0 }, can: { kind: 'asks' } });
  // Changes come oldest first: the newest ten count, of which only the last is v2.
  const older = Array.from({ length: 12 }, (_, n) => change(`old${n}`, 60 - n));
  expect(await all(60, [...older, change('v2', 9)])).toMatchObject({ deploys: { examined: 10, side_by_side: 1 } });
});

test.each<[name: string, Parameters<typeof examined>, expected: object]>([
  ['nothing without a health query', [undefined], { proofs: [], missing: expect.stringContaining('no health query') }],
  [
    'nothing without Prometheus',
    [HEALTH, { value: null }],
    { proofs: [], missing: expect.stringContaining('PROMETHEUS_URL') },
  ],
  [
    'nothing with a query that cannot be read',
    [HEALTH, { value: { kind: 'unreadable', detail: 'timeout' } }],
    { proofs: [], missing: expect.stringContaining('timeout') },
  ],
  [
    'no version whose values are not recorded',
    [BY_VERSION, { labels: ['abc'] }],
    { proofs: [], missing: expect.stringContaining('(abc)') },
  ],
  [
    'no version if the series are of another service, too',
    [BY_VERSION, { labels: ['v2'], series: [{ service: 'checkout' }, { service: 'payments' }] }],
    {
      proofs: [],
      missing: expect.stringMatching(/^health\.promql is too wide: .*service: payments.*service="checkout"/),
    },
  ],
  [
    'no version if the series are of another environment, too',
    [BY_VERSION, { labels: ['v2'], series: [{ env: 'prod' }, { env: 'staging' }] }],
    { proofs: [], missing: expect.stringMatching(/env: staging/) },
  ],
  [
    'a version beside one that was never recorded, with a warning',
    [BY_VERSION, { labels: ['v2', 'v9'], series: [{ job: 'checkout' }, { job: 'checkout-admin' }] }],
    {
      proofs: ['version'],
      can: { steps: expect.arrayContaining([expect.stringMatching(/names v9, never recorded/)]) },
    },
  ],
  ['a version, however it is written', [BY_VERSION, { labels: ['2'] }], { proofs: ['version'], missing: null }],
  [
    'a canary whose share is recorded',
    [BY_VERSION, { labels: ['v2'], weight: 0.1 }],
    { proofs: ['version', 'canary'], missing: null },
  ],
  ['no version without series', [BY_VERSION], { proofs: [], missing: expect.stringContaining('no series') }],
  [
    'no version yet, with what to add',
    [HEALTH, { proposal: PROPOSAL }],
    {
      proofs: [],
      missing: 'health.byVersion is not set; its series carry the version in the label app_version',
      propose: [
        `byVersion: 'label_replace(a, "version", "$1", "app_version", "(.+)") + on () b{x=''1''}'`,
        "trafficByVersion: 'c'",
      ],
    },
  ],
  [
    'no version from a label with other values',
    [HEALTH, { proposal: { ...PROPOSAL, label: 'pod_template_hash', values: ['6d4b'] } }],
    {
      proofs: [],
      missing: expect.stringContaining('the label pod_template_hash (6d4b) tells instances apart'),
      propose: [],
    },
  ],
  [
    'no version yet, with what to add, from a hash that the CD system records',
    [HEALTH, { proposal: { ...PROPOSAL, label: 'pod_template_hash' } }],
    {
      missing: expect.stringContaining('carry the version in the label pod_template_hash'),
      propose: [expect.any(String), expect.any(String)],
    },
  ],
  [
    'no version from another label with other values',
    [HEALTH, { proposal: { ...PROPOSAL, values: ['6d4b'] } }],
    { missing: expect.stringContaining('(6d4b) are not versions of recorded deployments') },
  ],
  ['no version without a label', [HEALTH, { proposal: null }], { missing: expect.stringContaining('no label') }],
])('automation could prove %s', async (_, given, expected) => {
  expect(await examined(...given)).toMatchObject({ service: 'checkout', level: 'proved', ...expected });
});

test('says that the matchers of pods select none', async () => {
  const PODS = { ...BY_VERSION, pods: 'namespace="shop"' };
  const STEP = 'health.pods selects no pods in kube-state-metrics (kube_pod_container_info): correct its matchers';
  const steps = async (health: object, kind: 'no_data' | 'value') => {
    const value = kind === 'value' ? { kind, value: 3 } : { kind };
    return (await examined(health, { labels: ['v2'], value }))?.can.steps;
  };
  expect(await steps(PODS, 'no_data')).toContain(STEP);
  expect(await steps(PODS, 'value')).not.toContain(STEP);
  expect(await steps(BY_VERSION, 'no_data')).not.toContain(STEP);
});

test('says what it would give to list pods and events', async () => {
  const PODS = { ...BY_VERSION, pods: 'namespace="shop"' };
  const steps = async (answer: InstancesResponse, health = BY_VERSION, more: Partial<Deployer> = {}) => {
    const asked: unknown[] = [];
    const instances: Deployer['instances'] = async (options) => {
      asked.push(options);
      return answer;
    };
    const can = (await examined(health, { labels: ['v2'], deployer: { instances, ...more } }))?.can;
    return { asked, steps: can?.steps.filter((step) => /list|its pods/.test(step)) };
  };
  const refused = { kind: 'refused', detail: 'Kubernetes answered 403: pods is forbidden' } as const;
  expect(await steps(refused)).toEqual({
    asked: [{ all: true }],
    steps: [
      "its pods are not known, so that a version that can't start can be cleared: Kubernetes answered 403: pods is forbidden",
    ],
  });
  const shown = { kind: 'instances', instances: [], unread: 'events is forbidden' } as const;
  expect((await steps(shown)).steps).toEqual([
    'let its credential list events, so that failed probes and volumes of pods are known: events is forbidden',
  ]);
  expect((await steps({ ...shown, unread: null })).steps).toEqual([]);
  expect((await steps({ kind: 'later', detail: 'timeout', afterSeconds: null })).steps).toEqual([]);
  expect(await steps(refused, PODS)).toEqual({ asked: [], steps: [] });
  expect(await steps(refused, BY_VERSION, { standIn: true })).toEqual({ asked: [], steps: [] });
});

test('says that what callers measure names no version', async () => {
  const promql = 'sum(rate(failed_total[2m])) / sum(rate(requests_total[2m]))';
  const by = (metric: string) => `sum by (destination_version) (rate(${metric}[2m]))`;
  const health = { promql, max: 0.01, callersByVersion: `${by('failed_total')} / ${by('requests_total')}` };
  const steps = async (labels: string[]) => (await examined(health, { labels }))?.can.steps;
  expect(await steps([])).toContain('health.callersByVersion returns no series with the label destination_version');
  expect(await steps(['latest'])).toContain(
    'health.callersByVersion: its values (latest) are not versions of recorded deployments',
  );
  expect(JSON.stringify(await steps(['v2']))).not.toContain('callersByVersion');
});
