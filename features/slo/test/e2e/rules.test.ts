import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { cli } from '../../../../test/entrances/cli/support.ts';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { eventually } from '../../../../test/support/firebreak.ts';
import { have, programPath, type Recorded, startPrometheus } from '../../../../test/support/prometheus-stack.ts';

/**
 * Objectives of 99.9 %: of requests by failed ones; of calls by successful ones; of time slices of five minutes, and of
 * one minute; of a latency.
 */
const OBJECTIVES = [
  slo('checkout-availability', ratio('bad', 'http_requests_total{code=~"5.."}', 'http_requests_total')),
  slo('rpc-availability', ratio('good', 'rpc_total{outcome="ok"}', 'rpc_total'), { service: 'rpc' }),
  slo('sliced', ratio('bad', 'job_total{result="bad"}', 'job_total'), {
    service: 'jobs',
    budgetingMethod: 'Timeslices',
    objectives: [{ target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: '5m' }],
  }),
  slo('minutes', ratio('good', 'batch_total{outcome="ok"}', 'batch_total'), {
    service: 'batch',
    budgetingMethod: 'Timeslices',
    objectives: [{ target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: '1m' }],
  }),
  slo(
    'latency',
    { thresholdMetric: { metricSource: { type: 'Prometheus', spec: { query: 'p99_seconds' } } } },
    { service: 'search', objectives: [{ target: 0.99, op: 'lte', value: 0.3 }] },
  ),
];

function slo(name: string, indicator: object, spec: Record<string, unknown> = {}): object {
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name, labels: { environment: 'production' } },
    spec: {
      service: 'checkout',
      indicator: { metadata: { name }, spec: indicator },
      timeWindow: [{ duration: '28d', isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ target: 0.999 }],
      ...spec,
    },
  };
}

function ratio(of: 'good' | 'bad', numerator: string, total: string): object {
  const source = (selector: string) => ({
    metricSource: { type: 'Prometheus', spec: { query: `sum(rate(${selector}[{{.window}}]))` } },
  });
  return { ratioMetric: { counter: true, [of]: source(numerator), total: source(total) } };
}

/** A course of events, minute by minute, and the alerts that it fires. */
type Case = {
  /** Series and their values; `0+5x60` increases by five per minute for an hour. */
  series: Record<string, string>;
  alerts?: { at: string; name: string; firing: Record<string, string>[] }[];
  values?: { at: string; expr: string; value: number | null }[];
  /** Interval between two values. Default: one minute. */
  interval?: string;
  /** Additional rule files in the same Prometheus. */
  beside?: readonly string[];
};

/** The rules that Sloth generates for the same service, in the same Prometheus. */
const SLOTH = join(import.meta.dirname, '../fixtures/sloth/checkout.rules.yml');

/** The query of docs/how-to/migrate-from-sloth.md that compares both, for the objective of this test. */
const COMPARISON = (
  /```promql\n([^]*?)```/.exec(
    readFileSync(join(import.meta.dirname, '../../../../docs/how-to/migrate-from-sloth.md'), 'utf8'),
  )?.[1] ?? ''
).replace('slo="checkout-requests-availability"', 'slo="checkout-availability"');

const HTTP = { slo: 'checkout-availability', service: 'checkout', environment: 'production' };
const ALL = { severity: 'page', runbook: 'slo-fast-burn' };
const page = (where: Record<string, string>, long: string, short?: string) => ({
  ...where,
  ...ALL,
  long_window: long,
  ...(short !== undefined && { short_window: short }),
});
const ticket = (where: Record<string, string>, long: string, short?: string) => ({
  ...page(where, long, short),
  severity: 'ticket',
  runbook: 'slo-slow-burn',
});

describe.runIf(have('promtool', 'amtool'))('the output of `slo generate`', () => {
  let dir: string;
  const out = (preset: string) => join(dir, preset);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'firebreak-rules-'));
    await mkdir(join(dir, 'config', 'slos'), { recursive: true });
    await writeFile(join(dir, 'config', 'slos', 'all.yaml'), OBJECTIVES.map((each) => stringify(each)).join('---\n'));
    for (const preset of ['multiwindow', 'simple']) expect(await generate(preset)).toMatchObject({ code: 0, err: '' });
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  const generate = (preset: string, ...more: string[]) =>
    cli(['slo', 'generate', '--config', join(dir, 'config'), '--out', out(preset), '--preset', preset, ...more]);

  const tool = (name: 'promtool' | 'amtool', ...args: string[]): string => {
    try {
      return execFileSync(programPath(name) ?? '', args, { stdio: 'pipe', encoding: 'utf8' });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${stdout}\n${stderr}`, { cause: error });
    }
  };

  test.each(['multiwindow', 'simple'])("%s is valid for the vendors' own tools", async (preset) => {
    const rules = await readdir(join(out(preset), 'prometheus'));
    expect(rules.length).toBeGreaterThan(1);
    tool('promtool', 'check', 'rules', ...rules.map((file) => join(out(preset), 'prometheus', file)));
    for (const file of await readdir(join(out(preset), 'alertmanager')))
      tool('amtool', 'check-config', join(out(preset), 'alertmanager', file));
  });

  test('is the same on each run, and manual changes are detected', async () => {
    expect(await generate('simple', '--check')).toMatchObject({ code: 0 });
    const file = join(out('simple'), 'prometheus', 'slo-alerts.yaml');
    await writeFile(file, 'groups: []\n');
    const { code, err } = await generate('simple', '--check');
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('slo-alerts.yaml:1: differs') });
    expect(await generate('simple')).toMatchObject({ code: 0 });
    expect(await generate('simple', '--check')).toMatchObject({ code: 0 });
  });

  async function play(
    preset: string,
    { series, alerts = [], values = [], interval = '1m', beside = [] }: Case,
  ): Promise<void> {
    const file = join(out(preset), `case-${Math.random().toString(36).slice(2)}.yaml`);
    const own = ['slo-recording.yaml', 'slo-alerts.yaml'].map((name) => join(out(preset), 'prometheus', name));
    const rules = [...beside, ...own];
    const text = stringify({
      rule_files: rules,
      evaluation_interval: '1m',
      // Without it, the order of groups within a minute is arbitrary, and results based on another group lag by a
      // minute.
      group_eval_order: await groupsIn(rules),
      tests: [
        {
          interval,
          input_series: Object.entries(series).map(([name, counts]) => ({ series: name, values: counts })),
          promql_expr_test: [
            ...values.map(({ at, expr, value }) => ({
              eval_time: at,
              expr,
              exp_samples: value === null ? [] : [{ labels: '{}', value }],
            })),
            ...alerts.map(({ at, name, firing }) => ({
              eval_time: at,
              expr: `ALERTS{alertname="${name}",alertstate="firing"}`,
              exp_samples: firing.map((labels) => ({ labels: alertOf(name, labels), value: 1 })),
            })),
          ],
        },
      ],
    });
    await writeFile(file, text);
    tool('promtool', 'test', 'rules', file);
  }

  async function groupsIn(files: readonly string[]): Promise<string[]> {
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    return texts.flatMap((text) => (parse(text) as { groups: { name: string }[] }).groups.map(({ name }) => name));
  }

  const alertOf = (alertname: string, labels: Record<string, string>): string =>
    `ALERTS{${Object.entries({ alertname, alertstate: 'firing', ...labels })
      .map(([name, value]) => `${name}="${value}"`)
      .join(', ')}}`;

  const CASES: [string, string, Case][] = [
    [
      '2 % of requests fail: a burn rate of 20; one hour reaches 1.44 % after 43 minutes, six hours 0.6 % after 108',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x360 360000+980x180',
          'http_requests_total{code="500"}': '0+0x360 0+20x180',
        },
        values: [
          { at: '6h', expr: 'sum(firebreak:slo_error:ratio_rate1h{slo="checkout-availability"})', value: 0 },
          {
            at: '7h30m',
            expr: 'round(sum(firebreak:slo_error:ratio_rate1h{slo="checkout-availability"}), 0.0001)',
            value: 0.02,
          },
          { at: '8h', expr: 'sum(firebreak:slo_error_budget:ratio{slo="checkout-availability"})', value: 0.001 },
        ],
        alerts: [
          { at: '6h40m', name: 'SLOFastBurn', firing: [] },
          { at: '6h50m', name: 'SLOFastBurn', firing: [page(HTTP, '1h', '5m')] },
          { at: '8h', name: 'SLOFastBurn', firing: [page(HTTP, '1h', '5m'), page(HTTP, '6h', '30m')] },
        ],
      },
    ],
    [
      "the same beside Sloth's rules, each by its own",
      'multiwindow',
      {
        beside: [SLOTH],
        series: {
          'http_requests_total{code="200"}': '0+1000x360 360000+900x60',
          'http_requests_total{code="500"}': '0+0x360 0+100x60',
          'search_requests_total{code="200"}': '0+1000x420',
          'search_requests_total{code="500"}': '0+0x420',
        },
        values: [
          {
            at: '6h30m',
            expr: 'count(ALERTS{alertname="CheckoutHighErrorRate",alertstate="firing",sloth_severity="page"})',
            value: 1,
          },
          { at: '6h30m', expr: 'count(ALERTS{alertname="SearchHighErrorRate",alertstate="firing"})', value: null },
          { at: '6h30m', expr: `abs(${COMPARISON}) < bool 0.01`, value: 1 },
        ],
        alerts: [
          { at: '6h', name: 'SLOFastBurn', firing: [] },
          { at: '6h30m', name: 'SLOFastBurn', firing: [page(HTTP, '1h', '5m'), page(HTTP, '6h', '30m')] },
        ],
      },
    ],
    [
      'it ends: the short window ends the page while the hour still contains the errors',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x360 360000+900x30 387000+1000x60',
          'http_requests_total{code="500"}': '0+0x360 0+100x30 3000+0x60',
        },
        alerts: [
          { at: '6h29m', name: 'SLOFastBurn', firing: [page(HTTP, '1h', '5m'), page(HTTP, '6h', '30m')] },
          { at: '6h42m', name: 'SLOFastBurn', firing: [page(HTTP, '6h', '30m')] },
        ],
      },
    ],
    [
      '1 % fails after four good hours: a burn rate of ten; the known part of a day reaches 0.3 % after 5 h 43 min',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x240 240000+990x130',
          'http_requests_total{code="500"}': '0+0x240 0+10x130',
        },
        alerts: [
          { at: '5h30m', name: 'SLOSlowBurn', firing: [ticket(HTTP, '3d', '6h')] },
          { at: '6h', name: 'SLOSlowBurn', firing: [ticket(HTTP, '1d', '2h'), ticket(HTTP, '3d', '6h')] },
          { at: '6h', name: 'SLOFastBurn', firing: [] },
        ],
      },
    ],
    [
      'one of thirty requests fails at night: a burn rate of 33, and no page',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1x180',
          'http_requests_total{code="500"}': '0x170 1x10',
        },
        alerts: [
          { at: '2h52m', name: 'SLOFastBurn', firing: [] },
          { at: '3h', name: 'SLOFastBurn', firing: [] },
        ],
      },
    ],
    [
      'no series of errors means no errors; no requests mean none either',
      'multiwindow',
      {
        series: { 'http_requests_total{code="200"}': '0+1000x30 30000x60' },
        values: [
          { at: '20m', expr: 'sum(firebreak:slo_errors:rate5m{slo="checkout-availability"})', value: 0 },
          { at: '80m', expr: 'sum(firebreak:slo_events:rate5m{slo="checkout-availability"})', value: 0 },
          { at: '80m', expr: 'sum(firebreak:slo_error:ratio_rate5m{slo="checkout-availability"} >= 0)', value: null },
        ],
        alerts: [{ at: '80m', name: 'SLOFastBurn', firing: [] }],
      },
    ],
    [
      'the series of successes disappears: all requests count as failed if there were successes before',
      'multiwindow',
      {
        series: {
          'rpc_total{outcome="ok"}': '0+100x60 stale',
          'rpc_total{outcome="failed"}': '0+0x60 0+100x60',
        },
        values: [
          { at: '50m', expr: 'sum(firebreak:slo_error:ratio_rate5m{slo="rpc-availability"})', value: 0 },
          { at: '80m', expr: 'sum(firebreak:slo_error:ratio_rate5m{slo="rpc-availability"})', value: 1 },
        ],
      },
    ],
    [
      'there never was a series of successes: no result',
      'multiwindow',
      {
        series: { 'rpc_total{outcome="failed"}': '0+100x60' },
        values: [
          { at: '30m', expr: 'round(sum(firebreak:slo_events:rate5m{slo="rpc-availability"}), 0.01)', value: 1.67 },
          { at: '30m', expr: 'sum(firebreak:slo_errors:rate5m{slo="rpc-availability"})', value: null },
        ],
      },
    ],
    [
      'a slice with 10 % failures is bad as a whole: half an hour of an hour',
      'multiwindow',
      {
        series: {
          'job_total{result="ok"}': '0+100x30 3000+90x40',
          'job_total{result="bad"}': '0+0x30 0+10x40',
        },
        values: [{ at: '1h5m', expr: 'sum(firebreak:slo_error:ratio_rate30m{slo="sliced"})', value: 1 }],
      },
    ],
    [
      'a minute with 10 % failures is a bad slice by itself; without any successes, all slices are bad',
      'multiwindow',
      {
        interval: '15s',
        series: {
          'batch_total{outcome="ok"}': '0+10x80 809+9x3 846+10x35 stale',
          'batch_total{outcome="failed"}': '0+0x80 1+1x3 4+0x35 14+10x60',
        },
        values: [
          { at: '20m', expr: 'sum(firebreak:slo_errors:rate5m{slo="minutes"})', value: 0 },
          { at: '23m', expr: 'sum(firebreak:slo_errors:rate5m{slo="minutes"}) > bool 0.15', value: 1 },
          { at: '23m', expr: 'sum(firebreak:slo_events:rate5m{slo="minutes"})', value: 1 },
          { at: '29m', expr: 'sum(firebreak:slo_errors:rate5m{slo="minutes"})', value: 0 },
          { at: '38m', expr: 'sum(firebreak:slo_errors:rate5m{slo="minutes"})', value: 1 },
        ],
      },
    ],
    [
      'a latency above its limit counts per minute; without traffic there is no latency, which is no failure',
      'multiwindow',
      {
        series: { p99_seconds: '0.2x20 0.4x5 NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN' },
        values: [
          { at: '19m', expr: 'sum(firebreak:slo_error:ratio_rate5m{slo="latency"})', value: 0 },
          { at: '26m', expr: 'sum(firebreak:slo_error:ratio_rate5m{slo="latency"})', value: 1 },
          { at: '36m', expr: 'sum(firebreak:slo_errors:rate5m{slo="latency"})', value: 0 },
        ],
      },
    ],
    [
      '10 % fail ten minutes after a deploy: a rollback is requested three minutes later',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x60 60000+900x20',
          'http_requests_total{code="500"}': '0+0x60 0+100x20',
          'firebreak_deployment_timestamp_seconds{service="checkout",environment="production",version="v2"}': '3000x90',
          'firebreak_deployment_timestamp_seconds{service="checkout",environment="production",version="v1"}': '0x90',
        },
        alerts: [
          { at: '1h4m', name: 'DeploymentDegradation', firing: [] },
          {
            at: '1h8m',
            name: 'DeploymentDegradation',
            firing: [
              {
                service: 'checkout',
                environment: 'production',
                severity: 'page',
                short_window: '5m',
                action: 'auto-rollback',
                runbook: 'high-error-rate-after-deploy',
              },
            ],
          },
        ],
      },
    ],
    [
      'the same is rolled back: the running version was deployed long ago, so the alert ends although the rate is still high',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x60 60000+900x10 69000+1000x10',
          'http_requests_total{code="500"}': '0+0x60 0+100x10 1000+0x10',
          'firebreak_deployment_timestamp_seconds{service="checkout",environment="production",version="v2"}':
            '3000x69 stale',
          'firebreak_deployment_timestamp_seconds{service="checkout",environment="production",version="v1"}':
            '_x69 0x20',
        },
        alerts: [{ at: '1h12m', name: 'DeploymentDegradation', firing: [] }],
        values: [
          { at: '1h9m', expr: 'count(ALERTS{alertname="DeploymentDegradation",alertstate="firing"})', value: 1 },
          {
            at: '1h12m',
            expr: 'round(sum(firebreak:slo_error:ratio_rate5m{slo="checkout-availability"}), 0.01) > bool 0.05',
            value: 1,
          },
        ],
      },
    ],
    [
      '10 % fail forty minutes after a deploy: no reason for a rollback',
      'multiwindow',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x60 60000+900x20',
          'http_requests_total{code="500"}': '0+0x60 0+100x20',
          'firebreak_deployment_timestamp_seconds{service="checkout",environment="production",version="v2"}': '1200x90',
        },
        alerts: [{ at: '1h10m', name: 'DeploymentDegradation', firing: [] }],
      },
    ],
    [
      'the simple alerts: a burn rate of 14 over an hour for two minutes',
      'simple',
      {
        series: {
          'http_requests_total{code="200"}': '0+1000x360 360000+980x180',
          'http_requests_total{code="500"}': '0+0x360 0+20x180',
        },
        alerts: [
          { at: '6h40m', name: 'SLOFastBurn', firing: [] },
          { at: '6h50m', name: 'SLOFastBurn', firing: [page(HTTP, '1h')] },
          { at: '8h', name: 'SLOSlowBurn', firing: [ticket(HTTP, '6h')] },
        ],
      },
    ],
  ];

  test.each(CASES)('%s (%s)', async (_, preset, happened) => play(preset, happened));

  test.runIf(have('prometheus'))(
    "a real Prometheus, also with Sloth's rules, that has three hours of requests when the rules are loaded, pages at once",
    async () => {
      const files = ['slo-recording.yaml', 'slo-alerts.yaml', 'slo-raw.yaml'].map((name) =>
        join(out('multiwindow'), 'prometheus', name),
      );
      const texts = await Promise.all([SLOTH, ...files].map((file) => readFile(file, 'utf8')));
      const groups = texts.flatMap((text) => (parse(text) as { groups: { interval?: string }[] }).groups);
      const prometheus = await startPrometheus({
        port: await freePort(),
        targets: [],
        alertmanagers: [],
        rules: stringify({ groups: groups.map((group) => ({ ...group, interval: '1s' })) }),
        history: threeHours(),
      });
      try {
        const ask = async (query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
          const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
          return ((await answer.json()) as any).data.result;
        };
        const firing = async (name: string) =>
          (await ask(`ALERTS{alertname="${name}",alertstate="firing"}`)).map(({ metric }) => metric);
        const pages: Record<string, string>[] = await eventually(async () => {
          const found = await firing('SLOFastBurn');
          return found.length === 2 ? found : undefined;
        }, 'both pairs page');
        expect(new Set(pages.map(({ long_window }) => long_window))).toEqual(new Set(['1h', '6h']));
        expect(pages).toEqual(pages.map(() => expect.objectContaining({ ...HTTP, severity: 'page' })));
        await eventually(async () => (await firing('CheckoutHighErrorRate')).length > 0, "Sloth's own alert fires");
        // 20 % of the requests in the last one of three hours failed; of the requests recorded since the start, all
        // would have.
        const [days] = await ask('firebreak:slo_error:ratio_rate3d{slo="checkout-availability"}');
        expect(Number(days?.value[1])).toBeGreaterThan(0.05);
        expect(Number(days?.value[1])).toBeLessThan(0.09);
        const rules = (await (await fetch(`${prometheus.url}/api/v1/rules`)).json()) as any;
        const all = rules.data.groups.flatMap(({ rules: own }: any) => own);
        expect(
          all.filter(({ health }: any) => health === 'err').map(({ name, lastError }: any) => [name, lastError]),
        ).toEqual([]);
      } finally {
        await prometheus.stop();
      }
    },
  );
});

/** Returns ten requests per second for three hours, of which 20 % failed in the last hour. */
function threeHours(): Recorded[] {
  const failed = (ago: number) => Math.max(0, 3600 - ago) * 2;
  const all = (ago: number) => (3 * 3600 - ago) * 10;
  const series = (name: string, code: string, at: (ago: number) => number): Recorded => ({
    name,
    labels: { code },
    minutes: 3 * 60,
    at,
  });
  return [
    series('http_requests_total', '200', (ago) => all(ago) - failed(ago)),
    series('http_requests_total', '500', failed),
    series('search_requests_total', '200', all),
    series('search_requests_total', '500', () => 0),
  ];
}
