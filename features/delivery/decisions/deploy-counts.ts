import type { DeployRecord } from '../deploy-record.ts';
import { millisOf } from '../../../schemas/time/time.ts';

/** Upper bounds of the buckets of `deployment_duration_seconds`. */
export const DURATION_BUCKETS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200] as const;

/** Name of the sum of the durations, beside the buckets. */
export const DURATION_SUM = 'duration_sum';

export const bucketName = (le: string): string => `duration_le_${le}`;

type Counted = Pick<DeployRecord, 'id' | 'started_at' | 'at'>;

/**
 * Returns what deploys and rollbacks add to the counts of their service and environment: `success`, `failure`, `rollback`,
 * and the durations. A rollback counts if it succeeded. A deploy without a start before its end has no duration.
 *
 * @param counted the same deploys as they were counted before. Only their duration counts now, if it was not known then
 */
export function deployCounts(records: readonly DeployRecord[], counted: readonly Counted[]): Record<string, number> {
  const before = new Map(counted.map((record) => [record.id, record]));
  const counts: Record<string, number> = {};
  const add = (name: string, by: number): void => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  for (const { id, kind, status, started_at, at } of records) {
    const known = before.get(id);
    if (kind === 'rollback' && status === 'succeeded' && known === undefined) add('rollback', 1);
    if (kind !== 'deploy' && kind !== 'hotfix') continue;
    if (known === undefined) add(status === 'succeeded' ? 'success' : 'failure', 1);
    if (at <= started_at || (known !== undefined && known.at > known.started_at)) continue;
    const seconds = Math.max(1, Math.round((millisOf(at) - millisOf(started_at)) / 1000));
    add(bucketName(String(DURATION_BUCKETS.find((max) => seconds <= max) ?? '+Inf')), 1);
    add(DURATION_SUM, seconds);
  }
  return counts;
}
