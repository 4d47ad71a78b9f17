import type { DoraDeploy } from '../../schemas/delivery/dora.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { median } from './quantiles.ts';

/** What happened in one part of a window, a day or a week. */
export type TrendPoint = {
  from: Timestamp;
  until: Timestamp;
  /** Deploys that succeeded. */
  deploys: number;
  /** Deploys that are not pending, and those of them that failed. */
  rated: number;
  failed: number;
  /** Null: no commit with a time arrived. */
  lead_median_s: number | null;
};

const DAY_SECONDS = 24 * 3600;

/** Longer windows are divided into weeks. */
const DAYS_MAX = 31;

/** Divides a window into days or, if it is long, into weeks, counted back from its end. */
export function trendOf(
  { deploys }: { deploys: readonly DoraDeploy[] },
  { from, until }: { from: Timestamp; until: Timestamp },
): TrendPoint[] {
  const days = secondsBetween(from, until) / DAY_SECONDS;
  const partSeconds = (days > DAYS_MAX ? 7 : 1) * DAY_SECONDS;
  const count = Math.max(1, Math.ceil(secondsBetween(from, until) / partSeconds));
  const withoutRollbacks = deploys.filter(({ kind }) => kind !== 'rollback');
  const inPart = Map.groupBy(withoutRollbacks, ({ started_at: at }) =>
    Math.min(count - 1, Math.floor(secondsBetween(at, until) / partSeconds)),
  );
  return Array.from({ length: count }, (_, index) => {
    const partsBack = count - 1 - index;
    const deploysInPart = inPart.get(partsBack) ?? [];
    const rated = deploysInPart.filter(({ pending }) => !pending);
    const start = plusSeconds(until, -(partsBack + 1) * partSeconds);
    return {
      from: start < from ? from : start,
      until: plusSeconds(until, -partsBack * partSeconds),
      deploys: deploysInPart.filter(({ status }) => status === 'succeeded').length,
      rated: rated.length,
      failed: rated.filter(({ failures }) => failures.length > 0).length,
      lead_median_s: median(deploysInPart.flatMap(({ lead_times_s: seconds }) => seconds)),
    };
  });
}
