import type { DrillRecord, DrillStep } from '../../../schemas/automation/drill.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { isSameName } from '../changes/version-identity.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import type { TargetResponse, DriftCheck } from '../rollback/targets.ts';

/** Maximum number of attempts per phase. With the pauses between them, they take about an hour. */
export const ATTEMPTS_MAX = 140;

/** Seconds from the rollback until the check whether it holds. A sync of the CD system that reverts it takes that long. */
const HOLD_SECONDS = 60;

/** Maximum delay in seconds that a target can request. */
const DELAY_MAX_SECONDS = 300;

/** Why a drill cannot start. The code is a heading of docs/reference/errors.md. */
export type DrillRefusal = {
  code:
    | 'unknown-service-environment'
    | 'drills-not-enabled'
    | 'automation-paused'
    | 'no-deployer'
    | 'no-rollback-target'
    | 'deploy-in-progress'
    | 'incident-open'
    | 'target-locked'
    | 'drill-running';
  text: string;
};

/** Returns the services and environments with drills. */
export function drillEnvironments(services: Config['services']): ServiceEnvironment[] {
  return Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { drills }]) =>
      drills
        ? [
            {
              service: service as ServiceEnvironment['service'],
              environment: environment as ServiceEnvironment['environment'],
            },
          ]
        : [],
    ),
  );
}

/** Result of an attempt. `withheld`: the target was not called. */
export type StepReport = TargetResponse | DriftCheck | { kind: 'withheld'; detail: string };

/**
 * Returns the drill after an attempt. Even after a failure, the drill restores the original version, unless another
 * version was deployed in the meantime.
 */
export function afterAttempt(drill: DrillRecord, report: StepReport, at: Timestamp): DrillRecord {
  const next: DrillRecord = {
    ...drill,
    attempts: drill.attempts + 1,
    handle: handleAfter(drill, report),
    steps: withStep(drill, { at, phase: drill.phase, kind: report.kind, text: textOf(drill, report) }),
  };
  switch (drill.phase) {
    case 'back':
      return afterRollback(next, report, at);
    case 'hold':
      return rollingForward(next, report.kind === 'drifted' ? `the rollback was undone: ${report.detail}` : null);
    case 'forth':
      return afterRollForward(next, report, at);
    case 'ended':
      return drill;
  }
}

function afterRollback(drill: DrillRecord, report: StepReport, at: Timestamp): DrillRecord {
  const { from_version: from, to_version: to } = drill;
  switch (report.kind) {
    case 'succeeded': {
      const rolledBack = { ...drill, rollback_s: secondsBetween(drill.started_at, at) };
      return drill.asks_hold
        ? { ...rolledBack, phase: 'hold', attempts: 0, handle: null }
        : rollingForward(rolledBack, null);
    }
    case 'superseded':
      return ended(
        drill,
        `${report.current} is running instead of ${from}${drill.attempts > 1 ? '' : '; nothing was changed'}`,
        at,
      );
    case 'refused':
      return drill.attempts > 1
        ? rollingForward(drill, `the target refused the rollback: ${report.detail}`)
        : ended(drill, `the target refused the rollback: ${report.detail}`, at);
    case 'failed':
      return rollingForward(drill, `the rollback to ${to} failed: ${report.detail}`);
    case 'withheld':
      if (!drill.begun) return ended(drill, `${report.detail}; nothing was changed`, at);
      return isOutOfAttempts(drill) ? rollingForward(drill, `the drill could not continue: ${report.detail}`) : drill;
    case 'in_progress':
    case 'busy':
    case 'later':
    case 'holds':
    case 'drifted':
    case 'unknown':
      return isOutOfAttempts(drill)
        ? rollingForward(drill, `${to} was not running after an hour: ${textOf(drill, report)}`)
        : drill;
  }
}

function afterRollForward(drill: DrillRecord, report: StepReport, at: Timestamp): DrillRecord {
  const { from_version: from, to_version: to, reason } = drill;
  const endedInDoubt = (why: string): DrillRecord => {
    const text = `${why}. Check ${drill.service} in ${drill.environment}: it may still run ${to}`;
    return ended(drill, reason === null ? text : `${reason}. ${text}`, at);
  };
  switch (report.kind) {
    case 'succeeded':
      return ended(drill, reason, at);
    case 'superseded':
      // The version to restore was never replaced.
      if (isSameName(report.current, drill.from_name ?? from) && reason !== null) return ended(drill, reason, at);
      return ended(drill, `${reason === null ? '' : `${reason}. `}${report.current} was deployed in the meantime`, at);
    case 'refused':
    case 'failed':
      return endedInDoubt(`the roll-forward to ${from} failed: ${report.detail}`);
    case 'in_progress':
    case 'busy':
    case 'later':
    case 'withheld':
    case 'holds':
    case 'drifted':
    case 'unknown':
      return isOutOfAttempts(drill)
        ? endedInDoubt(`${from} was not running again after an hour: ${textOf(drill, report)}`)
        : drill;
  }
}

/** Aborts the drill immediately, because its workflow has failed or another operation has locked the target. */
export const abortedDrill = (drill: DrillRecord, why: string, at: Timestamp): DrillRecord => {
  const text = drill.begun
    ? `${why}. Check ${drill.service} in ${drill.environment}: it may still run ${drill.to_version}`
    : `${why}; nothing was changed`;
  return ended(drill, text, at);
};

/** Returns the seconds until the next attempt. */
export function pauseSeconds({ phase, attempts }: DrillRecord, report: StepReport): number {
  if (attempts === 0) return phase === 'hold' ? HOLD_SECONDS : 1;
  const usualSeconds = attempts < 12 ? 5 : attempts < 40 ? 15 : 30;
  return Math.max(usualSeconds, Math.min((report.kind === 'later' && report.afterSeconds) || 0, DELAY_MAX_SECONDS));
}

/** Returns the key of a phase's action, which is the same for every attempt. */
export const drillKey = ({ id, phase }: Pick<DrillRecord, 'id' | 'phase'>): string =>
  `drill.${id}.${phase === 'forth' ? 'forth' : 'back'}`;

const isOutOfAttempts = ({ attempts }: DrillRecord): boolean => attempts >= ATTEMPTS_MAX;

const rollingForward = (drill: DrillRecord, reason: string | null): DrillRecord => ({
  ...drill,
  phase: 'forth',
  reason,
  attempts: 0,
  handle: null,
});

const ended = (drill: DrillRecord, reason: string | null, at: Timestamp): DrillRecord => ({
  ...drill,
  phase: 'ended',
  outcome: reason === null ? 'proved' : 'failed',
  reason,
  ended_at: at,
  duration_s: secondsBetween(drill.started_at, at),
  handle: null,
});

/** Keeps the handle after an attempt without a usable result, so that the next one continues with it. */
function handleAfter({ handle }: DrillRecord, report: StepReport): string | null {
  if (report.kind === 'in_progress') return report.handle;
  return report.kind === 'later' || report.kind === 'busy' || report.kind === 'withheld' ? handle : null;
}

/** Skips repeated results. */
function withStep({ steps }: DrillRecord, step: DrillStep): DrillStep[] {
  const last = steps.at(-1);
  const isRepeated = last?.phase === step.phase && last.kind === step.kind && last.text === step.text;
  return isRepeated ? steps : [...steps, step];
}

function textOf({ phase, from_version, to_version }: DrillRecord, report: StepReport): string {
  const version = phase === 'forth' ? from_version : to_version;
  switch (report.kind) {
    case 'succeeded':
      return `${version} is running again`;
    case 'in_progress':
      return `changing to ${version}${report.waitsFor === undefined ? '' : `, waiting for a person: ${report.waitsFor}`}`;
    case 'superseded':
      return `${report.current} is running now`;
    case 'holds':
      return `${version} is still running`;
    case 'failed':
    case 'refused':
    case 'busy':
    case 'later':
    case 'withheld':
    case 'drifted':
    case 'unknown':
      return report.detail;
  }
}
