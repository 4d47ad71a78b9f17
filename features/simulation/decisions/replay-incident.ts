import type { Config } from '../../../schemas/config/config.ts';
import { lowestMode, type Mode } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { RecordedDecision, RecordedIncident } from '../recording.ts';
import { millisOf, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { isQuietTrial } from '../../../core/domain/automation/shadow-trial.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import {
  afterStarting,
  apply,
  initialState,
  plan,
  type ResponseState,
} from '../../../core/domain/incidents/response.ts';
import { areAllByAlerts } from '../../../core/domain/paging/page-causes.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { DECIDE_VERSION } from '../../../core/domain/rollback/guards.ts';
import { asksByModeAlone, type Decision, type DecisionInputs } from '../../../core/domain/rollback/judgement.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { bestMatch, RUNBOOKS_MAX } from '../../../core/domain/runbooks/best-match.ts';
import { planOf, type PlannedStep } from '../../../core/domain/runbooks/plan.ts';
import { freezeOf } from './freezes.ts';
import {
  type Batch,
  batchesOf,
  joinedMessage,
  messageUnder,
  openingAsRecorded,
  openingBy,
  type Opened,
} from './opening.ts';
import type { DecisionOutcome, Outcome, PageOutcome } from './outcome.ts';
import { inputsUnder, neverAsked } from './policy-inputs.ts';
import { arrivalOf } from './signals.ts';

/** What a policy does elsewhere at the same time. */
export type Surroundings = {
  /** Automatic rollbacks that the policy adds to those recorded in the hour before, or removes. Null: of all services. */
  pace: (at: Timestamp, target: ServiceEnvironment | null) => number;
  /** Whether many incidents opened around this one. Null: as recorded. */
  oneOfMany: (incident: IncidentRecord, at: Timestamp) => boolean | null;
  /** An alert that opened no incident then, and opens this one earlier under the policy. */
  earlier?: Batch | undefined;
};

/** One incident by itself: everything around it is as recorded. */
export const ALONE: Surroundings = { pace: () => 0, oneOfMany: () => null };

/** Messages that one read of the inbox finds together. */
const READ_TOGETHER_MS = 1000;

/** Messages that follow from decisions and actions. */
const CONSEQUENCES: ReadonlySet<string> = new Set([
  'mitigation',
  'verification',
  'recovered',
  'new_onset',
  'judge_again',
  'redeployed',
  'answered',
  'runbook',
]);

/**
 * Replays a recorded incident under a policy: alerts by its routes, pages by the same state machine as the workflow,
 * runbooks by their selection, and decisions by the guards. Pure; the same record and policy give the same outcome.
 */
export function replayIncident(recorded: RecordedIncident, policy: Config, around: Surroundings = ALONE): Outcome {
  const batches = [...(around.earlier ? [around.earlier] : []), ...batchesOf(recorded.signals)];
  const opened = openingOf(recorded, batches, policy);
  const base = {
    id: recorded.id,
    key: recorded.id,
    service: recorded.service,
    environment: recorded.environment,
    title: recorded.title,
  };
  if (opened === null)
    return {
      ...base,
      opened_at: null,
      pages: [],
      decisions: [],
      runbooks: [],
      channels: [],
      freeze: null,
      known_until: null,
      unknown: [],
    };
  const judged = decisionsOf(recorded, opened, policy, around);
  const course = courseOf(recorded, { opened, batches, known_until: judged.known_until }, policy);
  const notAsked = judged.decisions.length > 0 ? neverAsked(recorded.asked, policy, opened.incident) : [];
  const added = addedRequest(recorded, { opened, course, judged }, policy, around);
  const decisions = [...judged.decisions, ...added.decisions];
  return {
    ...base,
    service: opened.incident.service,
    environment: opened.incident.environment,
    opened_at: opened.incident.opened_at,
    pages: course.pages,
    decisions,
    runbooks: course.runbooks.map(({ runbook, at }) => ({ name: runbook.name, at })),
    channels: opened.channels,
    freeze: freezeOf(opened.incident, judged.known_until === null ? recorded.resolved_at : null, policy),
    known_until: [judged.known_until, added.known_until].filter((at) => at !== null).toSorted()[0] ?? null,
    unknown: [
      ...notAsked,
      ...judged.unknown,
      ...added.unknown,
      ...(recorded.truncated ? [`only the first ${recorded.signals.length} alerts are recorded`] : []),
      ...(recorded.left_out === undefined
        ? []
        : [`the recording would be too large, so it lacks ${recorded.left_out.join(', ')}`]),
      ...(opened.incident.opened_at < recorded.opened_at && recorded.decisions.length > 0
        ? ['cannot be known: the decision at the earlier opening, because no evidence was collected then']
        : []),
    ],
  };
}

/** Returns the opening with the alerts that remain to join. */
function openingOf(recorded: RecordedIncident, batches: readonly Batch[], policy: Config): Opened | null {
  // A child that joined before its first page leaves it to its parent without a record of it.
  const sent = [...recorded.pages.map(({ number }) => number), ...recorded.pages_by_parent];
  const parent = recorded.parent !== null && !sent.includes(1) ? { parent_id: recorded.parent } : {};
  if (recorded.opened_by !== 'alerts') return openingAsRecorded(recorded);
  for (const batch of batches) {
    const opened = openingBy(recorded.id, batch, policy, recorded.unmatched === '');
    if (opened !== null) return { ...opened, incident: { ...opened.incident, ...parent } };
  }
  return null;
}

type Started = { runbook: Runbook; at: Timestamp };
type Course = { pages: PageOutcome[]; runbooks: Started[] };

/** Follows the incident's state machine through the messages of its inbox. */
function courseOf(
  recorded: RecordedIncident,
  { opened, batches, known_until: until }: { opened: Opened; batches: readonly Batch[]; known_until: Timestamp | null },
  policy: Config,
): Course {
  const { incident } = opened;
  const course: Course = { pages: [], runbooks: [] };
  const recipient = (number: number, at: Timestamp): string => recipientOf(recorded, { incident, number, at }, policy);
  let state: ResponseState = initialState(incident, [], { begun: [], any: policy.runbooks.runbooks.length > 0 });
  let firing = state.firing;
  const settle = (at: Timestamp): void => {
    const due = plan(state);
    const isTrial = areAllByAlerts(state.pageCauses) && isQuietTrial(incident, policy, 'page');
    if (due.page !== null && !isTrial && !recorded.pages_by_parent.includes(due.page))
      course.pages.push({ at, recipient: recipient(due.page, at) });
    if (due.runbook !== null) startRunbooks(recorded, { ...incident, firing }, course, at, policy);
    state = afterStarting(state, due);
  };
  settle(incident.opened_at);
  const messages = messagesOf(recorded, opened, batches, policy).filter(
    ({ at, message }) => until === null || at < until || (at === until && !CONSEQUENCES.has(message.kind)),
  );
  for (const [index, { at, message }] of messages.entries()) {
    if (message.kind === 'signals') {
      firing = Math.max(0, firing + message.fired - message.resolved);
      state = { ...state, firing };
    }
    state = apply(state, message);
    const next = messages[index + 1];
    if (next === undefined || millisOf(next.at) - millisOf(at) > READ_TOGETHER_MS) settle(at);
  }
  return course;
}

/** Returns the messages after the opening, as the policy would have written those about alerts. */
function messagesOf(
  recorded: RecordedIncident,
  { incident, scope }: Opened,
  batches: readonly Batch[],
  policy: Config,
): { at: Timestamp; message: RecordedIncident['messages'][number]['message'] }[] {
  const batchesByTime = new Map(batches.map((batch) => [batch.at, batch]));
  const messages = recorded.messages
    .filter(({ at }) => at >= incident.opened_at && at >= recorded.opened_at)
    .toSorted((a, b) => a.seq - b.seq);
  const answered = new Set(
    messages.flatMap(({ at, message }) => (message.kind === 'signals' && message.fired > 0 ? [at] : [])),
  );
  // Alerts that opened the recorded incident left no message. They join if the policy opens it at another time.
  const openingMessages = batches
    .filter(({ at }) => at > incident.opened_at && !answered.has(at))
    .flatMap((batch) => {
      const message = joinedMessage(incident, scope, batch, policy);
      return message === null ? [] : [{ at: batch.at, message }];
    });
  const replayed = messages
    .filter(({ at, message }) => at > incident.opened_at || message.kind !== 'signals' || message.fired === 0)
    .map(({ at, message }) => ({
      at,
      message:
        message.kind === 'signals' && message.fired > 0
          ? messageUnder(message, batchesByTime.get(at), recorded.signals, policy)
          : message,
    }));
  return [...openingMessages, ...replayed].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** How far a page of a policy may be from the recorded one, so that the same person is on call. */
const SAME_SHIFT_SECONDS = 1800;

/**
 * Returns the recipients of a page: those of the recorded page with the same number and about the same time, or the people
 * who responded to it. A policy that gives the service to another team, or pages at another time, has other people on call.
 */
function recipientOf(
  { asked, responder, pages }: RecordedIncident,
  { incident: { service }, number, at }: { incident: IncidentRecord; number: number; at: Timestamp },
  policy: Config,
): string {
  const team = serviceEntry(policy.services, service)?.team ?? null;
  const onCall = `on call for ${team ?? service}`;
  const page = pages.find((candidate) => candidate.number === number);
  const isSameShift = page !== undefined && Math.abs(secondsBetween(page.at, at)) <= SAME_SHIFT_SECONDS;
  if (team !== asked.team || !isSameShift) return onCall;
  if (page.recipients !== undefined) return page.recipients.toSorted().join(', ');
  return responder === null ? onCall : `${onCall} (${responder} responded)`;
}

function startRunbooks(
  recorded: RecordedIncident,
  incident: IncidentRecord,
  course: Course,
  at: Timestamp,
  policy: Config,
): void {
  if (course.runbooks.length >= RUNBOOKS_MAX) return;
  const firing = recorded.signals
    .filter((signal) => signal.at <= at && (signal.ends_at === null || signal.ends_at > at))
    .map((signal) => arrivalOf(signal, policy))
    .flatMap(({ signal, mute }) => (mute === null ? [signal] : []));
  const started = new Set<string>(course.runbooks.map(({ runbook }) => runbook.name));
  const found = bestMatch(incident, policy, firing, started);
  if (found !== null) course.runbooks.push({ runbook: found.runbook, at });
}

type Judged = { decisions: DecisionOutcome[]; known_until: Timestamp | null; unknown: string[] };

const isJudgement = (inputs: RecordedDecision['inputs']): boolean =>
  inputs !== null && 'evidence' in inputs && 'request' in inputs;

/** Returns the stored inputs of a judgement. Null: it is a question of a runbook, or its inputs are not stored. */
const inputsOf = ({ inputs }: RecordedDecision): DecisionInputs | null =>
  isJudgement(inputs) ? (inputs as unknown as DecisionInputs) : null;

/**
 * Judges the stored inputs again under a policy, up to the first decision after which the world differs from the recorded
 * one.
 */
function decisionsOf(recorded: RecordedIncident, opened: Opened, policy: Config, around: Surroundings): Judged {
  const judged: Judged = { decisions: [], known_until: null, unknown: [] };
  for (const decision of recorded.decisions.toSorted((a, b) => a.number - b.number)) {
    const inputs = inputsOf(decision);
    if (inputs === null) {
      if (decision.inputs === null)
        judged.unknown.push(`cannot be known: the inputs of decision ${decision.number} are not stored`);
      continue;
    }
    if (decision.at < opened.incident.opened_at) continue;
    const request = requestUnder(inputs, policy);
    const asRecorded = judgedAgain(inputs);
    judged.unknown.push(...otherRules(decision, inputs, asRecorded));
    if (asRecorded === null) {
      judged.known_until = decision.at;
      break;
    }
    if (request === null) {
      judged.known_until = decision.at;
      judged.decisions.push(notRequested(decision, inputs));
      break;
    }
    const underPolicy = decide(
      inputsUnder(inputs, policy, {
        request,
        matched: opened.incident.unmatched === null,
        pace: (target) => around.pace(decision.at, target),
        oneOfMany: recorded.parent === null ? around.oneOfMany(opened.incident, decision.at) : null,
      }),
    );
    // The record of a question with a choice names the act that a person has chosen.
    const chosen = underPolicy.offers?.find(
      (offer) => offer.from_version === decision.from && offer.to_version === decision.to,
    );
    judged.decisions.push({
      number: decision.number,
      at: decision.at,
      kind: underPolicy.kind,
      from: chosen?.from_version ?? underPolicy.from,
      recipient: chosen?.to_version ?? underPolicy.to,
      requester: inputs.request.by,
      because: underPolicy.reasons[0]?.text ?? '',
    });
    if (
      underPolicy.kind === asRecorded.kind &&
      underPolicy.from === asRecorded.from &&
      underPolicy.to === asRecorded.to
    )
      continue;
    if (changedNothing(decision) && canChangeNothing(underPolicy)) {
      if (underPolicy.kind === 'approve')
        judged.unknown.push(
          `cannot be known: whether somebody answers the question of decision ${decision.number}. What follows assumes that nobody does`,
        );
      continue;
    }
    judged.known_until = decision.at;
    break;
  }
  return judged;
}

/** Returns whether the world was the same after a recorded decision: nothing was done, and nobody answered. */
function changedNothing({ kind, state }: RecordedDecision): boolean {
  if (kind === 'approve') return state === 'waiting' || state === 'expired' || state === 'withdrawn';
  return kind !== 'roll_back';
}

/** Returns whether a decision does nothing without an answer. One that asks by its mode alone can act if nobody objects. */
const canChangeNothing = (decision: Decision): boolean => decision.kind !== 'roll_back' && !asksByModeAlone(decision);

/** Judges stored inputs by the rules of today. Null: they lack something that these rules read. */
function judgedAgain(inputs: DecisionInputs): Decision | null {
  try {
    return decide(inputs);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Says that the rules have changed since a decision, if that makes a difference. */
function otherRules(
  { number, kind }: RecordedDecision,
  { decide_version: version }: DecisionInputs,
  now: Decision | null,
): string[] {
  const made = `decision ${number} was made by version ${version} of the rules`;
  if (now === null) return [`cannot be known: ${made}, and version ${DECIDE_VERSION} cannot read its inputs`];
  if (version > DECIDE_VERSION) return [`${made}, and is judged by version ${DECIDE_VERSION}: use a newer firebreak`];
  if (version === DECIDE_VERSION || now.kind === kind) return [];
  return [`${made}, which gave ${kind}; version ${DECIDE_VERSION} gives ${now.kind} for the same inputs`];
}

const notRequested = ({ number, at }: RecordedDecision, { request }: DecisionInputs): DecisionOutcome => ({
  number,
  at,
  kind: 'none',
  from: null,
  recipient: null,
  requester: request.by,
  because: `the runbook ${request.name} no longer requests it`,
});

/** Returns the step of a runbook that requests a rollback. */
const rollbackStepOf = (runbook: Runbook): PlannedStep | undefined =>
  planOf(runbook).steps.find(({ uses }) => uses === 'rollback');

const approvalOf = ({ approval }: PlannedStep): DecisionInputs['request']['approval'] =>
  approval === null ? undefined : { people: approval.people ?? null, seconds: approval.timeoutSeconds };

/** Returns the request of a decision as the runbook of a policy makes it. Null: the runbook makes none any more. */
function requestUnder({ request }: DecisionInputs, policy: Config): DecisionInputs['request'] | null {
  if (request.by !== 'runbook') return request;
  const runbook = policy.runbooks.runbooks.find(({ name }) => name === request.name);
  const step = runbook && rollbackStepOf(runbook);
  if (runbook === undefined || step === undefined) return null;
  return requestOf(runbook, step, request.mode === 'approve' && runbook.mode === undefined ? 'approve' : 'act');
}

function requestOf(runbook: Runbook, step: PlannedStep, cap: Mode): DecisionInputs['request'] {
  const mode = lowestMode(runbook.mode ?? 'act', cap);
  const approval = approvalOf(step);
  return { by: 'runbook', name: runbook.name, mode: mode === 'act' ? null : mode, ...(approval && { approval }) };
}

/** Judges the request of a runbook that the policy starts and that did not run then, with the evidence of the time. */
function addedRequest(
  recorded: RecordedIncident,
  { opened, course, judged }: { opened: Opened; course: Course; judged: Judged },
  policy: Config,
  around: Surroundings,
): Judged {
  const noDecision: Judged = { decisions: [], known_until: null, unknown: [] };
  if (opened.incident.requests_rollback || judged.known_until !== null) return noDecision;
  const requested = recorded.decisions.some(({ inputs }) => {
    const by = isJudgement(inputs) ? (inputs as unknown as DecisionInputs).request.by : null;
    return by === 'alert' || by === 'person' || by === 'runbook';
  });
  const started = course.runbooks.find(
    ({ runbook }) =>
      rollbackStepOf(runbook) !== undefined && recorded.runbooks.every(({ name }) => name !== runbook.name),
  );
  const step = started && rollbackStepOf(started.runbook);
  if (requested || started === undefined || step === undefined) return noDecision;
  const { runbook } = started;
  const storedInputs = recorded.decisions.flatMap((decision) => inputsOf(decision) ?? [])[0];
  const conditions = [...step.when, ...(step.stage > 1 ? ['steps before it'] : [])];
  if (storedInputs === undefined)
    return {
      ...noDecision,
      known_until: started.at,
      unknown: [`cannot be known: the runbook ${runbook.name} requests a rollback, and no evidence was collected then`],
    };
  const now = decide(
    inputsUnder(storedInputs, policy, {
      request: requestOf(runbook, step, 'act'),
      matched: opened.incident.unmatched === null,
      pace: (target) => around.pace(started.at, target),
      oneOfMany: recorded.parent === null ? around.oneOfMany(opened.incident, started.at) : null,
    }),
  );
  return {
    known_until: storedInputs.evidence.at,
    unknown:
      conditions.length === 0
        ? []
        : [`cannot be known: whether the runbook ${runbook.name} reaches its rollback (${conditions.join('; ')})`],
    decisions: [
      {
        number: Math.max(0, ...recorded.decisions.map(({ number }) => number)) + 1,
        at: storedInputs.evidence.at,
        kind: now.kind,
        from: now.from,
        recipient: now.to,
        requester: 'runbook',
        because: now.reasons[0]?.text ?? '',
      },
    ],
  };
}
