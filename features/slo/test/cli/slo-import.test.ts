import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { importedFrom } from '../../decisions/import/formats.ts';
import { cli } from '../../../../test/entrances/cli/support.ts';

const FIXTURES = 'features/slo/test/fixtures/slo-import';
const FORMATS = ['sloth.yml', 'sloth-object.yaml'];

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

test('check accepts the imported files; existing files are kept', async () => {
  const [config, out, runbooks] = [join(dir, 'config'), join(dir, 'config/slos'), join(dir, 'runbooks')];
  await mkdir(config);
  await mkdir(runbooks);
  await writeFile(join(config, 'services.yaml'), 'services: { shop: {}, search: {} }\n');
  const args = ['slo', 'import', ...FORMATS.map((name) => `${FIXTURES}/${name}`), '--out', out];
  const first = await cli(args);
  const names = await readdir(out);
  expect(names.toSorted()).toEqual(
    ['search-latency', 'shop-availability', 'shop-satisfaction'].map((name) => `${name}.yaml`),
  );
  expect(linesOf(first.out).toSorted()).toEqual(names.map((name) => join(out, name)).toSorted());
  expect(await readFile(join(out, 'search-latency.yaml'), 'utf8')).toMatch(
    /^# From .*sloth-object\.yaml, Sloth PrometheusServiceLevel\n/,
  );
  const checked = await cli(['check', '--config', config, '--runbooks', runbooks]);
  expect([checked.code, checked.err]).toEqual([0, '']);
  expect(checked.out).toContain('3 objectives');

  await writeFile(join(out, 'search-latency.yaml'), '# by hand\n');
  const again = await cli(args);
  expect(again.code).toBe(1);
  expect(again.err).toContain('search-latency.yaml: not written, because a different file exists');
  expect(await readFile(join(out, 'search-latency.yaml'), 'utf8')).toBe('# by hand\n');
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
  const others = await cli(['slo', 'import', ...['a.yaml', 'b.yaml'].map((name) => join(dir, name))]);
  expect([others.code, others.out]).toEqual([1, '']);
  expect(linesOf(others.err.replaceAll(`${dir}/`, ''))).toEqual([
    'a.yaml:1: it is already OpenSLO v1 (put it into config/slos unchanged)',
    expect.stringMatching(/^a\.yaml:4: apps\/v1 Deployment cannot be imported \(supported formats: Sloth/),
    expect.stringMatching(/^a\.yaml:8: /),
    'b.yaml:1: the file is empty',
    '4 problems: the import is incomplete',
  ]);
  const missing = await cli(['slo', 'import', same, join(dir, 'c.yaml')]);
  expect(missing).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/cannot read .*c\.yaml: ENOENT/) });
  await writeFile(join(dir, 'latin.yaml'), Buffer.from('# José\n', 'latin1'));
  const latin = await cli(['slo', 'import', join(dir, 'latin.yaml')]);
  expect(latin).toMatchObject({ code: 1, out: '', err: expect.stringContaining('latin.yaml: it is not UTF-8') });
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
  const defaults = { window: '30d' };
  let tried = 0;
  const dropped: string[] = [];
  for (const document of documentsIn(readFileSync(join(FIXTURES, name), 'utf8'))) {
    const objects = (document as { items?: unknown[] }).items ?? [document];
    for (const value of objects) {
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

test('Sloth: label values without quotes are texts as written', async () => {
  const file = join(dir, 'labels.yml');
  const labels = { tier: '1', customer_facing: 'true', weight: '0.20', mask: '0x1F', since: '2026-01-01' };
  const lines = Object.entries(labels).map(([name, value]) => `      ${name}: ${value}`);
  const head = ['version: prometheus/v1', 'service: shop', 'labels: { owner: 7 }', 'slos:', '  - name: a'];
  const sli = ['    objective: 99', '    sli: { raw: { error_ratio_query: "errors[{{.window}}]" } }', '    labels:'];
  await writeFile(file, [...head, ...sli, ...lines, '    alerting: { labels: { weight: 0.2 } }'].join('\n'));
  const { code, out, err } = await cli(['slo', 'import', file]);
  expect(err).not.toContain('is not a text');
  expect(documentsIn(out)).toMatchObject([{ metadata: { labels: { owner: '7', ...labels } } }]);
  expect(code).toBe(0);
});
