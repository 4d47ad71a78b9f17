import type { JudgementView } from '../../schemas/canary/judgement.ts';
import {
  type WatchCheck,
  type WatchConfig,
  type WatchFinding,
  WatchId,
  type WatchOutcome,
  type WatchRecord,
} from '../../schemas/canary/watch.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { ChangeId } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { byStart, endOf, liveChanges } from '../changes/versions.ts';

/** A change that was reported later than this after its end is not watched: its version is older than what is compared. */
const REPORTED_LATE_SECONDS = 3600;

/** Reasons that a check keeps. */
const REASONS_KEPT = 5;

export const watchIdOf = (change: ChangeId): WatchId => WatchId.parse(`wch_${change.slice('chg_'.length)}`);

export const isReportedLate = (change: Change, now: Timestamp): boolean =>
  secondsBetween(endOf(change), now) > REPORTED_LATE_SECONDS;

/**
 * Returns the watch of a change that has ended. Undefined: it is not watched, because it failed, brought an older version
 * back, is no longer live, or was reported late.
 *
 * @param recent newest changes of the service and environment, oldest first
 */
export function watchOf(
  change: Change,
  { config, recent, now }: { config: WatchConfig; recent: readonly Change[]; now: Timestamp },
): WatchRecord | undefined {
  const isDeploy = change.kind === 'deploy' || change.kind === 'hotfix';
  if (!isDeploy || change.status !== 'succeeded') return undefined;
  if (isReportedLate(change, now)) return undefined;
  const live = liveChanges(recent);
  if (live.at(-1)?.id !== change.id) return undefined;
  const before = live.findLast((other) => byStart(other, change) < 0 && other.version !== change.version);
  return {
    id: watchIdOf(change.id),
    change_id: change.id,
    service: change.service,
    environment: change.environment,
    version: change.version,
    baseline: before?.version ?? null,
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

/** A watch is over when it has ended, and all its findings are reported. */
export const isWatchOver = ({ ended_at, findings, reported }: WatchRecord): boolean =>
  ended_at !== null && findings.every((finding) => reported.includes(finding));

/** What a check found. `servedAt`: when the version was first measured. `isMeasured`: something could be read. */
export type Checked = {
  judgement: Pick<JudgementView, 'verdict' | 'reasons' | 'metrics' | 'since'>;
  servedAt: Timestamp | null;
  isMeasured: boolean;
  samples: WatchRecord['samples'];
};

/** Returns the watch after a check, with the checks before it that were missed. A degraded version, or the last check, ends it. */
export function withCheck(
  watch: WatchRecord,
  number: number,
  { judgement, servedAt, isMeasured, samples }: Checked,
  { now, timeScale }: { now: Timestamp; timeScale: number },
): WatchRecord {
  const { verdict, metrics } = judgement;
  const missed = Array.from({ length: number - watch.checks.length - 1 }, (_, index): WatchCheck => {
    const of = watch.checks.length + 1 + index;
    return { number: of, due_at: dueAt(watch, of, timeScale), at: null, verdict: 'missed', reasons: [MISSED] };
  });
  const done: WatchCheck = {
    number,
    due_at: dueAt(watch, number, timeScale),
    at: now,
    verdict,
    reasons: judgement.reasons.slice(0, REASONS_KEPT),
  };
  const next: WatchRecord = {
    ...watch,
    startup: startupAfter(watch, { servedAt, isMeasured, now }),
    checks: [...watch.checks, ...missed, done],
    metrics,
    samples: [...samples],
    degraded_since: verdict === 'degraded' ? since(watch, judgement.since) : null,
  };
  if (verdict !== 'degraded' && number < watch.checks_planned) return next;
  const reason = done.reasons.join('; ') || 'nothing was measured';
  return ended(next, verdict, reason, now);
}

const MISSED = 'no process of Firebreak was running when the check was due';

/** The problem began with the version's first measurement, but not before its deploy ended or after now. */
const since = ({ deployed_at }: WatchRecord, measured: string | null): Timestamp =>
  measured !== null && measured > deployed_at ? (measured as Timestamp) : deployed_at;

/** A start-up that was measured stays as it is. */
function startupAfter(
  { startup, deployed_at }: WatchRecord,
  { servedAt, isMeasured, now }: Pick<Checked, 'servedAt' | 'isMeasured'> & { now: Timestamp },
): WatchRecord['startup'] {
  if (startup.seconds !== null || !isMeasured) return startup;
  const seconds = Math.max(0, secondsBetween(deployed_at, servedAt ?? now));
  return { ...startup, seconds: servedAt === null ? null : seconds, slow: seconds > startup.max_seconds };
}

/** Returns the watch with its end, and with what it has to report. */
export function ended(watch: WatchRecord, outcome: WatchOutcome, reason: string, now: Timestamp): WatchRecord {
  const findings: WatchFinding[] = [
    ...(outcome === 'degraded' || outcome === 'inconclusive' ? [outcome] : []),
    ...(watch.startup.slow ? (['slow'] as const) : []),
  ];
  return { ...watch, outcome, reason, ended_at: now, findings };
}

/** Returns why a watch is over before its last check. Undefined: it goes on. */
export function overtaken(
  { change_id, version }: WatchRecord,
  { recent, isConfigured }: { recent: readonly Change[]; isConfigured: boolean },
): { outcome: 'superseded' | 'stopped'; reason: string } | undefined {
  const own = recent.find(({ id }) => id === change_id);
  if (own !== undefined && own.status !== 'succeeded')
    return { outcome: 'stopped', reason: `the deploy of ${version} was reported as ${own.status}` };
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
  const own = recent.find((change) => change.id === id);
  const live = liveChanges(recent).at(-1);
  // A change that is no longer among the newest has been replaced, too.
  return live !== undefined && live.id !== id && (own === undefined || byStart(live, own) > 0) ? live : undefined;
}
