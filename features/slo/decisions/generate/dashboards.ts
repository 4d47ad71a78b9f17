import { ALLOWED_ERROR_RATIO, errorRatio, ERRORS, EVENTS } from './names.ts';
import { type Dashboard, dashboard, table, timeseries } from './panels.ts';

/** Selectors for the dashboard's variables. */
const SLO_SELECTOR = '{service=~"$service", environment=~"$environment", slo=~"$slo"}';
const SERVICE_SELECTOR = '{service=~"$service", environment=~"$environment"}';

const WINDOWS = ['5m', '1h', '6h', '1d', '3d'];

const SETTINGS = {
  tags: ['firebreak', 'slo'],
  from: 'now-6h',
  variables: [
    ['service', EVENTS],
    ['environment', `${EVENTS}{service=~"$service"}`],
    ['slo', `${EVENTS}${SERVICE_SELECTOR}`],
  ],
  deploysOf: SERVICE_SELECTOR,
} as const;

/** Builds the overview: all objectives, worst first, and their freezes. */
export function sloOverview(): Dashboard {
  return dashboard('firebreak-slo-overview', 'Objectives and freezes', SETTINGS, [
    table('Error budgets', 0, 0, 24, 10, [
      ['Left', `sort(firebreak_slo_budget_remaining_ratio${SLO_SELECTOR})`],
      ['Known', `firebreak_slo_coverage_ratio${SLO_SELECTOR}`],
    ]),
    timeseries('Burn rate, 1 h', 'Multiple of the rate that the objective allows', 0, 10, 12, 9, 'short', [
      [`${errorRatio('1h')}${SLO_SELECTOR} / ${ALLOWED_ERROR_RATIO}${SLO_SELECTOR}`, '{{slo}} {{environment}}'],
    ]),
    timeseries('Freezes in force', 'By cause', 12, 10, 12, 9, 'short', [
      [
        `sum by (service, environment, cause) (firebreak_freeze_in_force${SERVICE_SELECTOR})`,
        '{{service}} {{environment}} {{cause}}',
      ],
    ]),
  ]);
}

/** Builds the dashboard of one objective: budget, burn rate by window, and events. */
export function sloDetail(): Dashboard {
  return dashboard('firebreak-slo-detail', 'One objective', SETTINGS, [
    timeseries('Error budget left', '1 is the whole budget; below 0 it is overspent', 0, 0, 12, 9, 'percentunit', [
      [`firebreak_slo_budget_remaining_ratio${SLO_SELECTOR}`, '{{slo}} {{environment}}'],
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
        `${errorRatio(window)}${SLO_SELECTOR} / ${ALLOWED_ERROR_RATIO}${SLO_SELECTOR}`,
        `{{slo}} ${window}`,
      ]),
    ),
    timeseries('Events', 'Per second', 0, 9, 12, 9, 'short', [
      [`${EVENTS}${SLO_SELECTOR}`, '{{slo}} events'],
      [`${ERRORS}${SLO_SELECTOR}`, '{{slo}} errors'],
    ]),
    timeseries('Error ratio, 5 min', 'Compared with the ratio that the objective allows', 12, 9, 12, 9, 'percentunit', [
      [`${errorRatio('5m')}${SLO_SELECTOR}`, '{{slo}}'],
      [`${ALLOWED_ERROR_RATIO}${SLO_SELECTOR}`, '{{slo}} allowed'],
    ]),
  ]);
}
