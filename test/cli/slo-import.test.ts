import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { importedFrom } from '../../domain/slo/import/formats.ts';
import { cli } from './support.ts';

const FIXTURES = 'test/fixtures/slo-import';
const FORMATS = ['sloth.yml', 'sloth-object.yaml', 'pyrra.yaml', 'openslo-v1alpha.yaml'];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-cli-import-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const linesOf = (text: string): string[] => text.trim().split('\n');

/** Imports a fixture. Returns messages without its folder. */
async function imported(name: string, ...options: string[]) {
  const { code, out, err } = await cli(['slo', 'import', `${FIXTURES}/${name}`, ...options]);
  return { code, said: linesOf(err.replaceAll(`${FIXTURES}/`, '')), documents: documentsIn(out) };
}

const documentsIn = (text: string): unknown[] => [...parseAllDocuments(text)].map((document) => document.toJS());

const metric = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } });
const ROLLING = (duration: string) => [{ duration, isRolling: true }];
const ALERTS = 'is not imported: Firebreak generates burn alerts itself (run firebreak slo generate)';

test('Sloth: imports events and raw ratios; reports alerts, plugins, and SLOs without a budget', async () => {
  const { code, said, documents } = await imported('sloth.yml', '--window', '28d');
  expect(documents).toEqual([
    {
      apiVersion: 'openslo/v1',
      kind: 'SLO',
      metadata: { name: 'shop-availability', labels: { owner: 'team-shop', tier: '2', env: 'staging' } },
      spec: {
        description: 'Requests are answered.',
        service: 'shop',
        indicator: {
          spec: {
            ratioMetric: {
              bad: metric('sum(rate(http_requests_total{job="shop",code=~"(5..|429)"}[{{.window}}]))'),
              total: metric('sum(rate(http_requests_total{job="shop"}[{{.window}}]))'),
            },
          },
        },
        timeWindow: ROLLING('28d'),
        budgetingMethod: 'Occurrences',
        objectives: [{ targetPercent: 99.9 }],
      },
    },
    {
      apiVersion: 'openslo/v1',
      kind: 'SLO',
      metadata: { name: 'shop-satisfaction', labels: { owner: 'team-shop', tier: '1' } },
      spec: {
        service: 'shop',
        indicator: {
          spec: {
            ratioMetric: {
              raw: metric(expect.stringMatching(/^1 - \([^]*satisfaction_ratio\[{{\.window}}]/) as unknown as string),
              rawType: 'failure',
            },
          },
        },
        timeWindow: ROLLING('28d'),
        budgetingMethod: 'Occurrences',
        objectives: [{ targetPercent: 95 }],
      },
    },
  ]);
  expect([code, said]).toEqual([
    1,
    [
      'sloth.yml:3: warning: Sloth documents have no time window: 28d is used',
      'sloth.yml:7: warning: slo_plugins is not imported: Firebreak does not run plugins of Sloth',
      'sloth.yml:15: warning: slos.0.plugins is not imported: Firebreak does not run plugins of Sloth',
      `sloth.yml:20: warning: slos.0.alerting ${ALERTS}`,
      'sloth.yml:38: slos.2.sli.plugin: the file does not contain the queries that a plugin generates (write them as events; the output of sloth generate contains them)',
      expect.stringMatching(
        /^sloth\.yml:42: its conversion to OpenSLO v1 is invalid: .*a target of 100% leaves no budget/,
      ),
      '2 problems: the import is incomplete',
    ],
  ]);
});

test("Sloth's Kubernetes objects: warnings alone are not a failure", async () => {
  const { code, said, documents } = await imported('sloth-object.yaml', '--environment', 'staging');
  expect(documents).toEqual([
    expect.objectContaining({
      metadata: { name: 'search-latency', labels: { owner: 'team-search', environment: 'staging' } },
    }),
  ]);
  expect([code, said]).toEqual([
    0,
    [
      'sloth-object.yaml:4: warning: metadata is not imported: it is Kubernetes metadata',
      'sloth-object.yaml:8: warning: Sloth documents have no time window: 30d is used',
      `sloth-object.yaml:19: warning: spec.slos.0.alerting ${ALERTS}`,
    ],
  ]);
});

test('Pyrra: imports targets and windows written as text, ratios, latencies, and gauges', async () => {
  const { code, said, documents } = await imported('pyrra.yaml', '--service', 'probes');
  expect(documents).toMatchObject([
    {
      metadata: { name: 'gateway-errors', labels: { prometheus: 'k8s', service: 'gateway' } },
      spec: {
        service: 'gateway',
        indicator: {
          spec: {
            ratioMetric: {
              bad: metric('sum(rate(gateway_requests_total{job="gateway",code=~"5.."}[{{.window}}]))'),
              total: metric('sum(rate(gateway_requests_total{job="gateway"}[{{.window}}]))'),
            },
          },
        },
        timeWindow: ROLLING('4w'),
        objectives: [{ targetPercent: 99.9 }],
      },
    },
    {
      metadata: { name: 'gateway-latency' },
      spec: {
        service: 'gateway',
        indicator: {
          spec: {
            ratioMetric: {
              good: metric('sum(rate(gateway_seconds_bucket{job="gateway",le="1"}[{{.window}}]))'),
              total: metric('sum(rate(gateway_seconds_count{job="gateway"}[{{.window}}]))'),
            },
          },
        },
        timeWindow: ROLLING('10d'),
        objectives: [{ targetPercent: 90 }],
      },
    },
    {
      metadata: { name: 'probes' },
      spec: {
        service: 'probes',
        indicator: {
          spec: {
            ratioMetric: {
              raw: metric(
                'sum(sum_over_time(probe_success[{{.window}}])) / sum(count_over_time(probe_success[{{.window}}]))',
              ),
              rawType: 'success',
            },
          },
        },
      },
    },
  ]);
  expect([code, said]).toEqual([
    1,
    [
      'pyrra.yaml:6: warning: metadata.namespace is not imported: it is Kubernetes metadata',
      'pyrra.yaml:18: warning: spec.indicator.ratio.grouping is not imported: one objective for all groups together is written (write one for each group that matters)',
      `pyrra.yaml:19: warning: spec.alerting ${ALERTS}`,
      'pyrra.yaml:27: warning: spec.performanceOverAccuracy is not imported: it concerns rules generated by Pyrra',
      expect.stringMatching(/^pyrra\.yaml:51: spec\.indicator\.latencyNative: native histograms cannot be imported/),
      'pyrra.yaml:56: spec.target: "high" is not a number',
      'pyrra.yaml:57: spec.window: "90s" is not a duration in whole minutes (such as 4w)',
      'pyrra.yaml:60: spec.indicator.ratio.errors.metric: it must be a metric with its labels, and nothing else (such as http_requests_total{job="x"})',
      '4 problems: the import is incomplete',
    ],
  ]);
  const without = await imported('pyrra.yaml');
  expect(without.said).toContain(
    'pyrra.yaml:38: it has no label "service" with the name of the service (or pass --service NAME)',
  );
});

test('OpenSLO v1alpha: imports one SLO for each ratio, thresholds, and both kinds of time window', async () => {
  const { code, said, documents } = await imported('openslo-v1alpha.yaml');
  expect(documents).toMatchObject([
    {
      metadata: { name: 'checkout-1', displayName: 'Checkout: most' },
      spec: {
        indicator: {
          spec: { ratioMetric: { counter: true, good: metric('orders_placed_total'), total: metric('orders_total') } },
        },
        timeWindow: ROLLING('30d'),
        objectives: [{ target: 0.99 }],
      },
    },
    { metadata: { name: 'checkout-2', displayName: 'Checkout: 2' }, spec: { objectives: [{ target: 0.999 }] } },
    {
      metadata: { name: 'queue' },
      spec: {
        indicator: { spec: { thresholdMetric: metric('max(queue_age_seconds)') } },
        timeWindow: [
          {
            duration: '1M',
            isRolling: false,
            calendar: { startTime: '2026-01-01 00:00:00', timeZone: 'Europe/Berlin' },
          },
        ],
        objectives: [{ op: 'lt', value: 60, target: 0.95 }],
      },
    },
    {
      metadata: { name: 'minutes' },
      spec: {
        budgetingMethod: 'Timeslices',
        objectives: [{ target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: '1m' }],
      },
    },
  ]);
  expect([code, said]).toEqual([
    1,
    [
      'openslo-v1alpha.yaml:13: warning: spec.objectives.0.op is not imported: it requires a thresholdMetric',
      'openslo-v1alpha.yaml:17: warning: spec.objectives.0.ratioMetrics.total.metadata is not imported: Firebreak has no equivalent',
      'openslo-v1alpha.yaml:43: spec.timeWindows.0.unit: "Second" cannot be imported (one of Minute, Hour, Day, Week, Month, Quarter, Year)',
      'openslo-v1alpha.yaml:47: spec.objectives.0.ratioMetrics.good.queryType: only promql is supported, not "dql"',
      'openslo-v1alpha.yaml:50: warning: openslo/v1alpha Service is not imported: services belong in the catalogue (add it to config/services.yaml)',
      '2 problems: the import is incomplete',
    ],
  ]);
});

test('check accepts the imported files; existing files are kept', async () => {
  const [config, out, runbooks] = [join(dir, 'config'), join(dir, 'config/slos'), join(dir, 'runbooks')];
  await mkdir(config);
  await mkdir(runbooks);
  await writeFile(
    join(config, 'services.yaml'),
    'services: { shop: {}, search: {}, gateway: {}, probes: {}, checkout: {} }\n',
  );
  const args = ['slo', 'import', ...FORMATS.map((name) => `${FIXTURES}/${name}`), '--service', 'probes', '--out', out];
  const first = await cli(args);
  const names = await readdir(out);
  expect(names.toSorted()).toEqual(
    ['checkout-1', 'checkout-2', 'gateway-errors', 'gateway-latency', 'minutes', 'probes', 'queue', 'search-latency']
      .concat('shop-availability', 'shop-satisfaction')
      .map((name) => `${name}.yaml`),
  );
  expect(linesOf(first.out).toSorted()).toEqual(names.map((name) => join(out, name)).toSorted());
  expect(await readFile(join(out, 'queue.yaml'), 'utf8')).toMatch(/^# From .*openslo-v1alpha\.yaml, OpenSLO v1alpha\n/);
  const checked = await cli(['check', '--config', config, '--runbooks', runbooks]);
  expect([checked.code, checked.err]).toEqual([0, '']);
  expect(checked.out).toContain('10 objectives');

  await writeFile(join(out, 'queue.yaml'), '# by hand\n');
  const again = await cli(args);
  expect(again.code).toBe(1);
  expect(again.err).toContain('queue.yaml: not written, because a different file exists');
  expect(await readFile(join(out, 'queue.yaml'), 'utf8')).toBe('# by hand\n');
});

test('other kinds, duplicates, and missing files are reported', async () => {
  const same = `${FIXTURES}/sloth-object.yaml`;
  const twice = await cli(['slo', 'import', same, same]);
  expect([twice.code, documentsIn(twice.out).length]).toEqual([1, 1]);
  expect(twice.err).toContain(
    'sloth-object.yaml:11: its conversion to OpenSLO v1 is invalid: an objective "search-latency" is also defined at',
  );
  await writeFile(
    join(dir, 'a.yaml'),
    'apiVersion: openslo/v1\nkind: SLO\n---\nkind: Deployment\napiVersion: apps/v1\n---\na: [\n',
  );
  await writeFile(join(dir, 'b.yaml'), '# nothing\n');
  const others = await cli(['slo', 'import', ...['a.yaml', 'b.yaml', 'c.yaml'].map((name) => join(dir, name))]);
  expect([others.code, others.out]).toEqual([1, '']);
  expect(linesOf(others.err.replaceAll(`${dir}/`, ''))).toEqual([
    'a.yaml:1: it is already OpenSLO v1 (put it into config/slos unchanged)',
    expect.stringMatching(/^a\.yaml:4: apps\/v1 Deployment cannot be imported \(supported formats: Sloth/),
    expect.stringMatching(/^a\.yaml:8: /),
    'b.yaml:1: the file is empty',
    expect.stringMatching(/^c\.yaml:1: cannot be read: ENOENT/),
    '5 problems: the import is incomplete',
  ]);
  expect(await cli(['slo', 'import', same, '--window', 'long'])).toMatchObject({ code: 2 });
});

/** Returns every map in a value with its path. */
const mapsIn = (
  value: unknown,
  path: (string | number)[] = [],
): { map: Record<string, unknown>; path: (string | number)[] }[] =>
  typeof value !== 'object' || value === null
    ? []
    : [
        ...(Array.isArray(value) ? [] : [{ map: value as Record<string, unknown>, path }]),
        ...Object.entries(value).flatMap(([key, child]) => mapsIn(child, [...path, key])),
      ];

test.each(FORMATS)('no field of %s is dropped silently', (name) => {
  const defaults = { service: 'x', window: '30d' };
  let tried = 0;
  const dropped: string[] = [];
  for (const document of documentsIn(readFileSync(join(FIXTURES, name), 'utf8'))) {
    const objects = (document as { items?: unknown[] }).items ?? [document];
    for (const value of objects) {
      if ((value as { kind?: unknown }).kind === 'Service') continue;
      for (const { map, path } of mapsIn(value)) {
        map['unheard_of'] = 'kept?';
        const { converted: made, problems } = importedFrom({ value, at: () => ({ file: name, line: 1 }) }, defaults);
        delete map['unheard_of'];
        const places = [...path, 'unheard_of'].map((_, index, all) => all.slice(0, index + 1).join('.'));
        const printed = problems.some(({ message }) =>
          places.some((place) => message.startsWith(`${place} is not imported`) || message.startsWith(`${place}:`)),
        );
        const refused = made.length === 0 && problems.some(({ level }) => level === 'error');
        const kept = JSON.stringify(made.map(({ document: written }) => written.value)).includes('kept?');
        if (!printed && !refused && !kept) dropped.push(path.join('.'));
        tried += 1;
      }
    }
  }
  expect(dropped).toEqual([]);
  expect(tried).toBeGreaterThan(5);
});
