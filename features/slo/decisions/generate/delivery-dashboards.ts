import { type Dashboard, dashboard, table, timeseries } from './panels.ts';

const SERVICE_SELECTOR = '{service=~"$service", environment=~"$environment"}';
const DORA_PREFIX = 'firebreak_dora_';

/** Labels that select runs; more can follow. */
const RUNS = 'service=~"$service", branch=~"$branch"';
const FINISHED = 'result=~"success|failure"';

/** Returns the share of the runs of a day that succeeded. It is 0, not absent, if none has ever succeeded. */
function successShare(selected: string): string {
  const runs = (result: string): string =>
    `sum by (service) (increase(pipeline_runs_total{${selected}, ${result}}[1d]))`;
  return `(${runs('result="success"')} or 0 * ${runs(FINISHED)}) / ${runs(FINISHED)}`;
}

/** Builds the dashboard of the delivery figures, which Firebreak computes over 28 days. */
export function doraDashboard(): Dashboard {
  // Each instance of Firebreak has the same figures.
  const figure = (name: string): string => `max by (service, environment) (${DORA_PREFIX}${name}${SERVICE_SELECTOR})`;
  const legend = '{{service}} {{environment}}';
  return dashboard(
    'firebreak-dora',
    'DORA',
    {
      tags: ['firebreak', 'delivery'],
      from: 'now-90d',
      variables: [
        ['service', `${DORA_PREFIX}deployments_per_day`],
        ['environment', `${DORA_PREFIX}deployments_per_day{service=~"$service"}`],
      ],
      deploysOf: SERVICE_SELECTOR,
    },
    [
      table('Last 28 days', 0, 0, 24, 9, [
        ['Deploys per day', figure('deployments_per_day'), 'none'],
        ['Lead time, median', figure('lead_time_median_seconds'), 's'],
        ['Lead time, p90', figure('lead_time_p90_seconds'), 's'],
        ['Change fail rate', figure('change_failure_ratio')],
        ['Recovery, median', figure('failed_deployment_recovery_seconds'), 's'],
        ['Rework rate', figure('rework_ratio')],
        ['Time to restore, median', figure('time_to_restore_seconds'), 's'],
      ]),
      timeseries('Deployment frequency', 'Deploys per day, over 28 days', 0, 9, 12, 8, 'none', [
        [figure('deployments_per_day'), legend],
      ]),
      timeseries('Lead time', 'Time from commit to production, over 28 days', 12, 9, 12, 8, 's', [
        [figure('lead_time_median_seconds'), `${legend} median`],
        [figure('lead_time_p90_seconds'), `${legend} p90`],
      ]),
      timeseries('Change fail rate', 'Share of deploys that failed, over 28 days', 0, 17, 12, 8, 'percentunit', [
        [figure('change_failure_ratio'), legend],
      ]),
      timeseries('Recovery', 'Median time from a failed deploy to its recovery, over 28 days', 12, 17, 12, 8, 's', [
        [figure('failed_deployment_recovery_seconds'), legend],
      ]),
      timeseries('Rework rate', 'Share of deploys and rollbacks that are rework', 0, 25, 12, 8, 'percentunit', [
        [figure('rework_ratio'), legend],
      ]),
      timeseries('Time to restore', 'Median duration of incidents, over 28 days', 12, 25, 12, 8, 's', [
        [figure('time_to_restore_seconds'), legend],
      ]),
    ],
  );
}

/** Builds the overview of operations and delivery: incidents, rollbacks, freezes, budgets, deploys, and pipelines. */
export function devopsDashboard(): Dashboard {
  const legend = '{{service}} {{environment}}';
  const byService = (series: string, how = 'max'): string =>
    `${how} by (service, environment) (${series}${SERVICE_SELECTOR})`;
  return dashboard(
    'firebreak-devops',
    'DevOps overview',
    {
      tags: ['firebreak', 'delivery'],
      from: 'now-7d',
      variables: [
        ['service', 'firebreak_deployment_timestamp_seconds'],
        ['environment', 'firebreak_deployment_timestamp_seconds{service=~"$service"}'],
      ],
      deploysOf: SERVICE_SELECTOR,
    },
    [
      table('Services', 0, 0, 24, 9, [
        ['Since the last deploy', `time() - ${byService('firebreak_deployment_timestamp_seconds')}`, 's'],
        ['Deploys per day, 28 days', byService(`${DORA_PREFIX}deployments_per_day`), 'none'],
        ['Change fail rate, 28 days', byService(`${DORA_PREFIX}change_failure_ratio`)],
        ['Time to restore, 28 days', byService(`${DORA_PREFIX}time_to_restore_seconds`), 's'],
        ['Least error budget left', byService('firebreak_slo_budget_remaining_ratio', 'min')],
      ]),
      timeseries('Incidents that are not resolved', 'By status', 0, 9, 12, 8, 'short', [
        ['max by (status) (firebreak_incidents)', '{{status}}'],
      ]),
      timeseries('Rollbacks and other mitigations', 'Ended in a day, by outcome', 12, 9, 12, 8, 'short', [
        ['sum by (outcome) (increase(firebreak_rollbacks_total[1d]))', '{{outcome}}'],
      ]),
      // A freeze of all services has no labels, which a variable does not select.
      timeseries('Freezes in force', 'By cause; of all services if none is named', 0, 17, 12, 8, 'short', [
        ['max by (service, environment, cause) (firebreak_freeze_in_force)', `${legend} {{cause}}`],
      ]),
      timeseries('Error budgets', 'The least of each service. Below 0 it is overspent', 12, 17, 12, 8, 'percentunit', [
        [byService('firebreak_slo_budget_remaining_ratio', 'min'), legend],
      ]),
      timeseries('Deploys', 'Per day, over 28 days', 0, 25, 12, 8, 'none', [
        [byService(`${DORA_PREFIX}deployments_per_day`), legend],
      ]),
      timeseries('Pipelines', 'Share of the runs of a day that succeeded', 12, 25, 12, 8, 'percentunit', [
        [successShare('service=~"$service"'), '{{service}}'],
      ]),
    ],
  );
}

/** Builds the dashboard of GitOps: syncs, differences from Git, holds, and rollouts. */
export function gitopsDashboard(): Dashboard {
  const legend = '{{service}} {{environment}}';
  return dashboard(
    'firebreak-gitops',
    'GitOps',
    {
      tags: ['firebreak', 'delivery'],
      from: 'now-2d',
      variables: [
        ['service', 'firebreak_deployment_timestamp_seconds'],
        ['environment', 'firebreak_deployment_timestamp_seconds{service=~"$service"}'],
      ],
      deploysOf: SERVICE_SELECTOR,
    },
    [
      timeseries('Argo CD applications', 'By sync status', 0, 0, 12, 8, 'short', [
        ['sum by (sync_status) (argocd_app_info)', '{{sync_status}}'],
      ]),
      timeseries('Syncs of Argo CD', 'Per hour, by result', 12, 0, 12, 8, 'short', [
        ['sum by (phase) (increase(argocd_app_sync_total[1h]))', '{{phase}}'],
      ]),
      timeseries(
        'Differences from Git',
        'Applications out of sync, and Flux objects that are not applied',
        0,
        8,
        12,
        8,
        'short',
        [
          ['max by (name) (argocd_app_info{sync_status="OutOfSync"})', '{{name}}'],
          [
            'max by (customresource_kind, exported_namespace, name) (gotk_resource_info{ready="False"})',
            '{{customresource_kind}} {{exported_namespace}}/{{name}}',
          ],
        ],
      ),
      timeseries('Suspended Flux objects', 'By kind', 12, 8, 12, 8, 'short', [
        ['sum by (customresource_kind) (gotk_resource_info{suspended="true"})', '{{customresource_kind}}'],
      ]),
      timeseries(
        'Pinned versions',
        'Known bad after a rollback, and held back from image automation',
        0,
        16,
        12,
        8,
        'short',
        [
          [
            `max by (service, environment, version) (firebreak_pinned_version${SERVICE_SELECTOR})`,
            `${legend} {{version}}`,
          ],
        ],
      ),
      // A freeze of all services has no labels, which a variable does not select.
      timeseries('Freezes in force', 'By cause; of all services if none is named', 12, 16, 12, 8, 'short', [
        ['max by (service, environment, cause) (firebreak_freeze_in_force)', `${legend} {{cause}}`],
      ]),
      timeseries('Failed deploys', 'Without a later one that succeeded', 0, 24, 12, 8, 'short', [
        [
          `max by (service, environment, version) (firebreak_deployment_failed${SERVICE_SELECTOR})`,
          `${legend} {{version}}`,
        ],
      ]),
      timeseries('Rollouts of Argo Rollouts', 'By phase', 12, 24, 12, 8, 'short', [
        ['sum by (phase) (rollout_info)', '{{phase}}'],
      ]),
    ],
  );
}

/** Builds the dashboard of infrastructure as code: applies, their success, and drift. */
export function infrastructureDashboard(): Dashboard {
  const legend = '{{service}} {{environment}}';
  const applies = `${DORA_PREFIX}infrastructure_changes`;
  const appliesWith = (selected: string): string =>
    `max by (service, environment) (${applies}{service=~"$service", environment=~"$environment"${selected}})`;
  const all = `sum by (service, environment) (max by (service, environment, result) (${applies}${SERVICE_SELECTOR}))`;
  const share = `${appliesWith(', result="succeeded"')} / ${all}`;
  return dashboard(
    'firebreak-infrastructure',
    'Infrastructure as code',
    {
      tags: ['firebreak', 'delivery'],
      from: 'now-28d',
      variables: [
        ['service', applies],
        ['environment', `${applies}{service=~"$service"}`],
      ],
      deploysOf: SERVICE_SELECTOR,
    },
    [
      table('Last 28 days', 0, 0, 24, 9, [
        ['Applies', all, 'none'],
        ['Failed', appliesWith(', result="failed"'), 'none'],
        ['Succeeded', share],
      ]),
      timeseries('Success', 'Share of the applies of 28 days that succeeded', 0, 9, 12, 8, 'percentunit', [
        [share, legend],
      ]),
      timeseries('Applies', 'Of Terraform, OpenTofu, and others, over 28 days, by result', 12, 9, 12, 8, 'short', [
        [`max by (service, environment, result) (${applies}${SERVICE_SELECTOR})`, `${legend} {{result}}`],
      ]),
      timeseries('Time to restore', 'Median duration of incidents, over 28 days', 0, 17, 12, 8, 's', [
        [`max by (service, environment) (${DORA_PREFIX}time_to_restore_seconds${SERVICE_SELECTOR})`, legend],
      ]),
      timeseries('Differences from Git', 'Argo CD applications and Flux objects', 12, 17, 12, 8, 'short', [
        ['count(argocd_app_info{sync_status="OutOfSync"})', 'Argo CD'],
        ['count(gotk_resource_info{ready="False"})', 'Flux'],
      ]),
    ],
  );
}

/** Builds the dashboard of pipelines: success, durations, queues, and tests. */
export function pipelinesDashboard(): Dashboard {
  const increase = (series: string, by: string, range = '1d'): string =>
    `sum by (${by}) (increase(${series}[${range}]))`;
  const mean = (name: string, selected: string, by: string): string =>
    `${increase(`${name}_sum{${selected}}`, by)} / ${increase(`${name}_count{${selected}}`, by)}`;
  const p95 = (name: string, selected: string, by: string): string =>
    `histogram_quantile(0.95, ${increase(`${name}_bucket{${selected}}`, `le, ${by}`)})`;
  return dashboard(
    'firebreak-pipelines',
    'Pipeline health',
    {
      tags: ['firebreak', 'delivery'],
      from: 'now-14d',
      variables: [
        ['service', 'pipeline_runs_total'],
        ['branch', 'pipeline_runs_total{service=~"$service"}'],
      ],
      deploysOf: '{service=~"$service"}',
    },
    [
      timeseries(
        'Success',
        'Share of the runs of a day that succeeded. Target: above 95 %',
        0,
        0,
        12,
        8,
        'percentunit',
        [[successShare(RUNS), '{{service}}']],
      ),
      timeseries('Runs', 'Per day, by result', 12, 0, 12, 8, 'short', [
        [increase(`pipeline_runs_total{${RUNS}}`, 'service, result'), '{{service}} {{result}}'],
      ]),
      timeseries('Duration', 'Of the runs of a day. Target: a mean below 10 min', 0, 8, 12, 8, 's', [
        [mean('pipeline_duration_seconds', `${RUNS}, ${FINISHED}`, 'service'), '{{service}} mean'],
        [p95('pipeline_duration_seconds', `${RUNS}, ${FINISHED}`, 'service'), '{{service}} p95'],
      ]),
      timeseries('Slowest stages', '95 % of the stages of a day took at most this long', 12, 8, 12, 8, 's', [
        [
          `topk(10, ${p95('pipeline_stage_duration_seconds', `${RUNS}, ${FINISHED}`, 'service, stage')})`,
          '{{service}} {{stage}}',
        ],
      ]),
      timeseries('Queue', 'Time until runs and stages started. Target: below 5 min', 0, 16, 12, 8, 's', [
        [mean('time_queued_seconds', RUNS, 'service'), '{{service}} mean'],
        [p95('time_queued_seconds', RUNS, 'service'), '{{service}} p95'],
      ]),
      timeseries('Failed stages', 'Per day', 12, 16, 12, 8, 'short', [
        [
          increase(`pipeline_stage_duration_seconds_count{${RUNS}, result="failure"}`, 'service, stage'),
          '{{service}} {{stage}}',
        ],
      ]),
      timeseries('Flaky tests', 'Found in a week, once for each commit', 0, 24, 12, 8, 'short', [
        [increase(`pipeline_flaky_tests_total{${RUNS}}`, 'service, suite', '7d'), '{{service}} {{suite}}'],
      ]),
      timeseries('Tests', 'In the newest results of each suite', 12, 24, 12, 8, 'short', [
        [`max by (service, suite, result) (pipeline_test_results{${RUNS}})`, '{{service}} {{suite}} {{result}}'],
      ]),
      timeseries('Coverage', 'Share of covered code in the newest report', 0, 32, 12, 8, 'percentunit', [
        [`max by (service, branch) (pipeline_coverage_ratio{${RUNS}})`, '{{service}} {{branch}}'],
      ]),
      timeseries(
        'Reviews',
        'Time from a pull request to its first review and to its merge, over 28 days',
        12,
        32,
        12,
        8,
        's',
        [
          ['max by (service) (firebreak_code_first_review_median_seconds{service=~"$service"})', '{{service}} review'],
          ['max by (service) (firebreak_code_merge_median_seconds{service=~"$service"})', '{{service}} merge'],
        ],
      ),
      timeseries('Commits', 'On the default branch, over 28 days', 0, 40, 12, 8, 'short', [
        ['max by (service) (firebreak_code_commits{service=~"$service"})', '{{service}}'],
      ]),
      timeseries('Pull requests', 'By what happened, over 28 days', 12, 40, 12, 8, 'short', [
        ['max by (service, event) (firebreak_code_pull_requests{service=~"$service"})', '{{service}} {{event}}'],
      ]),
    ],
  );
}
