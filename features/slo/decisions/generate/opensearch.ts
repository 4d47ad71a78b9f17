import { GENERATED_MARKER } from './names.ts';
import type { Dashboard, Panel } from './panels.ts';

/** A line of an export of saved objects. */
export type SavedObject = {
  type: 'visualization' | 'dashboard';
  id: string;
  attributes: Record<string, unknown>;
  references: { name: string; type: string; id: string }[];
  migrationVersion: Record<string, string>;
};

/**
 * Fields of Metricbeat's Prometheus module, in its index.
 *
 * @see https://www.elastic.co/guide/en/beats/metricbeat/7.12/metricbeat-metricset-prometheus-collector.html (read 2026-11)
 */
const INDEX = 'metricbeat-*';
const TIME_FIELD = '@timestamp';
const metricField = (name: string): string => `prometheus.metrics.${name}`;
const labelField = (label: string): string => `prometheus.labels.${label}`;

/** An aggregation of the samples of one gauge, which is all that these visualizations can do. */
const GAUGE = /^(max|min) by \(([\w, ]+)\) \(([a-z][a-z0-9_]*)(?:\{([^{}]*)\})?\)$/;
const MATCHER = /^(\w+)(=~|=)"([^"]*)"$/;

/** Labels whose values are known, so that each value can have its own curves. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  result: ['succeeded', 'failed'],
  event: ['opened', 'merged', 'closed'],
};

/** Labels of series whose value is 1, so that the largest one still says whether there is any. */
const FLAG_LABELS = new Set(['version']);

type Curves = {
  aggregation: string;
  metric: string;
  split: string;
  filters: [label: string, value: string][];
  name: string;
};

/**
 * Converts dashboards to saved objects of OpenSearch Dashboards, the last line of which counts them. Panels that need
 * PromQL, such as rates of counters and joins of series, are left out.
 *
 * @see https://github.com/opensearch-project/OpenSearch-Dashboards, src/plugins/vis_type_timeseries/common/vis_schema.ts
 *   (read 2026-11)
 */
export function openSearchExport(dashboards: Iterable<Dashboard>): object[] {
  const objects = [...dashboards].flatMap(savedObjects);
  return [...objects, { exportedCount: objects.length, missingRefCount: 0, missingReferences: [] }];
}

function savedObjects({ uid, title, panels }: Dashboard): SavedObject[] {
  const shown = panels.flatMap((panel) => {
    const curves = curvesOf(panel);
    return curves === null ? [] : [visualization(`${uid}-${Number(panel['id'])}`, panel, curves)];
  });
  if (shown.length === 0) return [];
  const references = shown.map(({ id }, index) => ({ name: `panel_${index}`, type: 'visualization', id }));
  const attributes = {
    title,
    description: GENERATED_MARKER,
    hits: 0,
    panelsJSON: JSON.stringify(references.map(({ name }, index) => panelAt(name, index))),
    optionsJSON: JSON.stringify({ useMargins: true, hidePanelTitles: false }),
    version: 1,
    timeRestore: false,
    kibanaSavedObjectMeta: { searchSourceJSON: NO_SEARCH },
  };
  return [...shown, { type: 'dashboard', id: uid, attributes, references, migrationVersion: { dashboard: '7.9.3' } }];
}

const NO_SEARCH = JSON.stringify({ query: { query: '', language: 'kuery' }, filter: [] });

/** The grid of a dashboard has 48 columns; two panels are in each row. */
const PANEL = { w: 24, h: 15 };

const panelAt = (panelRefName: string, index: number) => {
  const panelIndex = String(index + 1);
  const gridData = { x: (index % 2) * PANEL.w, y: Math.floor(index / 2) * PANEL.h, ...PANEL, i: panelIndex };
  return { version: '7.9.3', gridData, panelIndex, embeddableConfig: {}, panelRefName };
};

function visualization(id: string, panel: Panel, curves: readonly Curves[]): SavedObject {
  const title = String(panel['title']);
  const formatter = formatterOf(panel);
  const params = {
    id,
    type: 'timeseries',
    series: curves.map((curve, index) =>
      seriesOf(`${id}-${index}`, curve, formatter, COLORS[index % COLORS.length] ?? ''),
    ),
    time_field: TIME_FIELD,
    index_pattern: INDEX,
    interval: '>=1m',
    axis_position: 'left',
    axis_formatter: formatter,
    axis_scale: 'normal',
    show_legend: 1,
    show_grid: 1,
    tooltip_mode: 'show_all',
  };
  const attributes = {
    title: `Firebreak: ${title}`,
    visState: JSON.stringify({ title: `Firebreak: ${title}`, type: 'metrics', params, aggs: [] }),
    uiStateJSON: '{}',
    description: typeof panel['description'] === 'string' ? panel['description'] : '',
    version: 1,
    kibanaSavedObjectMeta: { searchSourceJSON: NO_SEARCH },
  };
  return { type: 'visualization', id, attributes, references: [], migrationVersion: { visualization: '7.10.0' } };
}

const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

function seriesOf(id: string, { aggregation, metric, split, filters, name }: Curves, formatter: string, color: string) {
  const query = filters.map(([label, value]) => `${labelField(label)}: ${JSON.stringify(value)}`).join(' and ');
  return {
    id,
    label: name,
    color,
    split_mode: 'terms',
    split_color_mode: 'gradient',
    terms_field: labelField(split),
    terms_size: '50',
    terms_order_by: '_count',
    metrics: [{ id: `${id}-metric`, type: aggregation, field: metricField(metric) }],
    // Samples of other metrics have the same labels.
    filter: {
      query: [`${metricField(metric)}: *`, ...(query === '' ? [] : [query])].join(' and '),
      language: 'kuery',
    },
    separate_axis: 0,
    axis_position: 'left',
    formatter,
    chart_type: 'line',
    line_width: 1,
    point_size: 1,
    fill: 0,
    stacked: 'none',
  };
}

const FORMATTERS: Readonly<Record<string, string>> = { percentunit: 'percent', s: 's,humanize,' };

const formatterOf = (panel: Panel): string => {
  const { defaults } = panel['fieldConfig'] as { defaults: { unit: string } };
  return FORMATTERS[defaults.unit] ?? 'number';
};

/** Returns the curves of a panel. Null: it needs PromQL, or it is a table. */
function curvesOf(panel: Panel): Curves[] | null {
  if (panel['type'] !== 'timeseries') return null;
  const all = (panel['targets'] as { expr: string; legendFormat?: string }[]).map(curvesOfQuery);
  return all.includes(null) ? null : all.flatMap((curves) => curves ?? []);
}

function curvesOfQuery({ expr, legendFormat = '' }: { expr: string; legendFormat?: string }): Curves[] | null {
  const [, aggregation = '', by = '', metric = '', matchers = ''] = GAUGE.exec(expr) ?? [];
  // The value of a counter is the sum since the start of a process.
  if (metric === '' || metric.endsWith('_total')) return null;
  const filters: [string, string][] = [];
  for (const text of matchers === '' ? [] : matchers.split(/,\s*/)) {
    const [, label = '', operator, value = ''] = MATCHER.exec(text) ?? [];
    if (operator === '=') filters.push([label, value]);
    else if (operator !== '=~' || !value.startsWith('$')) return null;
  }
  const labels = by.split(/,\s*/).filter((label) => label !== 'environment' && !FLAG_LABELS.has(label));
  // A freeze of all services has a cause, but no service.
  if (labels.includes('cause')) return [{ aggregation, metric, split: 'cause', filters, name: '' }];
  const known = labels.filter((label) => VALUES[label] !== undefined);
  const [split, ...others] = labels.filter((label) => VALUES[label] === undefined);
  if (split === undefined || others.length > 0 || known.length > 1) return null;
  // What the legend says beside the labels, such as the quantile.
  const text = legendFormat
    .replaceAll(/\{\{\w+\}\}/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const [label] = known;
  if (label === undefined) return [{ aggregation, metric, split, filters, name: text }];
  return (VALUES[label] ?? []).map((value) => ({
    aggregation,
    metric,
    split,
    filters: [...filters, [label, value]],
    name: value,
  }));
}
