import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { files, namesIn } from './generated.ts';
import { parsesAsPromql } from '../../../../../local/config/promql.ts';

/**
 * Grafana's schema of dashboards, without what no generated dashboard uses.
 *
 * @see https://github.com/grafana/grafana/blob/v10.0.0/kinds/dashboard/dashboard_kind.cue
 */
const DataSourceRef = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const GridPos = z.strictObject({
  x: z.number().int().min(0).max(23),
  y: z.number().int().min(0),
  w: z.number().int().min(1).max(24),
  h: z.number().int().min(1),
});
const Matcher = z.strictObject({ id: z.string(), options: z.unknown() });
const Panel = z.strictObject({
  id: z.number().int().positive(),
  type: z.enum(['timeseries', 'table']),
  title: z.string().min(1),
  description: z.string().optional(),
  datasource: DataSourceRef,
  gridPos: GridPos,
  fieldConfig: z.strictObject({
    defaults: z.strictObject({ unit: z.string(), custom: z.record(z.string(), z.unknown()).optional() }),
    overrides: z.array(
      z.strictObject({ matcher: Matcher, properties: z.array(z.strictObject({ id: z.string(), value: z.unknown() })) }),
    ),
  }),
  options: z.record(z.string(), z.unknown()).optional(),
  targets: z.array(
    z.strictObject({
      refId: z.string().regex(/^[A-Z]$/),
      expr: z.string(),
      legendFormat: z.string().optional(),
      format: z.literal('table').optional(),
      instant: z.boolean().optional(),
    }),
  ),
  transformations: z.array(z.strictObject({ id: z.string(), options: z.record(z.string(), z.unknown()) })).optional(),
});
const Dashboard = z.strictObject({
  uid: z.string().min(8).max(40),
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  schemaVersion: z.number().int().min(36),
  version: z.number().int(),
  editable: z.boolean(),
  refresh: z.string().regex(/^\d+[smhd]$/),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  templating: z.strictObject({
    list: z.array(
      z.looseObject({
        name: z.string(),
        type: z.enum(['query', 'datasource', 'textbox']),
        query: z.union([z.string(), z.strictObject({ query: z.string(), refId: z.string() })]),
      }),
    ),
  }),
  annotations: z.strictObject({
    list: z.array(
      z.looseObject({ name: z.string(), datasource: DataSourceRef, enable: z.boolean(), iconColor: z.string() }),
    ),
  }),
  panels: z.array(Panel),
});
type Dashboard = z.infer<typeof Dashboard>;

const dashboards = [...files].filter(([path]) => path.startsWith('grafana/'));

/** Returns every query, with Grafana's variables replaced. */
const queriesOf = ({ panels, annotations }: Dashboard): string[] =>
  [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => String(expr)),
  ].map((query) => query.replaceAll(/\$[a-z]+/g, 'x'));

describe.each(dashboards)('%s', (_, file) => {
  test('matches the schema of Grafana', () => {
    expect(Dashboard.safeParse(file).error).toBeUndefined();
  });

  test('has queries that are PromQL, and select by variables that exist', () => {
    const dashboard = Dashboard.parse(file);
    const queries = queriesOf(dashboard);
    expect(queries.filter((query) => parsesAsPromql(query) !== null || namesIn(query).length === 0)).toEqual([]);
    const declared = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?([a-z]+)/g)].map(([, name]) => name);
    expect(used.filter((name) => !declared.includes(name ?? ''))).toEqual([]);
  });

  test('has panels with different IDs and places', () => {
    const { panels } = Dashboard.parse(file);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (__, n) => `${x + (n % w)}/${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

test('dashboards have different UIDs', () => {
  expect(new Set(dashboards.map(([, file]) => Dashboard.parse(file).uid)).size).toBe(dashboards.length);
});

test('each series is described in the documentation', async () => {
  const pages = ['metrics-logs-limits', 'slos', 'delivery', 'pipelines'].map((name) => `docs/reference/${name}.md`);
  const root = join(import.meta.dirname, '../../../../..');
  const text = (
    await Promise.all([...pages, 'docs/how-to/slo-rules.md'].map((page) => readFile(join(root, page), 'utf8')))
  ).join('\n');
  const named = new Set(dashboards.flatMap(([, file]) => queriesOf(Dashboard.parse(file)).flatMap(namesIn)));
  // Recorded series have a colon, and their windows are listed only by examples.
  const plain = [...named]
    .filter((name) => !name.includes(':') && name !== 'x')
    .map((name) => name.replace(/_(sum|count|bucket)$/, ''));
  expect(plain.length).toBeGreaterThan(15);
  expect(plain.filter((name) => !text.includes(`\`${name}{`) && !text.includes(`\`${name}\``))).toEqual([]);
});
