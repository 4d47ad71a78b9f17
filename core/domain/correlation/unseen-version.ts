import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { byStart, putsVersionLive } from '../changes/versions.ts';
import type { Evidence } from './evidence.ts';
import type { Onset } from './onset.ts';
import { isOnlyReady, readyPods, whyNotServing } from './pods.ts';
import { pointsBetween, mean, pointsOf, valuesByTime } from './samples.ts';
import { seriesOf } from './series.ts';
import { formatDuration, formatPercent } from './words.ts';
import { FRESH_SECONDS } from './version-traffic.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Part of the requests without a version from which on a version may have lost its label, more than before its rollout. */
const UNNAMED_SHARE = 0.1;

/** The same, if pods of the version are ready. */
const UNNAMED_SHARE_OF_READY = 0.01;

/**
 * Says why a version that is not measured can be the cause nevertheless: its pods can't start, it has served since its rollout
 * and ended, as if it crashed, or requests name no version since then, or must be its own. Null: nothing shows that.
 */
export function whyUnseen(evidence: Evidence, change: Change): string | null {
  const { version, started_at } = change;
  const notServing = whyNotServing(evidence, change);
  if (notServing !== null) return notServing;
  const { by_version: versions, traffic, at } = evidence;
  const start = millisOf(started_at);
  const own = seriesOf(evidence, change);
  const last = pointsOf(own?.traffic ?? own?.curve ?? [], at).findLast((point) => point.at > start && point.value > 0);
  if (last !== undefined) {
    const next = evidence.changes.find(
      (other) => other.relation === 'same' && putsVersionLive(other.change) && byStart(other.change, change) > 0,
    )?.change;
    const why = next === undefined ? 'its instances may crash' : `${next.version} was deployed since`;
    return `${version} has served, and reports nothing any more since ${formatDuration((millisOf(at) - last.at) / 1000)}: ${why}`;
  }
  const unnamed = (from: number, until: number): number => {
    const all = mean(pointsBetween(pointsOf(traffic ?? [], at), from, until));
    const rates = (versions ?? []).map((one) => mean(pointsBetween(pointsOf(one.traffic ?? [], at), from, until)) || 0);
    // Requests counted at another place can be fewer than those of the versions.
    return Math.max(0, 1 - rates.reduce((sum, rate) => sum + rate, 0) / all);
  };
  const now = unnamed(millisOf(at) - FRESH_SECONDS * 1000, Infinity);
  const ready = readyPods(evidence, change);
  if (isOnlyReady(evidence, change) || (ready > 0 && Number.isNaN(now) && change.canary_weight === null))
    return `no request names ${version}, but its pods are ready (${ready}), so its label may be lost`;
  return now - unnamed(start - UNKNOWN_WINDOW_SECONDS.longest * 1000, start) >=
    (ready > 0 ? UNNAMED_SHARE_OF_READY : UNNAMED_SHARE)
    ? `${formatPercent(now)} of the requests name no version since its rollout, so ${version} may serve without its label`
    : null;
}

/** Part of all errors that the versions must account for, so that a comparison of them can be trusted. */
const NAMED_ERRORS = 0.9;

/**
 * Says that many errors since the onset name no version, so that any version can have them. Null: few do, or errors and requests
 * are not measured by version.
 */
export function errorsWithoutVersion({ by_version: versions, health, at }: Evidence, { latest }: Onset): string | null {
  if (versions === null || health === null || health.quantile === true) return null;
  const known = versions.map(({ curve, traffic }) => ({
    values: valuesByTime(curve, at),
    rates: traffic && valuesByTime(traffic, at),
  }));
  if (known.some(({ rates }) => rates === null)) return null;
  let [named, all] = [0, 0];
  for (const { at: time, value } of pointsBetween(pointsOf(health.curve, at), millisOf(latest), Infinity)) {
    const rates = known.map((one) => one.rates?.get(time) ?? 0);
    named += known.reduce((sum, { values }, index) => sum + (values.get(time) ?? 0) * (rates[index] ?? 0), 0);
    all += value * rates.reduce((sum, rate) => sum + rate, 0);
  }
  return named >= NAMED_ERRORS * all
    ? null
    : `${formatPercent(1 - named / all)} of the errors name no version, so any version can have them`;
}
