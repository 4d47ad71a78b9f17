import { ExperimentId, type ExperimentRecord } from '../experiment.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';

export const EXPERIMENT_ID = ExperimentId.parse('01JE0000000000000000000000');

export const checkoutProduction = {
  service: ServiceName.parse('checkout'),
  environment: EnvironmentName.parse('production'),
};

/** Returns a running experiment on checkout in production, which started at the epoch's tenth minute. */
export const anExperiment = (more: Partial<ExperimentRecord> = {}): ExperimentRecord => ({
  id: EXPERIMENT_ID,
  name: 'kill one pod',
  scope: [checkoutProduction],
  hypothesis: 'Checkout survives the loss of one pod',
  checks: [
    {
      name: 'errors',
      promql: 'job:checkout:error_ratio',
      metric: null,
      min: null,
      max: 0.02,
      abort_below: null,
      abort_above: 0.2,
      tolerated: 0,
    },
  ],
  status: 'running',
  duration_seconds: 300,
  interval_seconds: 30,
  steady_state_seconds: 300,
  missing_limit: 4,
  grace_seconds: 120,
  expected_alerts: [],
  abort_alerts: [{ alertname: 'DataLoss' }],
  run: { kind: 'http', id: 'run-1' },
  observed: false,
  reason: 'running',
  created_at: timestamp(600_000),
  created_by: 'token:ci',
  started_at: timestamp(600_000),
  stopped_at: null,
  ended_at: null,
  ending: null,
  stop: { state: 'not_asked', detail: '' },
  chaos: null,
  expected: 0,
  conclusion: null,
  chaos_config: { kind: 'http', url: 'https://chaos.test/runs' },
  change_ids: [],
  request: null,
  abort_alert: null,
  stop_attempts: 0,
  until: timestamp(900_000),
  expires_at: timestamp(1_020_000),
  observed_at: null,
  missing_in_a_row: {},
  events: 0,
  observations: 0,
  closed: false,
  trace: '0'.repeat(32),
  run_number: 1,
  execution: null,
  callback: null,
  rev: 0,
  ...more,
});
