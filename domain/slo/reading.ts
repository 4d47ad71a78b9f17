import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Bucket } from './history.ts';

/**
 * What Prometheus says of 300 seconds.
 *
 * - `ok`: something happened, and was counted.
 * - `no_traffic`: there are series, and nothing happened.
 * - `no_data`: there are no series.
 * - `unclear`: what there is cannot be understood, or not as the absence of errors.
 */
export type Reading =
  | { kind: 'ok' | 'no_traffic'; bucket: Bucket }
  | { kind: 'no_data' }
  | { kind: 'unclear'; why: string };

/** Null: unknown. */
export const bucketOf = (reading: Reading): Bucket | null => ('bucket' in reading ? reading.bucket : null);

/** What the reading of the last 300 seconds says about an objective. */
export function stateOf(reading: Reading): Pick<SloStatus, 'state' | 'problem'> {
  if (reading.kind === 'unclear') return { state: 'unclear', problem: reading.why };
  return { state: reading.kind, problem: reading.kind === 'no_data' ? NO_SERIES : null };
}

const NO_SERIES = 'Prometheus has no series for its queries: they name something that is not there, or not any more';
