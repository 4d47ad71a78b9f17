import { ALLOWED_ERROR_RATIO, errorRatio, ERRORS, EVENTS } from './names.ts';
import { type Dashboard, dashboard, table, timeseries } from './panels.ts';

/** Selectors for the dashboard's variables. */
const CHOSEN = '{service=~"$service", environment=~"$environment", slo=~"$slo"}';
const PLACE = '{service=~"$service", environment=~"$environment"}';

const WINDOWS = ['5m', '1h', '6h', '1d', '3d'];

const SHOWN = {
  tags: ['firebreak', 'slo'],
  from: 'now-6h',
  variables: [
    ['service', EVENTS],
    ['environment', `${EVENTS}{service=~"$service"}`],
    ['slo', `${EVENTS}${PLACE}`],
  ],
  deploysOf: PLACE,
} as const;

/** Builds the overview: all objectives, worst first, and their freezes. */
export function overview(): Dashboard {
  return dashboard('firebreak-slo-overview', 'Objectives and freezes', SHOWN, [
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
  return dashboard('firebreak-slo-detail', 'One objective', SHOWN, [
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
