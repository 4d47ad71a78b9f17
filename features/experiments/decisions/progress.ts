import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { ChaosVerdict, EndCode, ExperimentEvent, ExperimentRecord, Observation } from '../experiment.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { abortReason, conclude, missingInARow, type Steadiness, unmeasuredReason } from './conclusion.ts';
import { isAborted } from './expectation.ts';

/** Seconds that an experiment whose steady state holds may wait for its start. */
export const START_WITHIN_SECONDS = 1800;

/** Attempts to stop an experiment, after which its alerts are real even if the stop is not confirmed. */
export const STOP_ATTEMPTS_MAX = 6;

/** Seconds between two attempts to stop an experiment. */
const STOP_PAUSE_SECONDS = 5;

/** What the chaos system reports. `unknown`: it could not be read. */
export type ChaosReading =
  | { kind: 'running' | 'unknown'; detail: string; verdict: ChaosVerdict | null }
  | { kind: 'ended'; detail: string; verdict: ChaosVerdict | null; at?: Timestamp | null };

/** The record after a transition, with the events and the observation to record about it. */
export type Progress = { record: ExperimentRecord; events: ExperimentEvent[]; observation: Observation | null };

/** `scale`: factor by which Firebreak's own waits are shortened. */
type Clock = { now: Timestamp; scale: number };

/** What is due now. */
export type ExperimentTask = 'prepare' | 'wait' | 'begin' | 'observe' | 'stop' | 'settle' | 'close' | 'over';

export function taskOf(record: ExperimentRecord, { now, scale }: Clock): ExperimentTask {
  const isDue = record.until !== null && now >= record.until;
  switch (record.status) {
    case 'preparing':
      return 'prepare';
    case 'ready':
      return record.request !== null || isDue ? 'begin' : 'wait';
    case 'running':
      if (record.request !== null || record.abort_alert !== null || isDue) return 'observe';
      return isObservationDue(record, { now, scale }) ? 'observe' : 'wait';
    case 'stopping':
      return 'stop';
    case 'settling':
      return isDue || record.request !== null || isObservationDue(record, { now, scale }) ? 'settle' : 'wait';
    case 'ended':
      return record.closed ? 'over' : 'close';
  }
}

const isObservationDue = ({ observed_at, interval_seconds }: ExperimentRecord, { now, scale }: Clock): boolean =>
  observed_at === null || now >= plusSeconds(observed_at, interval_seconds / scale);

/** Returns the seconds until something is due. */
export function pauseSeconds(record: ExperimentRecord, { now, scale }: Clock): number {
  if (record.status === 'stopping') return record.stop_attempts === 0 ? 0 : STOP_PAUSE_SECONDS;
  if (record.status === 'ended' || record.status === 'preparing') return 0;
  const next = record.observed_at === null ? now : plusSeconds(record.observed_at, record.interval_seconds / scale);
  const due = record.status === 'ready' ? [record.until] : [record.until, next];
  const earliest = due.filter((at) => at !== null).toSorted()[0] ?? now;
  return Math.max(1, Math.ceil(secondsBetween(now, earliest) * scale));
}

const event = (at: Timestamp, kind: ExperimentEvent['kind'], text: string, by: string | null = null) => ({
  at,
  kind,
  by,
  text,
});

/** Decides after the measurement of the steady state. `incident`: one that is open in the scope. */
export function afterPreparation(
  record: ExperimentRecord,
  { steadiness, incident }: { steadiness: Steadiness; incident: string | null },
  at: Clock,
): Progress {
  const { now } = at;
  const isRunning = record.started_at !== null;
  if (incident !== null || !steadiness.steady) {
    const reason = incident ?? steadiness.reasons.join('; ');
    const code: EndCode = incident === null ? 'not_steady' : 'incident_open';
    const text = `The steady state does not hold: ${reason}`;
    const ending = { code, reason, by: null, at: now };
    if (!isRunning) return ended({ ...record, ending }, [event(now, 'steady', text)], null, at);
    return stopping(record, ending, at, [event(now, 'steady', `${text}. The experiment is stopped`)], null);
  }
  const text = 'The steady state holds';
  if (isRunning) return running(record, record.started_at ?? now, [event(now, 'steady', text)], at);
  return {
    record: {
      ...record,
      status: 'ready',
      reason: 'the steady state holds; waiting for the start',
      until: plusSeconds(now, START_WITHIN_SECONDS / at.scale),
    },
    events: [event(now, 'steady', text)],
    observation: null,
  };
}

function running(record: ExperimentRecord, startedAt: Timestamp, before: ExperimentEvent[], at: Clock): Progress {
  const until = plusSeconds(startedAt, record.duration_seconds / at.scale);
  return {
    record: {
      ...record,
      status: 'running',
      started_at: startedAt,
      until,
      expires_at: plusSeconds(until, record.grace_seconds / at.scale),
      observed_at: null,
      // A stop that was requested before the start was recorded is carried out next.
      request: record.request?.kind === 'stop' ? record.request : null,
      reason: `running until ${until} at the latest`,
    },
    events: [
      ...before,
      event(at.now, 'started', 'Started: its alerts are expected from now on', starter(record.request)),
    ],
    observation: null,
  };
}

const starter = (request: ExperimentRecord['request']): string | null =>
  request?.kind === 'start' ? request.by : null;

/**
 * Handles a request or the end of the time while the experiment waits for its start. `incident`: one that is open in the
 * scope. Then the experiment, which has just started, is stopped.
 */
export function afterWaiting(record: ExperimentRecord, { incident }: { incident: string | null }, at: Clock): Progress {
  const { request } = record;
  if (request?.kind === 'start') {
    if (incident === null) return running(record, at.now, [], at);
    const ending = { code: 'incident_open', reason: incident, by: null, at: at.now } as const;
    const text = `The steady state does not hold any more: ${incident}. The experiment is stopped`;
    const started = { ...record, started_at: at.now, request: null };
    return stopping(started, ending, at, [event(at.now, 'steady', text)], null);
  }
  const ending =
    request === null
      ? ({ code: 'never_started', reason: 'it did not start in time', by: null } as const)
      : ({ code: 'cancelled', reason: request.reason ?? 'cancelled before its start', by: request.by } as const);
  return ended({ ...record, ending: { ...ending, at: at.now } }, [], null, at);
}

/** Decides after an observation: goes on, or ends. An abort alert comes before everything else. */
export function afterObservation(
  record: ExperimentRecord,
  { observation, chaos }: { observation: Observation | null; chaos: ChaosReading | null },
  at: Clock,
): Progress {
  const { now } = at;
  const next = {
    ...record,
    ...(observation !== null && {
      observed_at: now,
      missing_in_a_row: missingInARow(record.checks, record.missing_in_a_row, observation),
    }),
    ...verdictIn(record, chaos),
  };
  const { request, abort_alert: alert } = record;
  const abort = observation === null ? null : abortReason(record.checks, observation);
  const unmeasured = observation === null ? null : unmeasuredReason(next, observation);
  const end = (code: EndCode, reason: string, by: string | null = null): Progress =>
    stopping({ ...next, request: null }, { code, reason, by, at: now }, at, [], observation);
  if (alert !== null) return end('abort_alert', `the alert ${alert.title} is an abort condition`);
  if (abort !== null) return end('abort_check', abort);
  if (unmeasured !== null) return end('abort_missing', unmeasured);
  if (request?.kind === 'stop') return end('stopped', request.reason ?? 'stopped by a person', request.by);
  if (request?.kind === 'finish') return end('finished', request.reason ?? 'reported as finished', request.by);
  if (chaos?.kind === 'ended') {
    const endedAt = chaos.at ?? null;
    // An end outside the run is one of another clock.
    if (endedAt !== null && endedAt < now && endedAt >= (record.started_at ?? now)) next.stopped_at = endedAt;
    return end(chaos.verdict?.verdict === 'error' ? 'failed_to_run' : 'chaos_ended', chaos.detail);
  }
  if (record.until !== null && now >= record.until) return end('completed', 'its duration has passed');
  return { record: { ...next, request: null }, events: [], observation };
}

const verdictIn = (record: ExperimentRecord, chaos: ChaosReading | null) => ({
  chaos: chaos?.verdict ?? record.chaos,
});

function stopping(
  record: ExperimentRecord,
  ending: NonNullable<ExperimentRecord['ending']>,
  at: Clock,
  before: ExperimentEvent[],
  observation: Observation | null,
): Progress {
  const isAbort = isAborted({ ending });
  const canStop = record.run !== null && record.chaos_config !== null && ending.code !== 'chaos_ended';
  // The sender of `finished` knows that it is over, but an abort is always carried out.
  const isFirebreaksToStop = !record.observed || ending.code === 'stopped';
  const mustStop = canStop && isFirebreaksToStop && ending.code !== 'finished';
  const next: ExperimentRecord = {
    ...record,
    status: 'stopping',
    ending,
    until: null,
    reason: ending.reason,
    stop: mustStop
      ? { state: 'asking', detail: '' }
      : { state: 'not_asked', detail: notStoppedText(record, ending.code) },
  };
  const events = [...before, ...(isAbort ? [event(at.now, 'abort', `Aborted: ${ending.reason}`)] : [])];
  if (!mustStop) return stopped(next, { events, observation, text: next.stop.detail }, at);
  return {
    record: next,
    events: [...events, event(at.now, 'stopping', `Stopping the experiment: ${ending.reason}`, ending.by)],
    observation,
  };
}

const notStoppedText = ({ run, chaos_config: config, observed }: ExperimentRecord, code: EndCode): string => {
  if (code === 'chaos_ended' || code === 'finished') return 'it is over';
  if (observed) return 'not stopped, because Firebreak only observes it';
  return run === null || config === null ? 'Firebreak cannot stop it: stop it by hand' : '';
};

/** Decides after an attempt to stop the experiment, and ends its attempts after a while. */
export function afterStop(record: ExperimentRecord, response: Attempt, at: Clock): Progress {
  const attempts = record.stop_attempts + 1;
  const next = { ...record, stop_attempts: attempts };
  if (response.kind === 'taken')
    return stopped(
      { ...next, stop: { state: 'confirmed', detail: response.detail } },
      { events: [], observation: null, text: `Stopped: ${response.detail}` },
      at,
    );
  if (response.kind === 'later' && attempts < STOP_ATTEMPTS_MAX)
    return { record: { ...next, stop: { state: 'asking', detail: response.detail } }, events: [], observation: null };
  return stopped(
    { ...next, stop: { state: 'unconfirmed', detail: response.detail } },
    { events: [], observation: null, text: `The stop is not confirmed: ${response.detail}. Stop it by hand` },
    at,
  );
}

/**
 * Returns whether the chaos system may still run an experiment that is over for Firebreak: its stop is not confirmed, or
 * it was aborted and Firebreak cannot stop it.
 */
export const mayStillRun = ({ stop, ending, run }: Pick<ExperimentRecord, 'stop' | 'ending' | 'run'>): boolean =>
  stop.state === 'unconfirmed' || (stop.state === 'not_asked' && run === null && isAborted({ ending }));

/** After an abort, nothing is expected any more. Otherwise, alerts have a grace period to end. */
function stopped(
  record: ExperimentRecord,
  { events, observation, text }: { events: ExperimentEvent[]; observation: Observation | null; text: string },
  at: Clock,
): Progress {
  const { now, scale } = at;
  const next: ExperimentRecord = { ...record, stopped_at: record.stopped_at ?? now, abort_alert: null };
  const all = [...events, event(now, 'stopped', text === '' ? 'The experiment is over' : text)];
  if (isAborted(next)) return ended(next, all, observation, at);
  const until = plusSeconds(now, next.grace_seconds / scale);
  return {
    record: {
      ...next,
      status: 'settling',
      until,
      expires_at: until,
      observed_at: observation === null ? next.observed_at : now,
      reason: `over; alerts that still fire after ${until} are treated like any other`,
    },
    events: [...all, event(now, 'settling', `Alerts that still fire after ${until} are treated like any other`)],
    observation,
  };
}

/** Decides after an observation in the grace period. A stop by a person ends it at once. */
export function afterSettling(record: ExperimentRecord, observation: Observation | null, at: Clock): Progress {
  const next = { ...record, observed_at: observation === null ? record.observed_at : at.now, request: null };
  const isOver = (record.until !== null && at.now >= record.until) || record.request?.kind === 'stop';
  if (isOver) return ended(next, [], observation, at);
  return { record: next, events: [], observation };
}

function ended(
  record: ExperimentRecord,
  events: ExperimentEvent[],
  observation: Observation | null,
  { now }: Clock,
): Progress {
  return {
    record: {
      ...record,
      status: 'ended',
      until: null,
      request: null,
      abort_alert: null,
      ended_at: now,
      reason: record.ending?.reason ?? 'ended',
    },
    events,
    observation,
  };
}

/** Returns the record with its conclusion. */
export function withConclusion(
  record: ExperimentRecord,
  observations: readonly Observation[],
  now: Timestamp,
): Progress {
  const conclusion = record.conclusion ?? conclude(record, observations);
  return {
    record: { ...record, conclusion, closed: true, callback: null },
    events: [event(now, 'ended', `${OUTCOMES[conclusion.outcome]}: ${conclusion.reasons.join('; ')}`)],
    observation: null,
  };
}

const OUTCOMES = {
  held: 'The hypothesis held',
  failed: 'The hypothesis failed',
  inconclusive: 'Inconclusive',
} as const;
