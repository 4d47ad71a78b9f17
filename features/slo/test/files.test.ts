import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problemText } from '../../../core/domain/lint/problem.ts';
import { loadConfig } from '../../../local/config/config-files.ts';
import { lintSlos, loadSlos, sloFiles } from '../files.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'firebreak-slos-'))));
afterEach(() => rm(dir, { recursive: true }));

async function file(name: string, ...lines: string[]): Promise<void> {
  await mkdir(dirname(join(dir, name)), { recursive: true });
  await writeFile(join(dir, name), `${lines.join('\n')}\n`);
}

async function slos(): Promise<Slo[]> {
  const { value, problems } = await loadSlos(dir);
  if (value === undefined) throw new Error(problems.join('\n'));
  return value;
}

const problems = async () => (await loadSlos(dir)).problems.map((problem) => problem.replaceAll(`${dir}/`, ''));

const remarks = async () => (await lintSlos(dir)).found.map((each) => problemText(each).replaceAll(`${dir}/`, ''));

/** A typical document; callers add what differs. */
const slo = (name: string, more: { spec?: string[]; metadata?: string[]; indicator?: string[] } = {}): string[] => [
  'apiVersion: openslo/v1',
  'kind: SLO',
  'metadata:',
  `  name: ${name}`,
  ...(more.metadata ?? []).map((line) => `  ${line}`),
  'spec:',
  '  service: checkout',
  ...(more.indicator ?? RATIO).map((line) => `  ${line}`),
  ...(more.spec ?? ['objectives: [{ target: 0.999 }]']).map((line) => `  ${line}`),
];

const RATIO = [
  'indicator:',
  '  metadata: { name: availability }',
  '  spec:',
  '    ratioMetric:',
  '      bad: { metricSource: { type: Prometheus, spec: { query: "sum(rate(errors_total[{{ .window }}]))" } } }',
  '      total: { metricSource: { type: Prometheus, spec: { query: "sum(rate(requests_total[{{.window}}]))" } } }',
];

const ratio = (...lines: string[]): string[] => ['indicator:', '  spec:', ...lines.map((line) => `    ${line}`)];

const source = (query: string): string => `{ metricSource: { spec: { query: '${query}' } } }`;

describe('files', () => {
  test('without a folder or files, there are no objectives', async () => {
    expect(await loadSlos(join(dir, 'none'))).toEqual({ value: [], problems: [] });
    await file('README.md', 'not one');
    await file('schema.json', '{}');
    await file('empty.yaml', '# nothing yet', '---', '');
    expect(await loadSlos(dir)).toEqual({ value: [], problems: [] });
  });

  test('are found below the folder, in order, except hidden files and drafts', async () => {
    await file('b.yml', ...slo('b'));
    await file('team/a.yaml', ...slo('a'));
    await file('_draft.yaml', 'kind: [');
    await file('.hidden/c.yaml', 'kind: [');
    await file('_old/team/d.yaml', 'kind: [');
    expect(await sloFiles(dir)).toEqual(['b.yml', 'team/a.yaml']);
    expect((await slos()).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  test('can be links, and a broken link is reported', async () => {
    await file('_kept/a.yaml', ...slo('a'));
    await symlink(join(dir, '_kept/a.yaml'), join(dir, 'a.yaml'));
    expect(await slos()).toHaveLength(1);
    await symlink(join(dir, 'nowhere'), join(dir, 'b.yaml'));
    expect(await problems()).toEqual([expect.stringMatching(/^b\.yaml:1: cannot be read: ENOENT/)]);
  });
});

describe('a document', () => {
  test('with the minimum of keys', async () => {
    await file('a.yaml', ...slo('checkout-availability'));
    expect(await slos()).toEqual([
      {
        id: 'checkout-availability',
        displayName: 'checkout-availability',
        description: '',
        service: 'checkout',
        environment: 'production',
        target: 0.999,
        window: { kind: 'rolling', seconds: 28 * 24 * 3600 },
        budgeting: { kind: 'occurrences' },
        indicator: {
          kind: 'ratio',
          counter: false,
          of: 'bad',
          numerator: 'sum(rate(errors_total[{{.window}}]))',
          total: 'sum(rate(requests_total[{{.window}}]))',
        },
      },
    ]);
  });

  test('with all keys and several objectives, as a list in the form that exporters write', async () => {
    await file(
      'a.yaml',
      '- apiVersion: openslo/v1',
      '  kind: SLO',
      '  metadata:',
      '    name: storefront-pages',
      '    displayName: Pages of the shop',
      '    annotations: { acme.com/dashboard: d-17 }',
      '    labels:',
      '      env: [staging]',
      '      team: [web, edge]',
      '  spec:',
      '    description: Pages that came without an error',
      '    service: storefront',
      '    indicator:',
      '      metadata:',
      '        name: storefront-good-pages',
      '      spec:',
      '        description: Answers below 500',
      '        ratioMetric:',
      '          counter: true',
      '          good:',
      '            metricSource:',
      '              metricSourceRef: shop-prometheus',
      '              type: Prometheus',
      '              spec:',
      '                query: http_pages{job="shop",code!~"5.."}',
      '          total:',
      '            metricSource:',
      '              metricSourceRef: shop-prometheus',
      '              spec:',
      '                promql: |',
      '                  http_pages{job="shop"} # all of them',
      '    timeWindow:',
      '      - duration: 1w',
      '        isRolling: false',
      '        calendar:',
      '          startTime: 2026-01-05 06:00:00',
      '          timeZone: Europe/Berlin',
      '    budgetingMethod: Timeslices',
      '    objectives:',
      '      - displayName: Good',
      '        targetPercent: 99.5',
      '        timeSliceTarget: 0.95',
      '        timeSliceWindow: 10m',
      '      - target: 0.9',
      '        timeSliceTarget: 1',
      '        timeSliceWindow: 5',
      '    alertPolicies:',
      '      - alertPolicyRef: page-somebody',
      '- apiVersion: openslo/v1',
      '  kind: Service',
      '  metadata: { name: "the shop" }',
      '  spec: { description: What people buy in, owner: web }',
    );
    const both = {
      description: 'Pages that came without an error',
      service: 'storefront',
      environment: 'staging',
      window: { kind: 'calendar', unit: 'week', count: 1, timeZone: 'Europe/Berlin', start: '2026-01-05T06:00:00' },
      indicator: {
        kind: 'ratio',
        counter: true,
        of: 'good',
        numerator: 'http_pages{job="shop",code!~"5.."}',
        total: 'http_pages{job="shop"}',
      },
    };
    expect(await slos()).toEqual([
      {
        ...both,
        id: 'storefront-pages-1',
        displayName: 'Pages of the shop: Good',
        target: 0.995,
        budgeting: { kind: 'timeslices', sliceSeconds: 600, sliceTarget: 0.95 },
      },
      {
        ...both,
        id: 'storefront-pages-2',
        displayName: 'Pages of the shop: 2',
        target: 0.9,
        budgeting: { kind: 'timeslices', sliceSeconds: 300, sliceTarget: 1 },
      },
    ]);
  });

  test('with empty keys equals one without them', async () => {
    const spec = [
      'description:',
      'alertPolicies:',
      'timeWindow:',
      'objectives:',
      '  - target: 0.99',
      '    displayName:',
    ];
    await file('a.yaml', ...slo('a', { spec, metadata: ['labels:', 'annotations:', 'displayName:'] }));
    expect(await slos()).toMatchObject([{ description: '', environment: 'production', window: { kind: 'rolling' } }]);
  });

  test.each([
    ['as a text', 'environment: staging', 'staging'],
    ['as a list with one item', 'environment: [staging]', 'staging'],
    ['instead of env', 'env: dev\n    environment: staging', 'staging'],
    ['none of it', 'team: [a, b]', 'production'],
  ])('its environment: %s', async (_, labels, environment) => {
    await file('a.yaml', ...slo('a', { metadata: ['labels:', `  ${labels}`] }));
    expect(await slos()).toMatchObject([{ environment }]);
  });

  test('with a measured ratio', async () => {
    const indicator = ratio('ratioMetric:', '  rawType: failure', `  raw: ${source('job:errors:ratio{{ .window }}')}`);
    await file('a.yaml', ...slo('a', { indicator }));
    expect(await slos()).toMatchObject([
      { indicator: { kind: 'share', of: 'bad', query: 'job:errors:ratio{{.window}}' } },
    ]);
    await file('a.yaml', ...slo('a', { indicator }).map((line) => line.replace('failure', 'success')));
    expect(await slos()).toMatchObject([{ indicator: { kind: 'share', of: 'good' } }]);
  });

  test('with a threshold metric, and a value for each objective', async () => {
    const indicator = ratio(`thresholdMetric: ${source('max(consumer_lag{topic="orders"})')}`);
    const spec = [
      'objectives:',
      '  - { target: 0.9, op: lte, value: 100 }',
      '  - { target: 0.99, op: lt, value: 1e4 }',
    ];
    await file('a.yaml', ...slo('a', { indicator, spec }));
    const query = 'max(consumer_lag{topic="orders"})';
    expect((await slos()).map((each) => each.indicator)).toEqual([
      { kind: 'threshold', query, op: 'lte', value: 100 },
      { kind: 'threshold', query, op: 'lt', value: 10_000 },
    ]);
  });

  test.each([
    ['a counter', 'x_total', true],
    ['counters added up', 'sum by (code) (x_total{a="rate(b)"})', true],
    ['what was newest of a counter', 'last_over_time(x_total[5m])', true],
    ['a rate over a fixed time', 'sum(rate(x_total[5m]))', false],
    ['a rate over the window', 'sum(rate(x_total[{{.window}}]))', false],
  ])('"counter: true" of %s', async (_, query, counter) => {
    const indicator = ratio('ratioMetric:', '  counter: true', `  good: ${source(query)}`, `  total: ${source(query)}`);
    await file('a.yaml', ...slo('a', { indicator }));
    expect(await slos()).toMatchObject([{ indicator: { counter } }]);
  });

  test('can use an SLI and a data source of other files', async () => {
    await file('a.yaml', ...slo('a', { indicator: ['indicatorRef: pages'] }));
    const metrics = `ratioMetric: { good: { metricSource: { metricSourceRef: m, spec: { query: a } } }, total: ${source('b')} }`;
    await file(
      'shared/slis.yaml',
      'apiVersion: openslo/v1',
      'kind: SLI',
      'metadata: { name: pages }',
      `spec: { ${metrics} }`,
    );
    await file(
      'z.yaml',
      'apiVersion: openslo/v1',
      'kind: DataSource',
      'metadata: { name: m }',
      'spec: { type: Mimir }',
    );
    expect(await slos()).toMatchObject([{ indicator: { of: 'good', numerator: 'a', total: 'b' } }]);
    await file(
      'z.yaml',
      'apiVersion: openslo/v1',
      'kind: DataSource',
      'metadata: { name: m }',
      'spec: { type: Datadog }',
    );
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^shared\/slis\.yaml:4: only Prometheus and compatible systems \(PromQL\) are supported, not "Datadog"/,
      ),
    ]);
  });

  test('an unused SLI is only checked for its form', async () => {
    const metrics = 'thresholdMetric: { metricSource: { type: Redshift, spec: { sql: SELECT 1 } } }';
    await file('a.yaml', 'apiVersion: openslo/v1', 'kind: SLI', 'metadata: { name: old }', `spec: { ${metrics} }`);
    expect(await slos()).toEqual([]);
    expect(await remarks()).toEqual(['a.yaml:3: warning: no SLO refers to the SLI "old"']);
  });

  test('alerting is accepted, and ignored', async () => {
    await file(
      'a.yaml',
      'apiVersion: openslo/v1',
      'kind: AlertPolicy',
      'metadata: { name: page-somebody }',
      'spec: { alertWhenBreaching: true, conditions: [{ conditionRef: fast }], notificationTargets: [{ targetRef: oncall }] }',
      '---',
      'apiVersion: openslo/v1',
      'kind: AlertCondition',
      'metadata: { name: fast }',
      'spec: { severity: page, condition: { kind: burnrate, op: gte, threshold: 14, lookbackWindow: 1h } }',
      '---',
      'apiVersion: openslo/v1',
      'kind: AlertNotificationTarget',
      'metadata: { name: oncall }',
      'spec: { target: pagerduty }',
    );
    expect(await slos()).toEqual([]);
  });
});

describe('errors have file, line, and a suggestion', () => {
  const cases: [string, string[], (string | RegExp)[]][] = [
    ['invalid YAML', ['kind: [', '---', ...slo('b')], [/^a\.yaml:2: /]],
    ['a duplicate key', [...slo('a'), 'kind: SLO'], [/^a\.yaml:\d+: .*unique/]],
    ['a text', ['hello'], ['a.yaml:1: must be an object (key: value)']],
    ['no version', ['kind: SLO'], ['a.yaml:1: apiVersion: is required: openslo/v1']],
    [
      'a document of another tool',
      ['version: prometheus/v1', 'service: checkout', 'slos: []'],
      ['a.yaml:1: it is not in OpenSLO v1 format (convert it with firebreak slo import)'],
    ],
    [
      'an unknown kind',
      ['apiVersion: openslo/v1', 'kind: slo'],
      [/^a\.yaml:2: kind: must be one of SLO, SLI, .* \(did you mean "SLO"\?\)$/],
    ],
    ['no metadata', ['apiVersion: openslo/v1', 'kind: Service'], ['a.yaml:1: metadata: is required']],
    ['an invalid name', slo('"a b"'), [/^a\.yaml:4: metadata\.name: must consist of letters, digits/]],
    [
      'misspelled keys',
      [...slo('a', { spec: ['timeWindows: []', 'objectives: [{ target: 0.9, targt: 1 }]'] })],
      [
        'a.yaml:13: spec: unknown key "timeWindows" (did you mean "timeWindow"?)',
        'a.yaml:14: spec.objectives.0: unknown key "targt" (did you mean "target"?)',
      ],
    ],
    ['no service', slo('a').filter((line) => !line.includes('service:')), ['a.yaml:5: spec.service: is required']],
    ['invalid labels', slo('a', { metadata: ['labels: { tier: 1 }'] }), [/^a\.yaml:5: metadata\.labels\.tier: /]],
    [
      'two environments',
      slo('a', { metadata: ['labels:', '  team: x', '  environment: [a, b]'] }),
      ['a.yaml:7: an SLO belongs to one environment (write one SLO for each environment)'],
    ],
    [
      'an environment without a name',
      slo('a', { metadata: ['labels: { env: [] }'] }),
      [/^a\.yaml:5: env: \[\] is not a name/],
    ],
    [
      'an unsupported method',
      slo('a', { spec: ['budgetingMethod: RatioTimeslices', 'objectives: [{ target: 0.9, timeSliceWindow: 5m }]'] }),
      [/^a\.yaml:13: spec\.budgetingMethod: RatioTimeslices is not supported/],
    ],
    [
      'time slices without a target',
      slo('a', { spec: ['budgetingMethod: Timeslices', 'objectives:', '  - target: 0.9', '    timeSliceWindow: 5m'] }),
      ['a.yaml:15: spec.objectives.0: "timeSliceTarget" is required with Timeslices'],
    ],
    [
      'a slice of two minutes',
      slo('a', {
        spec: [
          'budgetingMethod: Timeslices',
          'objectives:',
          '  - { target: 0.9, timeSliceTarget: 1, timeSliceWindow: 2m }',
        ],
      }),
      [/^a\.yaml:15: spec\.objectives\.0\.timeSliceWindow: must be 1m, or a multiple of five minutes/],
    ],
    [
      'a slice as long as the window',
      slo('a', {
        spec: [
          'budgetingMethod: Timeslices',
          'timeWindow: [{ duration: 1h }]',
          'objectives:',
          '  - { target: 0.9, timeSliceTarget: 1, timeSliceWindow: 1h }',
        ],
      }),
      ['a.yaml:16: a slice must be shorter than the time window'],
    ],
    [
      'two windows',
      slo('a', { spec: ['timeWindow: [{ duration: 28d }, { duration: 7d }]', 'objectives: [{ target: 0.9 }]'] }),
      [/^a\.yaml:13: spec\.timeWindow: must have exactly one time window/],
    ],
    [
      'a composite objective',
      slo('a', { indicator: [], spec: ['objectives:', '  - target: 0.9', '    indicatorRef: x'] }),
      [
        /^a\.yaml:5: spec: set either "indicator" or "indicatorRef"/,
        /^a\.yaml:9: spec\.objectives\.0\.indicatorRef: composite objectives are not supported/,
      ],
    ],
    [
      'no objective',
      slo('a', { spec: ['objectives: []'] }),
      [/^a\.yaml:13: spec\.objectives: must have at least one objective/],
    ],
    [
      'an unknown indicator',
      [
        ...slo('a', { indicator: ['indicatorRef: pags'] }),
        '---',
        'apiVersion: openslo/v1',
        'kind: SLI',
        'metadata: { name: pages }',
        `spec: { thresholdMetric: ${source('x')} }`,
      ],
      ['a.yaml:7: there is no SLI "pags" (did you mean "pages"?)'],
    ],
    [
      'no total',
      slo('a', { indicator: ratio('ratioMetric:', `  good: ${source('x')}`) }),
      [/^a\.yaml:9: spec\.indicator\.spec\.ratioMetric: "total" is missing/],
    ],
    [
      'good and bad',
      slo('a', {
        indicator: ratio('ratioMetric:', `  good: ${source('x')}`, `  bad: ${source('x')}`, `  total: ${source('x')}`),
      }),
      [/^a\.yaml:9: .*set either "good" or "bad", not both/],
    ],
    [
      'a ratio without a type',
      slo('a', { indicator: ratio('ratioMetric:', `  raw: ${source('x')}`) }),
      [/^a\.yaml:9: .*"rawType" \(success or failure\) is required with "raw"/],
    ],
    [
      'a threshold without a value',
      slo('a', {
        indicator: ratio(`thresholdMetric: ${source('x')}`),
        spec: ['objectives:', '  - { target: 0.9, op: lt }', '  - { target: 0.9, value: 1 }'],
      }),
      [
        /^a\.yaml:11: a thresholdMetric requires "value"/,
        /^a\.yaml:12: a thresholdMetric requires "op" \(lt, lte, gt or gte\)/,
      ],
    ],
    [
      'invalid queries',
      slo('a', {
        indicator: ratio(
          'ratioMetric:',
          `  good: ${source('rate(x[$__rate_interval])')}`,
          '  total:',
          '    metricSource:',
          '      type: Prometheus',
          '      spec:',
          '        query: |',
          '          sum(rate(x[5m])',
        ),
      }),
      [
        'a.yaml:10: query: the placeholder $__rate_interval is not supported (use {{.window}} for the window)',
        'a.yaml:15: query: ( is not closed',
      ],
    ],
    [
      'no query',
      slo('a', { indicator: ratio('thresholdMetric:', '  metricSource:', '    spec: { expr: up }') }),
      ['a.yaml:11: "query" is missing in thresholdMetric.metricSource.spec (set it to the PromQL query)'],
    ],
    [
      'a query that is not text',
      slo('a', { indicator: ratio('thresholdMetric: { metricSource: { spec: { promql: 1 } } }') }),
      ['a.yaml:9: promql: must be text'],
    ],
    [
      'two queries',
      slo('a', { indicator: ratio('thresholdMetric: { metricSource: { spec: { promql: a, query: b } } }') }),
      ['a.yaml:9: set one of "query" and "promql", not both'],
    ],
    [
      'queries for other systems',
      slo('a', {
        indicator: ratio('thresholdMetric:', '  metricSource:', '    type: Datadog', '    spec: { query: "avg:x{*}" }'),
      }),
      [
        /^a\.yaml:11: only Prometheus and compatible systems \(PromQL\) are supported, not "Datadog" \(move SLOs of other systems/,
      ],
    ],
    [
      'a rate with counter: true',
      slo('a', {
        indicator: ratio(
          'ratioMetric:',
          '  counter: true',
          `  good: ${source('sum(rate(x_total[5m]))')}`,
          `  total: ${source('x_total')}`,
        ),
      }),
      [
        /^a\.yaml:12: one of the queries is a rate and the other a counter.* \(write both as a rate over \[\{\{\.window\}\}\]\)$/,
      ],
    ],
    [
      'a rate beside a metric with the name of a counter',
      slo('a', {
        indicator: ratio(
          'ratioMetric:',
          `  good: ${source('http_requests_total{code="200"}')}`,
          `  total: ${source('sum(rate(http_requests_total[{{.window}}]))')}`,
        ),
      }),
      [/^a\.yaml:10: one of the queries is a rate and the other a counter/],
    ],
    [
      'targets that are not numbers',
      slo('a', {
        spec: [
          'objectives:',
          '  - target: .nan',
          '  - target: -.inf',
          '  - target: "0.999"',
          '  - targetPercent: 99.9%',
          '  - target: most',
        ],
      }),
      [
        'a.yaml:14: spec.objectives.0.target: must be a number',
        'a.yaml:15: spec.objectives.1.target: must be a finite number',
        'a.yaml:16: spec.objectives.2.target: must be a number (remove the quotes)',
        'a.yaml:17: spec.objectives.3.targetPercent: must be a number (write 0.999 for a share, 99.9 for a percentage)',
        'a.yaml:18: spec.objectives.4.target: must be a number',
      ],
    ],
  ];

  test.each(cases)('%s', async (_, lines, expected) => {
    await file('a.yaml', ...lines);
    expect((await problems()).toSorted()).toEqual(
      expected.map((each) => (typeof each === 'string' ? each : expect.stringMatching(each))),
    );
  });

  test('lines of later documents, and of lists', async () => {
    await file(
      'a.yaml',
      '# ours',
      ...slo('a'),
      '---',
      '# theirs',
      ...slo('b').map((line) => line.replace('service', 'servce')),
    );
    const list = slo('c', { spec: ['objectives: [{ target: 2 }]'] });
    await file('b.yaml', ...list.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`)));
    expect(await problems()).toEqual([
      'a.yaml:21: spec.service: is required',
      'a.yaml:22: spec: unknown key "servce" (did you mean "service"?)',
      expect.stringMatching(/^b\.yaml:13: spec\.objectives\.0\.target: 2 is above 1/),
    ]);
  });

  test('two objectives with one name, also if one document has several', async () => {
    await file(
      'a.yaml',
      ...slo('pages', { spec: ['objectives: [{ target: 0.9 }, { target: 0.99 }]'] }),
      '---',
      ...slo('x'),
    );
    await file('b/c.yaml', ...slo('pages-2'));
    await file('b/d.yaml', '', '', ...slo('x'));
    expect(await problems()).toEqual([
      'b/c.yaml:4: an objective "pages-2" is also defined at a.yaml:4 (choose another name)',
      'b/d.yaml:6: an objective "x" is also defined at a.yaml:18 (choose another name)',
    ]);
  });

  test('two indicators with one name', async () => {
    const sli = [
      'apiVersion: openslo/v1',
      'kind: SLI',
      'metadata: { name: x }',
      `spec: { thresholdMetric: ${source('x')} }`,
    ];
    await file('a.yaml', ...sli, '---', ...sli);
    expect(await problems()).toEqual(['a.yaml:8: an SLI "x" is also defined at a.yaml:3 (choose another name)']);
  });

  test('aliases that expand without limit', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 9; n += 1) {
      const [last, next] = [String.fromCodePoint(96 + n), String.fromCodePoint(97 + n)];
      lines.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${last}`).join(', ')}]`);
    }
    await file('a.yaml', ...slo('a'), '---', ...lines);
    expect(await problems()).toEqual([expect.stringMatching(/^a\.yaml:15: .*alias/i)]);
  });

  test('a file that is too large', async () => {
    await file('a.yaml', `# ${'x'.repeat(5_000_000)}`);
    expect(await problems()).toEqual([
      expect.stringMatching(/^a\.yaml:1: the file has \d+ bytes; the limit is 4194304/),
    ]);
  });
});

test('an alias can repeat a value', async () => {
  const indicator = ratio('ratioMetric:', `  total: &all ${source('b')}`, '  good: *all');
  await file('a.yaml', ...slo('a', { indicator }));
  expect(await slos()).toMatchObject([{ indicator: { numerator: 'b', total: 'b' } }]);
});

test('warnings about keys without an effect', async () => {
  await file(
    'a.yaml',
    ...slo('a', { spec: ['objectives:', '  - target: 0.9', '    op: gt', '    timeSliceWindow: 5m'] }),
  );
  expect(await problems()).toEqual([]);
  expect(await remarks()).toEqual([
    'a.yaml:15: warning: "op" has no effect without a thresholdMetric (remove it)',
    'a.yaml:16: warning: "timeSliceWindow" has no effect without budgetingMethod Timeslices (remove it)',
  ]);
});

describe('the configuration', () => {
  test('contains the objectives, and changes its version with them', async () => {
    await file('slos/a.yaml', ...slo('a'));
    const [first, again] = [await loadConfig(dir), await loadConfig(dir)];
    await file('slos/a.yaml', ...slo('a', { spec: ['objectives: [{ target: 0.99 }]'] }));
    const other = await loadConfig(dir);
    if (!first.ok || !again.ok || !other.ok) throw new Error('all of them are right');
    expect(first.config.slos).toMatchObject([{ id: 'a', target: 0.999 }]);
    expect(again.config.version).toBe(first.config.version);
    expect(other.config.version).not.toBe(first.config.version);
  });

  test('does not come into force with an invalid one, and all errors are reported', async () => {
    await file('services.yaml', 'servces: {}');
    await file('slos/a.yaml', 'kind: SLO', 'apiVersion: openslo/v2');
    const loaded = await loadConfig(dir);
    expect(loaded.ok ? [] : loaded.problems).toEqual([
      expect.stringMatching(/services\.yaml:1: unknown key "servces"/),
      expect.stringMatching(/slos\/a\.yaml:2: apiVersion: must be openslo\/v1$/),
    ]);
  });
});

test('the documented examples are valid, without warnings', async () => {
  const docs = await readFile(join(import.meta.dirname, '../../../docs/reference/slos.md'), 'utf8');
  const blocks = [...docs.matchAll(/```yaml\n([^]*?)```/g)].filter(([, text]) => text?.includes('openslo/v1'));
  for (const [index, [, text = '']] of blocks.entries()) await file(`${index}.yaml`, text);
  expect((await slos()).map(({ id }) => id)).toEqual(['checkout-availability', 'search-latency-1', 'search-latency-2']);
  expect(await remarks()).toEqual([]);
});

describe('time slices of a minute', () => {
  const sliced = (indicator: string[], more = '') =>
    slo('a', {
      indicator,
      spec: [
        'budgetingMethod: Timeslices',
        `objectives: [{ target: 0.999, timeSliceTarget: 0.95, timeSliceWindow: 1m${more} }]`,
      ],
    });
  const [good, total] = ['sum(rate(ok_total[{{.window}}]))', 'sum(rate(all_total[{{.window}}]))'];
  const allowed = { op: 'lte', value: 0.05 };

  test.each([
    [
      'bad events',
      ratio('ratioMetric:', `  bad: ${source('rate(bad_total[{{.window}}])')}`, `  total: ${source(total)}`),
      '',
      {
        query:
          '(((sum(rate(bad_total[1m]))) or 0 * (sum(rate(all_total[1m])))) / (sum(rate(all_total[1m])))) - 0.000000001',
        ...allowed,
      },
    ],
    [
      'good events: a slice without any is bad',
      ratio('ratioMetric:', `  good: ${source(good)}`, `  total: ${source(total)}`),
      '',
      {
        query:
          '(1 - (sum(rate(ok_total[1m]))) / (sum(rate(all_total[1m]))) or ((sum(rate(all_total[1m]))) > bool 0) and on() last_over_time((sum(rate(ok_total[1m])))[1d:10m])) - 0.000000001',
        ...allowed,
      },
    ],
    [
      'counters',
      ratio('ratioMetric:', '  counter: true', `  bad: ${source('bad_total')}`, `  total: ${source('all_total')}`),
      '',
      {
        query:
          '(((sum(rate(bad_total[1m]))) or 0 * (sum(rate(all_total[1m])))) / (sum(rate(all_total[1m])))) - 0.000000001',
        ...allowed,
      },
    ],
    [
      'rates as recorded',
      ratio('ratioMetric:', `  bad: ${source('job:bad:rate1m')}`, `  total: ${source('job:all:rate1m')}`),
      '',
      {
        query: '(((sum(job:bad:rate1m)) or 0 * (sum(job:all:rate1m))) / (sum(job:all:rate1m))) - 0.000000001',
        ...allowed,
      },
    ],
    [
      'a share of good events',
      ratio('ratioMetric:', `  raw: ${source('good_ratio')}`, '  rawType: success'),
      '',
      { query: '(1 - (good_ratio)) - 0.000000001', ...allowed },
    ],
    [
      'a threshold, whose share within a slice means nothing',
      ratio(`thresholdMetric: ${source('quantile_over_time(0.9, p99[{{.window}}])')}`),
      ', op: lt, value: 0.3',
      { query: 'quantile_over_time(0.9, p99[1m])', op: 'lt', value: 0.3 },
    ],
  ])('are compared every minute: %s', async (_, indicator, more, compared) => {
    await file('a.yaml', ...sliced(indicator, more));
    expect(await slos()).toMatchObject([
      { target: 0.999, budgeting: { kind: 'occurrences' }, indicator: { kind: 'threshold', ...compared } },
    ]);
    expect((await remarks()).filter((remark) => remark.includes('1m'))).toEqual([]);
  });

  test('are refused if their query would be too long', async () => {
    const long = `sum(rate(${'a'.repeat(6000)}_total[{{.window}}]))`;
    await file(
      'a.yaml',
      ...sliced(ratio('ratioMetric:', `  good: ${source(long)}`, `  total: ${source(long.replace('a', 'b'))}`)),
    );
    expect(await problems()).toEqual(['a.yaml:13: the queries are too long for slices of a minute']);
  });
});

/**
 * Our own documents in the form of the examples of github.com/OpenSLO/OpenSLO, which name no data source and no query.
 */
describe('documents in the form of the OpenSLO examples', () => {
  const example = (...spec: string[]): string[] => [
    'apiVersion: openslo/v1',
    'kind: SLO',
    'metadata: { name: web }',
    'spec:',
    '  service: web',
    '  indicator:',
    '    metadata: { name: web }',
    '    spec:',
    '      ratioMetric:',
    '        good: { metricSource: { type: Any, spec: { query: Any } } }',
    '        total: { metricSource: { type: Any, spec: { query: All } } }',
    ...spec.map((line) => `  ${line}`),
    '  alertPolicies:',
  ];
  const CALENDAR = 'isRolling: false, calendar: { startTime: 2022-01-01 12:00:00, timeZone: America/New_York }';

  test.each([
    [
      'calendar slices of a minute',
      example(
        `timeWindow: [{ duration: 1m, ${CALENDAR} }]`,
        'budgetingMethod: Timeslices',
        'objectives: [{ op: gt, target: 0.995, timeSliceTarget: 0.99, timeSliceWindow: 1m }]',
      ),
      [
        'a.yaml:12: spec.timeWindow.0.duration: a calendar window uses d, w, M, Q, or Y, such as 1M (m means minutes, M means months)',
      ],
      ['duration: 1m', 'duration: 1M'],
    ],
    [
      'ratios of slices',
      example(
        'timeWindow: [{ duration: 2w, isRolling: true }]',
        'budgetingMethod: RatioTimeslices',
        'objectives: [{ op: gt, target: 0.99, timeSliceWindow: 1m }]',
      ),
      [
        'a.yaml:13: spec.budgetingMethod: RatioTimeslices is not supported (use Occurrences to count events, or Timeslices to count slices of time)',
      ],
      ['RatioTimeslices', 'Occurrences'],
    ],
  ])('%s: each message names the field, and its advice works', async (_, lines, expected, [wrongly, right]) => {
    await file('a.yaml', ...lines);
    expect(await problems()).toEqual(expected);
    const dated = lines.map((line) => line.replace(wrongly ?? '', right ?? ''));
    await file('a.yaml', ...dated);
    const asked = 'only Prometheus and compatible systems (PromQL) are supported, not "Any"';
    const fix = 'move SLOs of other systems out of this folder; for PromQL, write type: Prometheus';
    expect(await problems()).toEqual([`a.yaml:10: ${asked} (${fix})`, `a.yaml:11: ${asked} (${fix})`]);
    await file('a.yaml', ...dated.map((line) => line.replace('type: Any', 'type: Prometheus')));
    expect(await slos()).toHaveLength(1);
  });
});
