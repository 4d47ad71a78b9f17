import { callersQueryOf } from '../../core/domain/catalogue/callers-query.ts';
import type { HealthQuery } from '../../core/domain/catalogue/health.ts';
import type { Curve, Evidence } from '../../core/domain/correlation/evidence.ts';
import type { Onset } from '../../core/domain/correlation/onset.ts';
import type { Metrics } from '../../core/domain/ports/metrics.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { byVersionOf, closeVersionsOf } from './versions.ts';

/**
 * Reads which share of the requests of callers fails, by the version of the service, in the unit of its health query. Empty: not
 * configured, no answer, or not comparable with the limit of the health query.
 */
export async function seenByCallers(
  metrics: Metrics,
  query: HealthQuery | undefined,
  { own, onset, from, at }: { own: readonly Change[]; onset: Onset; from: Timestamp; at: Timestamp },
): Promise<Pick<Evidence, 'callers'>> {
  const { callersByVersion } = query ?? {};
  const asked = query && callersByVersion !== undefined ? callersQueryOf({ ...query, callersByVersion }) : null;
  if (query === undefined || asked === null) return {};
  const { failures, requests, label, window, unit, whole } = asked;
  const split = { ...query, byVersion: failures, trafficByVersion: requests };
  const [versions, shares, { by_version_close: close }] = await Promise.all([
    metrics.rangeByLabel(failures, label, from, at, 'max'),
    metrics.rangeByLabel(requests, label, from, at, 'sum'),
    closeVersionsOf(metrics, split, { own, onset, at, label }),
  ]);
  if (versions === null || versions.length === 0 || shares === null) return {};
  const inUnit = (all: NonNullable<Evidence['by_version']>) =>
    all.map((one) => ({
      ...one,
      curve: one.curve.map(([time, value]): Curve[number] => [time, (value * whole) / unit]),
    }));
  return {
    callers: {
      max: query.max,
      whole,
      window,
      versions: inUnit(byVersionOf(versions, shares)),
      ...(close && { close: { ...close, versions: inUnit(close.versions) } }),
    },
  };
}
