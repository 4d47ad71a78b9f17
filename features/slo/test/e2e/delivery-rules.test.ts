import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { generatedDashboards } from '../../decisions/generate/files.ts';
import { openSearchExport } from '../../decisions/generate/opensearch.ts';
import { cli } from '../../../../test/entrances/cli/support.ts';
import { have } from '../../../../test/support/prometheus-stack.ts';
import { runTool } from '../../../../test/deploy/monitoring-files.ts';

const SERVICES = {
  services: {
    checkout: {
      environments: {
        production: {
          deployer: { kind: 'kubernetes', namespace: 'shop' },
          sources: { argoApplication: 'checkout-prod', fluxObject: 'HelmRelease/shop/checkout' },
        },
      },
    },
  },
};

const PLACE = 'service="checkout",environment="production"';
const POD = 'namespace="shop",pod="checkout-5d4f8c7b9-x2k4q",uid="1"';
const CONTAINER = 'namespace="shop",pod="checkout-5d4f8c7b9-x2k4q",container="app"';
const OLD_POD = 'namespace="shop",pod="checkout-5d4f8c7b9-aaaaa",uid="2"';
const OTHER_POD = 'namespace="shop",pod="checkout-worker-5d4f8c7b9-zzzzz",uid="3"';

/** A series has a sample each minute. `fires` and `quiet`: minutes at which the alert must fire, and must not. */
type Case = { name: string; alert: string; series: Record<string, string>; fires?: number[]; quiet?: number[] };

const CASES: Case[] = [
  {
    name: 'a failed deploy, until a later one has succeeded',
    alert: 'DeploymentFailed',
    series: { [`firebreak_deployment_failed{${PLACE},version="v2"}`]: '_x5 1x10 stale' },
    quiet: [4, 18],
    fires: [7, 14],
  },
  {
    name: '12 % of the events fail after a deploy, which is old after 30 minutes',
    alert: 'HighErrorRateAfterDeploy',
    series: {
      [`firebreak:slo_error:ratio_rate5m{slo="a",${PLACE}}`]: '0x9 0.12x60',
      [`firebreak:slo_errors:rate5m{slo="a",${PLACE}}`]: '0x9 12x60',
      [`firebreak_deployment_timestamp_seconds{${PLACE},version="v2"}`]: '480x70',
    },
    quiet: [9, 10, 40],
    fires: [12, 36],
  },
  {
    name: '9 % of the events fail, which is for DeploymentDegradation',
    alert: 'HighErrorRateAfterDeploy',
    series: {
      [`firebreak:slo_error:ratio_rate5m{slo="a",${PLACE}}`]: '0.09x60',
      [`firebreak:slo_errors:rate5m{slo="a",${PLACE}}`]: '9x60',
      [`firebreak_deployment_timestamp_seconds{${PLACE},version="v2"}`]: '0x70',
    },
    quiet: [5, 20],
  },
  {
    name: 'incidents of more than an hour',
    alert: 'TimeToRestoreHigh',
    series: { [`firebreak_dora_time_to_restore_seconds{${PLACE}}`]: '3600x30 3601x200' },
    quiet: [60],
    fires: [100],
  },
  {
    name: 'an application that differs from Git for 15 minutes',
    alert: 'ConfigurationDrift',
    series: {
      'argocd_app_info{name="checkout-prod",namespace="argocd",sync_status="Synced"}': '1x9 stale',
      'argocd_app_info{name="checkout-prod",namespace="argocd",sync_status="OutOfSync"}': '_x9 1x40 stale',
      'argocd_app_info{name="another",namespace="argocd",sync_status="OutOfSync"}': '1x60',
    },
    quiet: [8, 20, 55],
    fires: [27, 45],
  },
  {
    name: 'a Flux object that is not applied',
    alert: 'ConfigurationDrift',
    series: {
      'gotk_resource_info{customresource_kind="HelmRelease",exported_namespace="shop",name="checkout",ready="False"}':
        '1x40',
      'gotk_resource_info{customresource_kind="HelmRelease",exported_namespace="stage",name="checkout",ready="False"}':
        '1x40',
    },
    quiet: [10],
    fires: [20],
  },
  {
    name: 'a new instance that is not ready, until it is an old one',
    alert: 'SlowStartUp',
    series: {
      [`kube_pod_start_time{${POD}}`]: '_x4 300x60',
      [`kube_pod_status_phase{${POD},phase="Running"}`]: '_x4 1x60',
      [`kube_pod_start_time{${OTHER_POD}}`]: '0x65',
      [`kube_pod_status_phase{${OTHER_POD},phase="Running"}`]: '1x65',
    },
    quiet: [6, 37],
    fires: [9, 30],
  },
  {
    name: 'instances that were ready in time, or are old',
    alert: 'SlowStartUp',
    series: {
      [`kube_pod_start_time{${POD}}`]: '_x4 300x60',
      [`kube_pod_status_ready_time{${POD}}`]: '_x5 355x60',
      [`kube_pod_status_phase{${POD},phase="Running"}`]: '_x4 1x60',
      [`kube_pod_start_time{${OLD_POD}}`]: '-90000x65',
      [`kube_pod_status_ready_time{${OLD_POD}}`]: '-80000x65',
      [`kube_pod_status_phase{${OLD_POD},phase="Running"}`]: '1x65',
    },
    quiet: [6, 9, 20],
  },
  {
    name: 'an instance that was ready too late',
    alert: 'SlowStartUp',
    series: {
      [`kube_pod_start_time{${POD}}`]: '_x4 300x60',
      [`kube_pod_status_ready_time{${POD}}`]: '_x6 375x60',
      [`kube_pod_status_phase{${POD},phase="Running"}`]: '_x4 1x60',
    },
    fires: [12, 30],
    quiet: [40],
  },
  {
    name: 'a container above 80 % of its CPU limit for 15 minutes, also if another one has no limit',
    alert: 'ContainerCPUHigh',
    series: {
      [`container_cpu_usage_seconds_total{${CONTAINER},cpu="total"}`]: '0+42x20 882+51x60',
      [`container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4f8c7b9-x2k4q",container="sidecar"}`]:
        '0+600x80',
      [`container_cpu_usage_seconds_total{${POD}}`]: '0+600x80',
      [`kube_pod_container_resource_limits{${CONTAINER},resource="cpu",unit="core"}`]: '1x80',
    },
    quiet: [20, 35],
    fires: [45, 70],
  },
  {
    name: 'a container above 85 % of its memory limit, not one of another workload',
    alert: 'ContainerMemoryHigh',
    series: {
      [`container_memory_working_set_bytes{${CONTAINER}}`]: '850x20 860x30 500x30',
      [`container_memory_working_set_bytes{${OTHER_POD},container="app"}`]: '999x80',
      [`kube_pod_container_resource_limits{${CONTAINER},resource="memory",unit="byte"}`]: '1000x80',
      [`kube_pod_container_resource_limits{${OTHER_POD},container="app",resource="memory",unit="byte"}`]: '1000x80',
    },
    quiet: [19, 30, 60],
    fires: [40],
  },
  {
    name: 'a deploy a month, and none at all in production',
    alert: 'LowDeploymentFrequency',
    series: {
      [`firebreak_dora_deployments_per_day{${PLACE}}`]: '0.035x3000',
      'firebreak_dora_deployments_per_day{service="busy",environment="production"}': '1.5x3000',
    },
    quiet: [600],
    fires: [1500],
  },
  {
    name: 'no deploy at all in 28 days',
    alert: 'LowDeploymentFrequency',
    series: {
      [`firebreak_deployment_timestamp_seconds{${PLACE},version="v1"}`]: '0x3000',
      'firebreak_deployment_timestamp_seconds{service="checkout",environment="staging",version="v1"}': '0x3000',
    },
    fires: [1500],
  },
];

describe.runIf(have('promtool'))('the alerts about delivery', () => {
  let dir: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'firebreak-delivery-rules-'));
    mkdirSync(join(dir, 'config'));
    writeFileSync(join(dir, 'config/services.yaml'), stringify(SERVICES));
    const options = ['--out', join(dir, 'out'), '--config', join(dir, 'config'), '--low-velocity'];
    expect(await cli(['slo', 'generate', ...options])).toMatchObject({ code: 0 });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test('come with saved objects of OpenSearch Dashboards, a line each', () => {
    const lines = readFileSync(join(dir, 'out/opensearch/firebreak.ndjson'), 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(openSearchExport(generatedDashboards().values()));
  });

  test('fire in their cases for their service, and not before or afterwards', () => {
    const rules = join(dir, 'out/prometheus/delivery-alerts.yaml');
    expect(runTool('promtool', 'check', 'rules', rules)).toMatchObject({ status: 0 });
    const file = join(dir, 'rules.test.yaml');
    const count = (alert: string, minute: number, value: number) => ({
      expr: `count(ALERTS{alertname="${alert}",alertstate="firing",${PLACE}}) or vector(0)`,
      eval_time: `${minute}m`,
      exp_samples: [{ labels: '{}', value }],
    });
    const tests = CASES.map(({ name, alert, series, fires = [], quiet = [] }) => ({
      name,
      interval: '1m',
      input_series: Object.entries(series).map(([labels, values]) => ({ series: labels, values })),
      promql_expr_test: [
        ...fires.map((minute) => count(alert, minute, 1)),
        ...quiet.map((minute) => count(alert, minute, 0)),
      ],
    }));
    writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
    expect(runTool('promtool', 'test', 'rules', file)).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') });
  });
});
