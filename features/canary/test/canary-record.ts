import { CanaryId, type CanaryRecord } from '../canary.ts';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Returns the ports of features with freeze checks that sign nothing, as without a key. */
export const unsigned = ({ features }: Pick<Product, 'features'>): Product['features'] => ({
  ...features,
  freeze: { ...features['freeze'], signer: { sign: async () => null } },
});

/** Returns a canary in its first step. @param number part of its ID */
export const canaryRecord = (number: number, at: Timestamp, more: Partial<CanaryRecord> = {}): CanaryRecord => ({
  id: CanaryId.parse(`01TEST${'CR'.padEnd(16, '0')}${String(number).padStart(4, '0')}`),
  service: ServiceName.parse('checkout'),
  environment: EnvironmentName.parse('production'),
  version: Version.parse('v2'),
  stable_version: Version.parse('v1'),
  status: 'progressing',
  weight: 5,
  weight_since: at,
  steps: [5, 25, 100],
  step_seconds: 600,
  hold: null,
  verdict: 'healthy',
  reason: '5 % of the traffic',
  target: 'router',
  change_id: ChangeId.parse(`chg_${'0'.repeat(26)}`),
  asked_by: 'ada',
  started_at: at,
  ended_at: null,
  check_seconds: 30,
  stalled_seconds: 1800,
  severity: 'critical',
  limits: { errorRatio: 0.01, p95Seconds: 0.8 },
  resource: 'router',
  order: null,
  command: null,
  sequence: 1,
  skip: false,
  full: false,
  degraded: false,
  ending: null,
  alerted_at: null,
  confirmed: 0,
  checks: 1,
  events: 0,
  trace: 't',
  run: 1,
  execution: null,
  callback: null,
  rev: 0,
  ...more,
});
