import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import type { Bucket } from '../history.ts';

/**
 * Result of reading 300 seconds from Prometheus.
 *
 * - `ok`: there were events, and they were counted.
 * - `no_traffic`: there are series, but there were no events.
 * - `no_data`: there are no series.
 * - `unclear`: the series cannot be interpreted, or cannot be interpreted as the absence of errors.
 */
export type Reading =
  | { kind: 'ok' | 'no_traffic'; bucket: Bucket }
  | { kind: 'no_data' }
  | { kind: 'unclear'; why: string };

/** Returns the counts; null: unknown. */
export const bucketOf = (reading: Reading): Bucket | null => ('bucket' in reading ? reading.bucket : null);

/** Returns the state of an objective after reading the last 300 seconds. */
export function stateOf(reading: Reading): Pick<SloStatus, 'state' | 'problem'> {
  if (reading.kind === 'unclear') return { state: 'unclear', problem: reading.why };
  return { state: reading.kind, problem: reading.kind === 'no_data' ? NO_SERIES : null };
}

const NO_SERIES =
  'Prometheus has no series for its queries: they refer to metrics that do not exist, or no longer exist';
