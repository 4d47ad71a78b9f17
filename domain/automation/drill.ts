import type { DrillRecord, DrillStep } from '../../schemas/automation/drill.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { ActAnswer, Held } from '../rollback/targets.ts';

/** Maximum number of attempts per phase: including the pauses about an hour, as long as a rollback is monitored. */
export const ATTEMPTS = 140;

/** Seconds from the rollback until the check whether it holds: a sync that reverts it needs time, too. */
const HOLD_SECONDS = 60;

/** Maximum delay in seconds that a target can request. */
const LATEST_SECONDS = 300;

/** Why a drill cannot start. The code is a heading of docs/reference/errors.md. */
export type DrillRefusal = {
  code:
    | 'unknown-place'
    | 'not-a-lane'
    | 'automation-paused'
    | 'no-deployer'
    | 'no-way-back'
    | 'deploy-under-way'
    | 'incident-open'
    | 'target-locked'
    | 'drill-running';
  text: string;
};

/** Result of an attempt. `withheld`: the target was not called. */
export type Said = ActAnswer | Held | { kind: 'withheld'; detail: string };

/**
 * Returns the drill after an attempt. Even after a failure, the drill restores the original version, unless another
 * version was deployed in the meantime.
 */
export function withUpdate(drill: DrillRecord, result: Said, at: Timestamp): DrillRecord {
  const next: DrillRecord = {
    ...drill,
    attempts: drill.attempts + 1,
    handle: handleAfter(drill, result),
    steps: withStep(drill, { at, phase: drill.phase, kind: result.kind, text: textOf(drill, result) }),
  };
  switch (drill.phase) {
    case 'back':
      return afterBack(next, result, at);
    case 'hold':
      return forth(next, result.kind === 'drifted' ? `the rollback was undone: ${result.detail}` : null);
    case 'forth':
      return afterForth(next, result, at);
    case 'ended':
      return drill;
  }
}

function afterBack(drill: DrillRecord, said: Said, at: Timestamp): DrillRecord {
  const { from_version: from, to_version: to } = drill;
  switch (said.kind) {
    case 'succeeded': {
      const back = { ...drill, rollback_s: secondsBetween(drill.started_at, at) };
      return drill.asks_hold ? { ...back, phase: 'hold', attempts: 0, handle: null } : forth(back, null);
    }
    case 'superseded':
      return ended(
        drill,
        `${said.current} is running instead of ${from}${drill.attempts > 1 ? '' : '; nothing was changed'}`,
        at,
      );
    case 'refused':
      return drill.attempts > 1
        ? forth(drill, `the target refused the rollback: ${said.detail}`)
        : ended(drill, `the target refused the rollback: ${said.detail}`, at);
    case 'failed':
      return forth(drill, `the rollback to ${to} failed: ${said.detail}`);
    case 'withheld':
      if (!drill.begun) return ended(drill, `${said.detail}; nothing was changed`, at);
      return spent(drill) ? forth(drill, `the drill could not continue: ${said.detail}`) : drill;
    case 'in_progress':
    case 'busy':
    case 'later':
    case 'holds':
    case 'drifted':
    case 'unknown':
      return spent(drill) ? forth(drill, `${to} was not running after an hour: ${textOf(drill, said)}`) : drill;
  }
}

function afterForth(drill: DrillRecord, said: Said, at: Timestamp): DrillRecord {
  const { from_version: from, to_version: to, reason } = drill;
  const stuck = (why: string): DrillRecord => {
    const text = `${why}. Check ${drill.service} in ${drill.environment}: it may still run ${to}`;
    return ended(drill, reason === null ? text : `${reason}. ${text}`, at);
  };
  switch (said.kind) {
    case 'succeeded':
      return ended(drill, reason, at);
    case 'superseded':
      // The version to restore was never replaced.
      if (said.current === from && reason !== null) return ended(drill, reason, at);
      return ended(drill, `${reason === null ? '' : `${reason}. `}${said.current} was deployed in the meantime`, at);
    case 'refused':
    case 'failed':
      return stuck(`the roll-forward to ${from} failed: ${said.detail}`);
    case 'in_progress':
    case 'busy':
    case 'later':
    case 'withheld':
    case 'holds':
    case 'drifted':
    case 'unknown':
      return spent(drill) ? stuck(`${from} was not running again after an hour: ${textOf(drill, said)}`) : drill;
  }
}

/** Aborts the drill immediately, because its workflow has failed or another operation has locked the target. */
export const brokenOff = (drill: DrillRecord, why: string, at: Timestamp): DrillRecord => {
  const text = drill.begun
    ? `${why}. Check ${drill.service} in ${drill.environment}: it may still run ${drill.to_version}`
    : `${why}; nothing was changed`;
  return ended(drill, text, at);
};

/** Returns the seconds until the next attempt, in the product's own time. */
export function pauseSeconds({ phase, attempts }: DrillRecord, said: Said): number {
  if (attempts === 0) return phase === 'hold' ? HOLD_SECONDS : 1;
  const usual = attempts < 12 ? 5 : attempts < 40 ? 15 : 30;
  return Math.max(usual, Math.min((said.kind === 'later' && said.afterSeconds) || 0, LATEST_SECONDS));
}

/** Returns the key of a phase's action, which is the same for every attempt. */
export const drillKey = ({ id, phase }: Pick<DrillRecord, 'id' | 'phase'>): string =>
  `drill.${id}.${phase === 'forth' ? 'forth' : 'back'}`;

const spent = ({ attempts }: DrillRecord): boolean => attempts >= ATTEMPTS;

const forth = (drill: DrillRecord, reason: string | null): DrillRecord => ({
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
function handleAfter({ handle }: DrillRecord, said: Said): string | null {
  if (said.kind === 'in_progress') return said.handle;
  return said.kind === 'later' || said.kind === 'busy' || said.kind === 'withheld' ? handle : null;
}

/** Skips repeated results. */
function withStep({ steps }: DrillRecord, step: DrillStep): DrillStep[] {
  const last = steps.at(-1);
  const known = last?.phase === step.phase && last.kind === step.kind && last.text === step.text;
  return known ? steps : [...steps, step];
}

function textOf({ phase, from_version, to_version }: DrillRecord, said: Said): string {
  const wanted = phase === 'forth' ? from_version : to_version;
  switch (said.kind) {
    case 'succeeded':
      return `${wanted} is running again`;
    case 'in_progress':
      return `changing to ${wanted}${said.waitsFor === undefined ? '' : `, waiting for a person: ${said.waitsFor}`}`;
    case 'superseded':
      return `${said.current} is running now`;
    case 'holds':
      return `${wanted} is still running`;
    case 'failed':
    case 'refused':
    case 'busy':
    case 'later':
    case 'withheld':
    case 'drifted':
    case 'unknown':
      return said.detail;
  }
}
