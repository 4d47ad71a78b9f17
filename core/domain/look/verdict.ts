import type { MetricJudgement } from '../judge/evidence.ts';
import type { LookVerdict } from '../../../schemas/incidents/look.ts';
import type { LookInstance } from '../rollback/targets.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

/** Longest duration of a look in seconds. */
export const LOOK_SECONDS = 300;

/** Seconds within which an instance is ready, unless it fails. */
export const READY_SECONDS = 60;

/** Seconds after both instances are ready that do not count: caches and connections are cold. */
export const WARM_UP_SECONDS = 30;

/** Seconds of a look in which both instances serve, at least: without their start, warm-up, and the last window. */
export const MIN_SHARED_SECONDS = LOOK_SECONDS - READY_SECONDS - WARM_UP_SECONDS;

/** Windows after which an equal result of both instances is final. */
const EQUAL_WINDOWS = 4;

/** With this many times the errors of the other, a version is worse although both are above the limit. */
const CLEARLY_WORSE = 3;

/** The two instances of a look. */
export type LookPair = { suspect: LookInstance; other: LookInstance };

/** The two versions, as the texts name them. */
export type LookVersions = { suspect: string; other: string };

/** A result with its reason in a sentence. `metric`: the one that decided. Null: the instances themselves. */
export type LookResult = { verdict: LookVerdict; text: string; metric: string | null };

/** What a look says besides its result, so that nobody reads more into it. */
const BOTH_TEXT =
  'this does not clear the version: both can be cold, or depend on something that the new version overloads';

/**
 * Decides by the instances alone: one that does not become ready within a minute, fails, or restarts is a finding. Null: both are
 * ready, or have time left.
 */
export function resultOfInstances(
  { suspect, other }: LookPair,
  versions: LookVersions,
  { startedAt, now }: { startedAt: Timestamp; now: Timestamp },
): LookResult | null {
  const isLate = secondsBetween(startedAt, now) >= READY_SECONDS;
  const problemOf = (one: LookInstance): string | null =>
    one.state === 'failed' || one.restarts > 0
      ? (one.detail ?? (one.restarts > 0 ? `restarted ${one.restarts} times` : 'failed'))
      : one.state === 'gone'
        ? 'was removed'
        : one.state === 'starting' && isLate
          ? `not ready after ${READY_SECONDS} s${one.detail === null ? '' : `: ${one.detail}`}`
          : null;
  const [ofSuspect, ofOther] = [problemOf(suspect), problemOf(other)];
  if (ofSuspect === null && ofOther === null) return null;
  if (suspect.state === 'gone' || other.state === 'gone')
    return {
      verdict: 'refused',
      text: 'tested without result: an instance was removed by another system',
      metric: null,
    };
  // The one that starts slower may still become ready: only its own minute counts.
  if (!isLate && (suspect.state === 'starting' || other.state === 'starting')) return null;
  const found = `${versions.suspect}: ${ofSuspect ?? 'ready'}; ${versions.other}: ${ofOther ?? 'ready'}`;
  if (ofOther === null)
    return {
      verdict: 'only_suspect',
      text: `tested: of two fresh instances, only that of ${versions.suspect} does not run (${found})`,
      metric: null,
    };
  if (ofSuspect === null)
    return {
      verdict: 'only_other',
      text: `tested: of two fresh instances, only that of ${versions.other} does not run (${found}), so a rollback would not help`,
      metric: null,
    };
  return { verdict: 'both', text: `tested: neither fresh instance runs (${found}); ${BOTH_TEXT}`, metric: null };
}

/** The judgement of one metric, and the limit above which an instance fails. Null: none is known. */
export type JudgedMetric = { judged: MetricJudgement; limit: number | null };

/**
 * Decides by the metrics of both instances since their warm-up, with the sequential test of the judge. Null: undecided yet.
 *
 * @param windows windows that were compared so far
 */
export function resultOfMetrics(
  metrics: readonly JudgedMetric[],
  versions: LookVersions,
  windows: number,
): LookResult | null {
  const worse = metrics.find(({ judged }) => judged.verdict === 'degraded');
  if (worse !== undefined) {
    const { name, reason } = worse.judged;
    return isAlsoBad(worse)
      ? {
          verdict: 'both',
          text: `tested: fresh instances of ${versions.suspect} and ${versions.other} both fail (${name}: ${reason}); ${BOTH_TEXT}`,
          metric: name,
        }
      : {
          verdict: 'only_suspect',
          text: `tested: of two fresh instances, only that of ${versions.suspect} fails (${name}: ${reason})`,
          metric: name,
        };
  }
  if (windows < EQUAL_WINDOWS) return null;
  const compared = metrics.filter(({ judged }) => judged.p !== null);
  const above = (value: number | null, limit: number | null): boolean =>
    value !== null && limit !== null && value > limit;
  const both = compared.find(({ judged, limit }) => above(judged.version, limit) && above(judged.baseline, limit));
  if (both !== undefined)
    return {
      verdict: 'both',
      text: `tested: fresh instances of ${versions.suspect} and ${versions.other} both fail (${both.judged.name}: ${both.judged.reason}); ${BOTH_TEXT}`,
      metric: both.judged.name,
    };
  const other = compared.find(({ judged, limit }) => above(judged.baseline, limit) && !above(judged.version, limit));
  if (other !== undefined)
    return {
      verdict: 'only_other',
      text: `tested: of two fresh instances, only that of ${versions.other} fails (${other.judged.name}: ${other.judged.reason}), so a rollback would not help`,
      metric: other.judged.name,
    };
  if (metrics.length > 0 && metrics.every(isWell))
    return {
      verdict: 'neither',
      text: `tested: neither a fresh instance of ${versions.suspect} nor one of ${versions.other} fails (${metrics.map(({ judged }) => `${judged.name}: ${judged.reason}`).join('; ')})`,
      metric: metrics[0]?.judged.name ?? null,
    };
  return null;
}

/** Returns whether both instances are well: within the limit, or not worse by the judge where none is known. */
const isWell = ({ judged: { version, baseline, p, verdict }, limit }: JudgedMetric): boolean =>
  limit === null
    ? verdict === 'healthy'
    : p !== null && version !== null && baseline !== null && version <= limit && baseline <= limit;

function isAlsoBad({ judged: { version, baseline }, limit }: JudgedMetric): boolean {
  return (
    limit !== null && baseline !== null && version !== null && baseline > limit && version < CLEARLY_WORSE * baseline
  );
}

/** Describes a look that did not decide within its time. */
export function undecided(metrics: readonly JudgedMetric[], versions: LookVersions): LookResult {
  const reasons = metrics.map(({ judged }) => `${judged.name}: ${judged.reason}`).join('; ');
  const measured = reasons === '' ? 'no metric has the label pod or instance of the two' : reasons;
  return {
    verdict: 'undecided',
    text: `tested without result: ${versions.suspect} and ${versions.other} could not be told apart within ${LOOK_SECONDS / 60} minutes (${measured})`,
    metric: metrics[0]?.judged.name ?? null,
  };
}
