import { GENERATED_MARKER } from './names.ts';

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
export type Dashboard = { uid: string; title: string; panels: Panel[] } & Record<string, unknown>;
export type Panel = Record<string, unknown>;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

type DashboardSettings = {
  tags: readonly string[];
  /** What the dashboard shows at first. */
  from: string;
  /** Name of a label, and the series that have its values. */
  variables: readonly (readonly [name: string, series: string])[];
  /** Name, title, and default of texts that the reader can change. */
  texts?: readonly (readonly [name: string, label: string, value: string])[];
  /** Selector of the deploys that are marked. */
  deploysOf: string;
};

export function dashboard(
  uid: string,
  title: string,
  { tags, from, variables, texts = [], deploysOf }: DashboardSettings,
  panels: Panel[],
): Dashboard {
  return {
    uid,
    title: `Firebreak: ${title}`,
    description: GENERATED_MARKER,
    tags,
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '1m',
    time: { from, to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        ...variables.map(([name, series]) => variable(name, series)),
        ...texts.map(([name, label, value]) => ({ name, label, type: 'textbox', query: value })),
      ],
    },
    annotations: {
      list: [
        {
          name: 'Deploys',
          datasource: DATASOURCE,
          enable: true,
          iconColor: 'blue',
          expr: deployMarks(`firebreak_deployment_timestamp_seconds${deploysOf}`),
          step: '60s',
          titleFormat: '{{service}} {{version}}',
        },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
}

/** How old a deploy can be when it is reported, in seconds: older ones are in a new Prometheus, too. */
const REPORTED_WITHIN_SECONDS = 86_400;

/**
 * Returns the query for marks of deploys: of versions that are deployed again, of new ones, and of those that appear later because
 * they are reported late. A restart of Firebreak or a gap of scrapes is no deploy.
 */
function deployMarks(deployed: string): string {
  const by = 'max by (service, environment, version)';
  return [
    `changes(${by} (${deployed})[1m:]) > 0`,
    `(time() - ${deployed} < 60)`,
    `(${by} (${deployed}) > time() - ${REPORTED_WITHIN_SECONDS} unless ${by} (max_over_time(${deployed}[6h] offset 1m)))`,
  ].join(' or ');
}

const variable = (name: string, series: string) => ({
  name,
  type: 'query',
  datasource: DATASOURCE,
  query: { query: `label_values(${series}, ${name})`, refId: name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  current: { text: 'All', value: '$__all' },
});

/**
 * Builds a time series.
 *
 * @param x left column, from 0, on the grid of 24 columns
 * @param y top row, from 0
 * @param w width in columns
 * @param h height in rows
 */
export function timeseries(
  title: string,
  description: string,
  x: number,
  y: number,
  w: number,
  h: number,
  unit: string,
  queries: readonly (readonly string[])[],
): Panel {
  return {
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { x, y, w, h },
    fieldConfig: { defaults: { unit, custom: { lineWidth: 1, fillOpacity: 0, spanNulls: false } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([expr, legendFormat], index) => ({ refId: refId(index), expr, legendFormat })),
  };
}

/**
 * Builds a table with a row for each combination of labels. Its position is given as for `timeseries`.
 *
 * @param columns name, query, and unit, which is a ratio if absent
 */
export function table(
  title: string,
  x: number,
  y: number,
  w: number,
  h: number,
  columns: readonly (readonly [name: string, expr: string, unit?: string])[],
): Panel {
  return {
    type: 'table',
    title,
    datasource: DATASOURCE,
    gridPos: { x, y, w, h },
    fieldConfig: {
      defaults: { unit: 'percentunit' },
      overrides: columns.flatMap(([name, , unit]) =>
        unit === undefined
          ? []
          : [{ matcher: { id: 'byName', options: name }, properties: [{ id: 'unit', value: unit }] }],
      ),
    },
    targets: columns.map(([, expr], index) => ({ refId: refId(index), expr, format: 'table', instant: true })),
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true, __name__: true, instance: true, job: true },
          renameByName: Object.fromEntries(columns.map(([name], index) => [`Value #${refId(index)}`, name])),
        },
      },
    ],
  };
}

const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);
