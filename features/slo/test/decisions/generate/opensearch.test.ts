import { expect, test } from 'vitest';
import * as z from 'zod';
import { generatedDashboards } from '../../../decisions/generate/files.ts';
import { openSearchExport } from '../../../decisions/generate/opensearch.ts';

const text = z.string();

/**
 * What OpenSearch Dashboards accepts as a time series visualization, without what no generated one uses.
 *
 * @see https://github.com/opensearch-project/OpenSearch-Dashboards, src/plugins/vis_type_timeseries/common/vis_schema.ts
 */
const Series = z.strictObject({
  id: text.min(1),
  label: text,
  color: text.regex(/^#[0-9a-f]{6}$/),
  split_mode: z.literal('terms'),
  split_color_mode: z.enum(['gradient', 'rainbow']),
  terms_field: text.regex(/^prometheus\.labels\.\w+$/),
  terms_size: text.regex(/^\d+$/),
  terms_order_by: z.literal('_count'),
  metrics: z.tuple([
    z.strictObject({ id: text, type: z.enum(['max', 'min']), field: text.regex(/^prometheus\.metrics\.\w+$/) }),
  ]),
  filter: z.strictObject({ query: text.min(1), language: z.literal('kuery') }),
  separate_axis: z.int(),
  axis_position: z.enum(['left', 'right']),
  formatter: z.enum(['number', 'percent', 's,humanize,']),
  chart_type: z.literal('line'),
  line_width: z.number(),
  point_size: z.number(),
  fill: z.number(),
  stacked: z.literal('none'),
});
const VisState = z.strictObject({
  title: text,
  type: z.literal('metrics'),
  params: z.strictObject({
    id: text,
    type: z.literal('timeseries'),
    series: z.array(Series).min(1),
    time_field: z.literal('@timestamp'),
    index_pattern: z.literal('metricbeat-*'),
    interval: text,
    axis_position: z.enum(['left', 'right']),
    axis_formatter: text,
    axis_scale: z.enum(['normal', 'log']),
    show_legend: z.int(),
    show_grid: z.int(),
    tooltip_mode: z.enum(['show_all', 'show_focused']),
  }),
  aggs: z.tuple([]),
});
const json = <T extends z.ZodType>(content: T) => text.transform((given): unknown => JSON.parse(given)).pipe(content);
const meta = z.strictObject({
  searchSourceJSON: json(z.strictObject({ query: z.unknown(), filter: z.tuple([]) })),
});
const Visualization = z.strictObject({
  type: z.literal('visualization'),
  id: text,
  attributes: z.strictObject({
    title: text,
    visState: json(VisState),
    uiStateJSON: json(z.strictObject({})),
    description: text,
    version: z.literal(1),
    kibanaSavedObjectMeta: meta,
  }),
  references: z.tuple([]),
  migrationVersion: z.strictObject({ visualization: text }),
});
const PanelAt = z.strictObject({
  version: text,
  gridData: z.strictObject({
    x: z.int().min(0).max(47),
    y: z.int().min(0),
    w: z.int().max(48),
    h: z.int(),
    i: text,
  }),
  panelIndex: text,
  embeddableConfig: z.strictObject({}),
  panelRefName: text,
});
const Dashboard = z.strictObject({
  type: z.literal('dashboard'),
  id: text,
  attributes: z.strictObject({
    title: text,
    description: text,
    hits: z.literal(0),
    panelsJSON: json(z.array(PanelAt).min(1)),
    optionsJSON: json(z.strictObject({ useMargins: z.boolean(), hidePanelTitles: z.boolean() })),
    version: z.literal(1),
    timeRestore: z.literal(false),
    kibanaSavedObjectMeta: meta,
  }),
  references: z.array(z.strictObject({ name: text, type: z.literal('visualization'), id: text })),
  migrationVersion: z.strictObject({ dashboard: text }),
});
const Details = z.strictObject({
  exportedCount: z.int(),
  missingRefCount: z.literal(0),
  missingReferences: z.tuple([]),
});

const lines = openSearchExport(generatedDashboards().values());
const objects = lines.slice(0, -1).map((one) => z.union([Visualization, Dashboard]).parse(one));
const visualizations = objects.filter((one) => one.type === 'visualization');
const dashboards = objects.filter((one) => one.type === 'dashboard');

test('the export has the form of saved objects, and is complete', () => {
  expect(Details.parse(lines.at(-1)).exportedCount).toBe(objects.length);
  const ids = objects.map(({ type, id }) => `${type} ${id}`);
  expect(new Set(ids).size).toBe(ids.length);
  const shown = dashboards.flatMap(({ references, attributes: { panelsJSON } }) => {
    const byName = new Map(references.map(({ name, id }) => [name, id]));
    const cells = panelsJSON.map(({ gridData: { x, y } }) => `${x}/${y}`);
    expect(new Set(cells).size).toBe(panelsJSON.length);
    return panelsJSON.map(({ panelRefName }) => byName.get(panelRefName));
  });
  expect(shown).toEqual(visualizations.map(({ id }) => id));
});

test('each DORA figure is shown, and its curves read what the panel of Grafana reads', () => {
  const titles = visualizations
    .filter(({ id }) => id.startsWith('firebreak-dora-'))
    .map(({ attributes }) => attributes.title);
  expect(titles).toEqual(
    ['Deployment frequency', 'Lead time', 'Change fail rate', 'Recovery', 'Rework rate', 'Time to restore'].map(
      (title) => `Firebreak: ${title}`,
    ),
  );
  const panels = [...generatedDashboards().values()].flatMap(({ uid, panels: all }) =>
    all.map((panel) => [`${uid}-${Number(panel['id'])}`, JSON.stringify(panel['targets'])] as const),
  );
  const queries = new Map<string, string>(panels);
  for (const { id, attributes } of visualizations)
    for (const { metrics, terms_field: split } of attributes.visState.params.series) {
      expect(queries.get(id)).toContain(metrics[0].field.replace('prometheus.metrics.', ''));
      expect(queries.get(id)).toContain(split.replace('prometheus.labels.', ''));
    }
});

test('labels with known values have a curve for each, and metrics of one panel have one each', () => {
  const filtersOf = (title: string) =>
    visualizations
      .find(({ attributes }) => attributes.title === `Firebreak: ${title}`)
      ?.attributes.visState.params.series.map(({ label, filter }) => [label, filter.query]);
  expect(filtersOf('Lead time')).toEqual([
    ['median', 'prometheus.metrics.firebreak_dora_lead_time_median_seconds: *'],
    ['p90', 'prometheus.metrics.firebreak_dora_lead_time_p90_seconds: *'],
  ]);
  expect(filtersOf('Applies')?.map(([label]) => label)).toEqual(['succeeded', 'failed']);
});

test('panels that need PromQL are left out', () => {
  const titles = visualizations.map(({ attributes }) => attributes.title);
  for (const title of ['Success', 'Rollbacks and other mitigations', 'Differences from Git', 'Duration', 'Services'])
    expect(titles).not.toContain(`Firebreak: ${title}`);
});
