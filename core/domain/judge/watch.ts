import type { JudgementView } from '../../../schemas/judge/judgement.ts';
import {
  type WatchCheck,
  type WatchConfig,
  type WatchFinding,
  WatchId,
  type WatchOutcome,
  type WatchRecord,
} from '../../../schemas/judge/watch.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { byStart, endOf, liveChanges } from '../changes/versions.ts';

/** A change that was reported later than this after its end is not watched: its version is older than what is compared. */
const REPORTED_LATE_SECONDS = 3600;

/** Maximum number of reasons stored per check. */
const REASONS_MAX = 5;

export const watchIdOf = (change: ChangeId): WatchId => WatchId.parse(`wch_${change.slice('chg_'.length)}`);

export const isReportedLate = (change: Change, now: Timestamp): boolean =>
  secondsBetween(endOf(change), now) > REPORTED_LATE_SECONDS;

/**
 * Returns the watch of a change that has ended. Undefined: it is not watched, because it failed, brought an older version
 * back, is no longer live, or was reported late.
 *
 * @param recent newest changes of the service and environment, oldest first
 */
export function newWatch(
  change: Change,
  { config, recent, now }: { config: WatchConfig; recent: readonly Change[]; now: Timestamp },
): WatchRecord | undefined {
  const isDeploy = change.kind === 'deploy' || change.kind === 'hotfix';
  if (!isDeploy || change.status !== 'succeeded') return undefined;
  if (isReportedLate(change, now)) return undefined;
  const live = liveChanges(recent);
  if (live.at(-1)?.id !== change.id) return undefined;
  const baseline = live.findLast((other) => byStart(other, change) < 0 && other.version !== change.version);
  return {
    id: watchIdOf(change.id),
    change_id: change.id,
    service: change.service,
    environment: change.environment,
    version: change.version,
    baseline: baseline?.version ?? null,
    started_at: now,
    ended_at: null,
    checks_planned: config.checks,
    interval_seconds: config.intervalSeconds,
    outcome: null,
    reason: null,
    startup: { seconds: null, max_seconds: config.startupMaxSeconds, slow: false },
    checks: [],
    metrics: [],
    deployed_at: endOf(change),
    degraded_since: null,
    samples: [],
    findings: [],
    reported: [],
    run: 1,
    execution: null,
    rev: 0,
  };
}

/** Returns when a check is due. @param timeScale factor by which Firebreak's pauses are shortened */
export const dueAt = (
  { started_at, interval_seconds }: Pick<WatchRecord, 'started_at' | 'interval_seconds'>,
  number: number,
  timeScale: number,
): Timestamp => plusSeconds(started_at, (number * interval_seconds) / timeScale);

/**
 * Returns the number of the newest check that is due and not recorded; undefined if none is. Earlier ones are missed. The
 * last check is never missed, because it decides: it is done as soon as a process runs again.
 */
export function dueCheck(watch: WatchRecord, now: Timestamp, timeScale: number): number | undefined {
  const next = watch.checks.length + 1;
  let due: number | undefined;
  for (let number = next; number <= watch.checks_planned && dueAt(watch, number, timeScale) <= now; number += 1)
    due = number;
  return due;
}

/** Returns whether a watch has ended, and all its findings are reported. */
export const isWatchOver = ({ ended_at, findings, reported }: WatchRecord): boolean =>
  ended_at !== null && findings.every((finding) => reported.includes(finding));

/** What a check found. `servedAt`: when the version was first measured. `isMeasured`: something could be read. */
export type CheckFindings = {
  judgement: Pick<JudgementView, 'verdict' | 'reasons' | 'metrics' | 'since'>;
  servedAt: Timestamp | null;
  isMeasured: boolean;
  samples: WatchRecord['samples'];
};

/** Returns the watch after a check, with the checks before it that were missed. A degraded version, or the last check, ends it. */
export function withCheck(
  watch: WatchRecord,
  number: number,
  { judgement, servedAt, isMeasured, samples }: CheckFindings,
  { now, timeScale }: { now: Timestamp; timeScale: number },
): WatchRecord {
  const { verdict, metrics } = judgement;
  const missed = Array.from({ length: number - watch.checks.length - 1 }, (_, index): WatchCheck => {
    const missedNumber = watch.checks.length + 1 + index;
    return {
      number: missedNumber,
      due_at: dueAt(watch, missedNumber, timeScale),
      at: null,
      verdict: 'missed',
      reasons: [MISSED_REASON],
    };
  });
  const check: WatchCheck = {
    number,
    due_at: dueAt(watch, number, timeScale),
    at: now,
    verdict,
    reasons: judgement.reasons.slice(0, REASONS_MAX),
  };
  const next: WatchRecord = {
    ...watch,
    startup: startupAfter(watch, { servedAt, isMeasured, now }),
    checks: [...watch.checks, ...missed, check],
    metrics,
    samples: [...samples],
    degraded_since: verdict === 'degraded' ? degradedSince(watch, judgement.since) : null,
  };
  if (verdict !== 'degraded' && number < watch.checks_planned) return next;
  const reason = check.reasons.join('; ') || 'nothing was measured';
  return endedWatch(next, verdict, reason, now);
}

const MISSED_REASON = 'no process of Firebreak was running when the check was due';

/** The problem began with the version's first measurement, but not before its deploy ended or after now. */
const degradedSince = ({ deployed_at }: WatchRecord, measuredSince: string | null): Timestamp =>
  measuredSince !== null && measuredSince > deployed_at ? (measuredSince as Timestamp) : deployed_at;

/** A start-up that was measured stays as it is. */
function startupAfter(
  { startup, deployed_at }: WatchRecord,
  { servedAt, isMeasured, now }: Pick<CheckFindings, 'servedAt' | 'isMeasured'> & { now: Timestamp },
): WatchRecord['startup'] {
  if (startup.seconds !== null || !isMeasured) return startup;
  const seconds = Math.max(0, secondsBetween(deployed_at, servedAt ?? now));
  return { ...startup, seconds: servedAt === null ? null : seconds, slow: seconds > startup.max_seconds };
}

/** Returns the watch with its end, and with what it has to report. */
export function endedWatch(watch: WatchRecord, outcome: WatchOutcome, reason: string, now: Timestamp): WatchRecord {
  const findings: WatchFinding[] = [
    ...(outcome === 'degraded' || outcome === 'inconclusive' ? [outcome] : []),
    ...(watch.startup.slow ? (['slow'] as const) : []),
  ];
  return { ...watch, outcome, reason, ended_at: now, findings };
}

/** Returns why a watch is over before its last check. Undefined: it goes on. */
export function earlyEndOf(
  { change_id, version }: WatchRecord,
  { recent, isConfigured }: { recent: readonly Change[]; isConfigured: boolean },
): { outcome: 'superseded' | 'stopped'; reason: string } | undefined {
  const change = recent.find(({ id }) => id === change_id);
  if (change !== undefined && change.status !== 'succeeded')
    return { outcome: 'stopped', reason: `the deploy of ${version} was reported as ${change.status}` };
  const newer = replacedBy(recent, change_id);
  if (newer !== undefined)
    return {
      outcome: 'superseded',
      reason: newer.kind === 'rollback' ? `rolled back to ${newer.version}` : `${newer.version} was deployed meanwhile`,
    };
  return isConfigured
    ? undefined
    : { outcome: 'stopped', reason: 'the catalogue no longer watches the service in this environment' };
}

/** Returns the change that put another version live after this one. Undefined: none, or it is not known. */
export function replacedBy(recent: readonly Change[], id: ChangeId): Change | undefined {
  const change = recent.find((other) => other.id === id);
  const live = liveChanges(recent).at(-1);
  // A change that is no longer among the newest has been replaced, too.
  return live !== undefined && live.id !== id && (change === undefined || byStart(live, change) > 0) ? live : undefined;
}
