import type { CanaryCheck, CanaryEvent, CanaryHold, CanaryRecord, CanaryStatus, TrafficOrder } from '../canary.ts';
import type { HttpSample, JudgementView } from '../../../schemas/judge/judgement.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { sameVersion } from '../../../core/domain/changes/versions.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import { isSameWeight, type TrafficCall, type TrafficReading } from './traffic.ts';

/** A canary after a transition, with the events and the check to record about it. */
export type CanaryAdvance = { record: CanaryRecord; events: CanaryEvent[]; check: CanaryCheck | null };

/** What to do next, by the state alone. `report`: report the outcome. `order`: call the router. */
export type CanaryTask = 'over' | 'report' | 'order' | 'check';

/** Whether the canary may get more traffic now. */
export type Gate = { open: true } | ClosedGate;
export type ClosedGate = {
  open: false;
  code: Extract<CanaryHold['code'], 'frozen' | 'freeze_unknown' | 'incident' | 'automation_paused'>;
  reason: string;
};

/** A judgement, with the measurements over HTTP that were made for it. */
export type JudgedSamples = { judgement: JudgementView; samples: HttpSample[] };

/** Result of a check. `judged`: null if the version has no traffic to judge yet. */
export type CheckResult = { traffic: TrafficReading; judged: JudgedSamples | null; isPaused: boolean };

const FINAL: ReadonlySet<CanaryStatus> = new Set<CanaryStatus>(['promoted', 'aborted', 'superseded', 'failed']);

/** Whether its outcome is decided, so that no more requests are taken. */
export const isFinal = ({ status }: Pick<CanaryRecord, 'status'>): boolean => FINAL.has(status);

/** Required confirmations that the traffic stays with the stable version: a call that was given up may still arrive. */
const CONFIRMATIONS_MIN = 2;

/** Attempts to set the traffic back after which people are alerted. */
export const ALERT_ATTEMPTS = 3;

/** Attempts after which a raise is given up, and the canary held. */
const RAISE_ATTEMPTS_MAX = 20;

/** Attempts after which setting the traffic back is given up: with the pauses below, about a day. */
const ABORT_ATTEMPTS_MAX = 300;

export function taskOf(record: CanaryRecord): CanaryTask {
  if (record.ended_at !== null) return 'over';
  if (isFinal(record)) return 'report';
  return record.order === null ? 'check' : 'order';
}

/** Applies a person's request, and clears it. */
export function withCommand(record: CanaryRecord, now: Timestamp): CanaryAdvance {
  const { command } = record;
  const cleared: CanaryRecord = { ...record, command: null };
  if (command === null || isFinal(record) || record.status === 'aborting') return unchanged(cleared);
  const reasonText = command.reason === null ? '' : `: ${command.reason}`;
  switch (command.kind) {
    case 'abort': {
      const requested = eventOf(record, now, 'requested', `Abort requested${reasonText}`, command.by);
      const reason = `aborted by ${command.by}${reasonText}`;
      return { record: aborting(cleared, reason, command.by), events: [requested], check: null };
    }
    case 'hold': {
      const reason = `held by ${command.by}${reasonText}`;
      const hold: CanaryHold = { code: 'person', reason, by: command.by, since: now };
      // An order that the router may have is followed to its end first.
      const order = record.order?.begun === true ? record.order : null;
      return {
        record: { ...cleared, status: 'held', hold, order, skip: false, full: false, reason },
        events: [eventOf(record, now, 'held', `Held${reasonText}`, command.by)],
        check: null,
      };
    }
    case 'promote': {
      const text = command.full ? 'Promotion to 100 % requested' : 'Next step requested';
      return {
        record: {
          ...cleared,
          status: 'progressing',
          hold: null,
          skip: !record.degraded,
          full: command.full && !record.degraded,
          reason: `promoted by ${command.by}${reasonText}`,
        },
        events: [eventOf(record, now, 'requested', `${text}${reasonText}`, command.by)],
        check: null,
      };
    }
  }
}

/** Returns whether the check needs a judgement: not before the first share, and not after the decision to abort. */
export const needsJudgement = ({ weight, steps, status }: CanaryRecord): boolean =>
  status !== 'aborting' && !(weight === 0 && steps[0] !== 0);

/** Continues after a check. @param scale factor by which Firebreak's own waits are shortened */
export function afterCheck(
  record: CanaryRecord,
  result: CheckResult,
  { now, scale }: { now: Timestamp; scale: number },
): CanaryAdvance {
  if (record.status === 'aborting') return afterConfirmation(record, result.traffic, now);
  const elsewhere = changedElsewhere(record, result.traffic, now);
  if (elsewhere !== null) return elsewhere;
  const judgement = result.judged?.judgement ?? null;
  const judgedRecord: CanaryRecord = {
    ...record,
    weight: adoptedWeight(record, result.traffic),
    verdict: judgement?.verdict ?? record.verdict,
    checks: record.checks + (judgement === null ? 0 : 1),
  };
  const check =
    judgement === null
      ? null
      : {
          at: now,
          weight: judgedRecord.weight,
          verdict: judgement.verdict,
          reasons: judgement.reasons,
          metrics: judgement.metrics,
          samples: result.judged?.samples ?? [],
        };
  if (judgement?.verdict === 'degraded' || record.degraded)
    return { ...afterDegraded(judgedRecord, result, now), check };
  return { ...afterHealth(judgedRecord, result, now, scale), check };
}

/** The version is worse than the stable one: its traffic goes back, unless automation is paused. */
function afterDegraded(judgedRecord: CanaryRecord, result: CheckResult, now: Timestamp): CanaryAdvance {
  const judgement = result.judged?.judgement;
  const finding = judgement?.verdict === 'degraded' ? judgement.reasons.join('; ') : judgedRecord.reason;
  const record: CanaryRecord = { ...judgedRecord, degraded: true, skip: false, full: false };
  if (result.isPaused)
    return held(record, now, {
      code: 'automation_paused',
      reason: `${judgedRecord.version} is degraded, but automation is paused. Abort it by hand: ${finding}`,
    });
  const reason = `${judgedRecord.version} is degraded at ${judgedRecord.weight} %: ${finding}`;
  return {
    record: aborting(record, reason, null),
    events: [eventOf(record, now, 'degraded', `Degraded: ${finding}`)],
    check: null,
  };
}

function afterHealth(judgedRecord: CanaryRecord, result: CheckResult, now: Timestamp, scale: number): CanaryAdvance {
  if (judgedRecord.hold?.code === 'person') return unchanged(judgedRecord);
  const obstacle = whyNotRaised(judgedRecord, result);
  if (obstacle !== null && (obstacle.code !== 'inconclusive' || isTimeOver(judgedRecord, now, scale)))
    return held(judgedRecord, now, obstacle);
  // The gates are checked right before the call of the router, so their hold ends there.
  const isWaiting = !isTimeOver(judgedRecord, now, scale);
  const isGated = judgedRecord.hold !== null && isGateHold(judgedRecord.hold) && !isWaiting;
  const resumedAdvance = isGated ? unchanged(judgedRecord) : withoutHold(judgedRecord, now);
  return isWaiting ? resumedAdvance : { ...resumedAdvance, record: withNextOrder(resumedAdvance.record) };
}

const GATE_CODES: ReadonlySet<CanaryHold['code']> = new Set<CanaryHold['code']>([
  'frozen',
  'freeze_unknown',
  'incident',
  'automation_paused',
  'router',
]);
const isGateHold = ({ code }: CanaryHold): boolean => GATE_CODES.has(code);

function whyNotRaised(
  record: CanaryRecord,
  { traffic, judged: judgedRecord }: CheckResult,
): Pick<CanaryHold, 'code' | 'reason'> | null {
  if (traffic.kind === 'unknown') return { code: 'router', reason: `the traffic could not be read: ${traffic.detail}` };
  if (!isSameWeight(traffic.weight, record.weight))
    return {
      code: 'traffic_changed',
      reason: `the router reports ${traffic.weight} % instead of ${record.weight} %; another system has changed it`,
    };
  if (judgedRecord === null || judgedRecord.judgement.verdict === 'healthy' || record.skip) return null;
  return {
    code: 'inconclusive',
    reason: judgedRecord.judgement.reasons.join('; ') || 'the version could not be judged',
  };
}

const isTimeOver = (
  { weight, steps, skip, weight_since, step_seconds }: CanaryRecord,
  now: Timestamp,
  scale: number,
): boolean => skip || (weight === 0 && steps[0] !== 0) || secondsBetween(weight_since, now) >= step_seconds / scale;

/** Orders the next share of the traffic, or the promotion after the last one. */
function withNextOrder(record: CanaryRecord): CanaryRecord {
  const next = record.full ? undefined : record.steps.find((weight) => weight > record.weight);
  const action = next === undefined ? ('promote' as const) : ('set' as const);
  return withOrder(record, { action, weight: next ?? 100, by: null });
}

/** Closes the gate before a call: the canary keeps its share, and tries again at the next check. */
export const afterClosedGate = (record: CanaryRecord, { code, reason }: ClosedGate, now: Timestamp): CanaryAdvance =>
  held({ ...record, order: null }, now, { code, reason });

/** Whether the order gives the canary more traffic, which freezes and incidents prevent. */
export const isRaise = (record: CanaryRecord): boolean =>
  record.order !== null && record.order.action !== 'abort' && !record.order.begun;

/** Returns whether an abort has given all traffic back to the stable version. */
export const isSetBack = ({ status, order }: Pick<CanaryRecord, 'status' | 'order'>): boolean =>
  status === 'aborting' && order === null;

/** Continues after an attempt at the order. */
export function afterCall(record: CanaryRecord, response: TargetResponse, now: Timestamp): CanaryAdvance {
  const order = record.order;
  if (order === null) return unchanged(record);
  switch (response.kind) {
    case 'succeeded':
      return afterSuccess(record, order, now);
    case 'superseded':
      return ended(record, 'superseded', `other versions have the traffic now: ${response.current}`, now);
    case 'in_progress':
    case 'busy':
    case 'later':
    case 'refused':
    case 'failed':
      return afterFailure(record, order, response, now);
  }
}

function afterSuccess(record: CanaryRecord, order: TrafficOrder, now: Timestamp): CanaryAdvance {
  const done: CanaryRecord = {
    ...record,
    order: null,
    weight: order.weight,
    weight_since: now,
    // A promotion to 100 % that was requested while the router carried out this order follows at once.
    skip: record.full,
    verdict: order.action === 'set' ? null : record.verdict,
  };
  switch (order.action) {
    case 'promote':
      return ended(done, 'promoted', `${record.version} is the stable version now`, now);
    case 'abort': {
      const text = `${record.stable_version} has all traffic again`;
      return { record: { ...done, confirmed: 0 }, events: [eventOf(done, now, 'weight', text, order.by)], check: null };
    }
    case 'set': {
      const text = `${record.version} gets ${order.weight} % of the traffic`;
      const isHeld = record.hold?.code === 'person';
      const next: CanaryRecord = isHeld
        ? done
        : { ...done, status: 'progressing', hold: null, reason: `${order.weight} % of the traffic` };
      return { record: next, events: [eventOf(done, now, 'weight', text)], check: null };
    }
  }
}

function afterFailure(
  record: CanaryRecord,
  order: TrafficOrder,
  response: Extract<TargetResponse, { kind: 'in_progress' | 'busy' | 'later' | 'refused' | 'failed' }>,
  now: Timestamp,
): CanaryAdvance {
  const attempts = order.attempts + 1;
  const detail = response.kind === 'in_progress' ? 'the change is in progress' : response.detail;
  const retried: CanaryRecord = { ...record, order: { ...order, attempts } };
  const text = `${order.weight} % not reached yet: ${detail}`;
  const events = attempts === 1 ? [eventOf(record, now, 'waiting', text)] : [];
  const isFinalAnswer = response.kind === 'refused' || response.kind === 'failed';
  if (order.action === 'abort') {
    if (attempts < ABORT_ATTEMPTS_MAX) return { record: retried, events, check: null };
    return ended(retried, 'failed', `${record.reason}. The traffic could not be set back: ${detail}`, now);
  }
  if (isFinalAnswer || attempts >= RAISE_ATTEMPTS_MAX) {
    const stopped = held({ ...record, order: null }, now, { code: 'router', reason: detail });
    return { ...stopped, events: [...events, ...stopped.events] };
  }
  return { record: retried, events, check: null };
}

/** After an abort, the traffic must stay with the stable version. */
function afterConfirmation(record: CanaryRecord, traffic: TrafficReading, now: Timestamp): CanaryAdvance {
  const ending = record.ending ?? 'aborted';
  if (traffic.kind === 'split' && sameVersion(traffic.stable, record.stable_version) && traffic.weight > 0) {
    const text = `${record.version} has ${traffic.weight} % of the traffic again; setting it back`;
    const retried = withOrder(record, { action: 'abort', weight: 0, by: null });
    return { record: retried, events: [eventOf(record, now, 'waiting', text)], check: null };
  }
  const confirmed = record.confirmed + 1;
  const next: CanaryRecord = { ...record, confirmed };
  return confirmed >= CONFIRMATIONS_MIN ? ended(next, ending, record.reason, now) : unchanged(next);
}

/** Ends the canary if another system has decided about its traffic. */
function changedElsewhere(record: CanaryRecord, traffic: TrafficReading, now: Timestamp): CanaryAdvance | null {
  if (traffic.kind === 'unknown') return null;
  const { stable, canary } = traffic;
  const isOwnPair =
    sameVersion(stable, record.stable_version) && (canary === null || sameVersion(canary, record.version));
  if (isOwnPair && !(canary === null && record.weight > 0)) return null;
  if (isOwnPair)
    return ended(
      { ...record, weight: 0 },
      'aborted',
      `another system has given all traffic back to ${record.stable_version}`,
      now,
    );
  if (canary === null && sameVersion(stable, record.version))
    return ended({ ...record, weight: 100 }, 'promoted', 'another system has promoted it', now);
  const versions = canary === null ? stable : `${stable} and ${canary}`;
  return ended(record, 'superseded', `other versions have the traffic now: ${versions}`, now);
}

/** Before the first order, a share that the version has already counts as its weight. */
const adoptedWeight = ({ weight, sequence, steps }: CanaryRecord, traffic: TrafficReading): number =>
  sequence === 0 && traffic.kind === 'split' && traffic.canary !== null && steps.includes(traffic.weight)
    ? traffic.weight
    : weight;

const withOrder = (
  record: CanaryRecord,
  { action, weight, by }: Pick<TrafficOrder, 'action' | 'weight' | 'by'>,
): CanaryRecord => ({
  ...record,
  sequence: record.sequence + 1,
  order: { action, weight, by, sequence: record.sequence + 1, begun: false, attempts: 0 },
});

const aborting = (record: CanaryRecord, reason: string, by: string | null): CanaryRecord => ({
  ...withOrder(record, { action: 'abort', weight: 0, by }),
  status: 'aborting',
  ending: 'aborted',
  hold: null,
  skip: false,
  full: false,
  reason,
});

/** Holds the canary. A requested promotion does not wait for the end of the hold, when nobody expects it any more. */
function held(
  record: CanaryRecord,
  now: Timestamp,
  { code, reason }: Pick<CanaryHold, 'code' | 'reason'>,
): CanaryAdvance {
  const since = record.hold?.since ?? now;
  const isNew = record.hold?.code !== code;
  const isDiscarded = record.skip || record.full;
  const text = isDiscarded ? `Held, and the requested promotion is discarded: ${reason}` : `Held: ${reason}`;
  return {
    record: { ...record, status: 'held', hold: { code, reason, by: null, since }, skip: false, full: false, reason },
    events: isNew || isDiscarded ? [eventOf(record, now, 'held', text)] : [],
    check: null,
  };
}

function withoutHold(record: CanaryRecord, now: Timestamp): CanaryAdvance {
  if (record.hold === null) return unchanged(record);
  const reason = `${record.weight} % of the traffic`;
  return {
    record: { ...record, status: 'progressing', hold: null, reason },
    events: [eventOf(record, now, 'resumed', `No longer held: ${record.hold.reason}`)],
    check: null,
  };
}

/** Decides the outcome. `ended_at` follows once it is reported. */
function ended(
  record: CanaryRecord,
  status: 'promoted' | 'aborted' | 'superseded' | 'failed',
  reason: string,
  now: Timestamp,
): CanaryAdvance {
  const next: CanaryRecord = { ...record, status, reason, order: null, hold: null };
  return { record: next, events: [eventOf(next, now, 'ended', `${OUTCOME_WORDS[status]}: ${reason}`)], check: null };
}

const OUTCOME_WORDS = { promoted: 'Promoted', aborted: 'Aborted', superseded: 'Superseded', failed: 'Failed' } as const;

/** Returns when the state that needs people began: the same time at each check, so that it stays one alert. */
export const alertStart = ({ hold, weight_since }: Pick<CanaryRecord, 'hold' | 'weight_since'>): Timestamp =>
  hold?.since ?? weight_since;

/** An alert for people. `text`: its title, without figures, which change. `detail`: what was measured. */
export type CanaryAlert = { kind: 'stalled' | 'not_aborted'; text: string; detail: string };

/** Returns the alert for people if the canary can't continue without them. Null: it can. */
export function needsPeople(record: CanaryRecord, now: Timestamp, scale: number): CanaryAlert | null {
  const { order, hold, status, version } = record;
  if (status === 'failed' || (status === 'aborting' && order !== null && order.attempts >= ALERT_ATTEMPTS))
    return {
      kind: 'not_aborted',
      text: `The traffic of the canary ${version} could not be set back`,
      detail: record.reason,
    };
  if (hold === null || hold.code === 'person') return null;
  const isStalled = secondsBetween(hold.since, now) >= record.stalled_seconds / scale;
  return record.degraded || isStalled
    ? {
        kind: 'stalled',
        text: `The canary ${version} is ${record.degraded ? 'degraded, and ' : ''}held`,
        detail: `Held at ${record.weight} %: ${hold.reason}`,
      }
    : null;
}

/** Returns the seconds until the next step. 0: at once. @param scale factor by which Firebreak's own waits are shortened */
export function pauseSeconds(record: CanaryRecord, now: Timestamp, scale: number): number {
  const { order, status, hold, weight_since, step_seconds, check_seconds } = record;
  if (record.command !== null || isFinal(record)) return 0;
  if (order !== null) {
    if (order.attempts === 0) return 0;
    return order.attempts < 5 ? 5 : order.attempts < 12 ? 30 : 300;
  }
  if (status === 'aborting') return CONFIRM_SECONDS;
  if (hold !== null)
    return secondsBetween(hold.since, now) * scale > 3600 ? Math.max(check_seconds, 120) : check_seconds;
  const left = step_seconds - secondsBetween(weight_since, now) * scale;
  return Math.max(1, Math.ceil(left > 0 ? Math.min(check_seconds, left) : check_seconds));
}

/**
 * Seconds between confirmations. Twice as long is more than the time for which a call of the router that was given up
 * can still take effect.
 */
const CONFIRM_SECONDS = 40;

/** Returns the call of the router for the canary's order. */
export const callOf = (record: CanaryRecord, { action, weight, sequence, by }: TrafficOrder): TrafficCall => ({
  service: record.service,
  environment: record.environment,
  canary: record.version,
  stable: record.stable_version,
  action,
  weight,
  id: record.id,
  sequence,
  key: `canary.${record.id}.${sequence}`,
  reason: (action === 'abort' ? record.reason : `canary requested by ${by ?? record.asked_by}`).slice(0, 500),
});

export const eventOf = (
  { weight }: Pick<CanaryRecord, 'weight'>,
  at: Timestamp,
  kind: CanaryEvent['kind'],
  text: string,
  by: string | null = null,
): CanaryEvent => ({ at, kind, by, weight, text });

const unchanged = (record: CanaryRecord): CanaryAdvance => ({ record, events: [], check: null });
