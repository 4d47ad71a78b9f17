import { ALLOWED_ERROR_RATIO, errorRatio, ERRORS, EVENTS, GENERATED_MARKER } from './names.ts';

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
export type Dashboard = { uid: string; title: string; panels: Panel[] } & Record<string, unknown>;
type Panel = Record<string, unknown>;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Selectors for the dashboard's variables. */
const CHOSEN = '{service=~"$service", environment=~"$environment", slo=~"$slo"}';
const PLACE = '{service=~"$service", environment=~"$environment"}';

const WINDOWS = ['5m', '1h', '6h', '1d', '3d'];

/** Builds the overview: all objectives, worst first, and their freezes. */
export function overview(): Dashboard {
  return dashboard('firebreak-slo-overview', 'Objectives and freezes', [
    table('Error budgets', 0, 0, 24, 10, [
      ['Left', `sort(firebreak_slo_budget_remaining_ratio${CHOSEN})`],
      ['Known', `firebreak_slo_coverage_ratio${CHOSEN}`],
    ]),
    timeseries('Burn rate, 1 h', 'Multiple of the rate that the objective allows', 0, 10, 12, 9, 'short', [
      [`${errorRatio('1h')}${CHOSEN} / ${ALLOWED_ERROR_RATIO}${CHOSEN}`, '{{slo}} {{environment}}'],
    ]),
    timeseries('Freezes in force', 'By cause', 12, 10, 12, 9, 'short', [
      [
        `sum by (service, environment, cause) (firebreak_freeze_in_force${PLACE})`,
        '{{service}} {{environment}} {{cause}}',
      ],
    ]),
  ]);
}

/** Builds the dashboard of one objective: budget, burn rate by window, and events. */
export function detail(): Dashboard {
  return dashboard('firebreak-slo-detail', 'One objective', [
    timeseries('Error budget left', '1 is the whole budget; below 0 it is overspent', 0, 0, 12, 9, 'percentunit', [
      [`firebreak_slo_budget_remaining_ratio${CHOSEN}`, '{{slo}} {{environment}}'],
    ]),
    timeseries(
      'Burn rates',
      'Multiple of the rate that the objective allows, by window',
      12,
      0,
      12,
      9,
      'short',
      WINDOWS.map((window) => [
        `${errorRatio(window)}${CHOSEN} / ${ALLOWED_ERROR_RATIO}${CHOSEN}`,
        `{{slo}} ${window}`,
      ]),
    ),
    timeseries('Events', 'Per second', 0, 9, 12, 9, 'short', [
      [`${EVENTS}${CHOSEN}`, '{{slo}} events'],
      [`${ERRORS}${CHOSEN}`, '{{slo}} errors'],
    ]),
    timeseries('Error ratio, 5 min', 'Compared with the ratio that the objective allows', 12, 9, 12, 9, 'percentunit', [
      [`${errorRatio('5m')}${CHOSEN}`, '{{slo}}'],
      [`${ALLOWED_ERROR_RATIO}${CHOSEN}`, '{{slo}} allowed'],
    ]),
  ]);
}

function dashboard(uid: string, title: string, panels: Panel[]): Dashboard {
  return {
    uid,
    title: `Firebreak: ${title}`,
    description: GENERATED_MARKER,
    tags: ['firebreak', 'slo'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        variable('service', EVENTS),
        variable('environment', `${EVENTS}{service=~"$service"}`),
        variable('slo', `${EVENTS}${PLACE}`),
      ],
    },
    annotations: {
      list: [
        {
          name: 'Deploys',
          datasource: DATASOURCE,
          enable: true,
          iconColor: 'blue',
          expr: `changes(max by (service, environment, version) (firebreak_deployment_timestamp_seconds${PLACE})[1m:]) > 0 or (time() - firebreak_deployment_timestamp_seconds${PLACE} < 60)`,
          step: '60s',
          titleFormat: '{{service}} {{version}}',
        },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
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

function timeseries(
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

function table(
  title: string,
  x: number,
  y: number,
  w: number,
  h: number,
  columns: readonly (readonly [string, string])[],
): Panel {
  return {
    type: 'table',
    title,
    datasource: DATASOURCE,
    gridPos: { x, y, w, h },
    fieldConfig: { defaults: { unit: 'percentunit' }, overrides: [] },
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
