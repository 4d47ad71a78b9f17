import {
  NOT_JUDGED_APPROVED,
  contradictionOf,
  contradictionText,
  hasNewResult,
  isSameRollback,
  isSupersededIn,
  type JudgedIncident,
  type News,
  newsOf,
  newsText,
  relatedTo,
  whyNotJudgedAgain,
} from '../../core/domain/changes/late-changes.ts';
import {
  CHANGES_SINCE_READ,
  newOnsetAfterChange,
  newOnsetText,
  problemStart,
} from '../../core/domain/incidents/new-onset.ts';
import { looksBackBefore } from '../../core/domain/changes/evidence-window.ts';
import { isEvent } from '../../core/domain/alerts/admission.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { JudgementRequest } from '../../core/domain/incidents/response.ts';
import type { DecisionInputs } from '../../core/domain/rollback/judgement.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ChangeId, IncidentId } from '../../schemas/config/names.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { type Activity, activityOf } from '../activity.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { judgeNow } from './judge-incident.ts';
import { findRedeploy, noteRedeploy } from './redeploy.ts';
import { rollbackKey } from './roll-back.ts';
import { withdrawQuestion } from './withdraw-questions.ts';

export type LateChangesInput = {
  incidentId: IncidentId;
  changes: readonly ChangeId[];
  /** Number of the newest judgement that has begun, which may not be stored yet. */
  judged: number;
  /** Requester for whom the incident would be judged again. */
  request: JudgementRequest;
  /** Pauses in seconds before each further look. Absent: the usual ones. */
  pauses?: readonly number[];
};

/** Pauses before each new attempt, while a judgement that has begun is not stored yet. */
const JUDGEMENT_PAUSES_SECONDS = [2, 3, 5, 10, 20, 40] as const;

/** Pauses after which a change during the incident shows in the measurements: usual windows are 5 minutes. */
const SAMPLES_PAUSES_SECONDS = [420, 300] as const;
/** The same times, counted from the report of the change. */
const LOOKS_SECONDS = [420, 720] as const;

const ALERTS_READ = 200;

/** Looks within this many seconds are one. */
const SAME_LOOK_SECONDS = 60;

/** Age in seconds of the oldest reports whose looks the next run of the workflow continues. The run before may have died. */
const CONTINUED_SECONDS = 3600;

/**
 * Returns the changes whose effect the previous run of the workflow was to look at, and when. What it has looked at already
 * is looked at again, which changes nothing. Null: no report is that young.
 *
 * @param consumed sequence number of the last message that the previous run has processed
 */
export async function openLooks(
  deps: Pick<Deps, 'incidents' | 'clock' | 'timeScale'>,
  id: IncidentId,
  consumed: number,
): Promise<Pick<Required<LateChangesInput>, 'changes' | 'pauses'> | null> {
  const now = deps.clock.now();
  const { messages } = await deps.incidents.inputs(id, 0);
  const reports = messages.flatMap(({ seq, at, message }) => {
    const age = secondsBetween(at, now) * deps.timeScale;
    return message.kind === 'change_recorded' && seq <= consumed && age < CONTINUED_SECONDS
      ? [{ change: message.change, age }]
      : [];
  });
  if (reports.length === 0) return null;
  const due = reports
    .flatMap(({ age }) => LOOKS_SECONDS.map((seconds) => Math.round(seconds - age)))
    .filter((seconds) => seconds > 0)
    .toSorted((a, b) => b - a)
    .filter((seconds, n, all) => n === 0 || (all[n - 1] ?? 0) - seconds >= SAME_LOOK_SECONDS)
    .toReversed();
  return {
    changes: [...new Set(reports.map(({ change }) => change))],
    pauses: due.map((seconds, n) => seconds - (due[n - 1] ?? 0)),
  };
}

/**
 * Result of a check. `unjudged`: the judgement is not stored yet. `unclear`: a person may have deployed an earlier version again, or
 * it is Firebreak's own rollback in progress. `changed`: production has changed since.
 */
type CheckResult = 'done' | 'unjudged' | 'unclear' | 'changed';

/**
 * Requests another judgement if changes that were recorded or have ended since the last one require it. Looks twice more
 * after a change during the incident, once it is measured. Its branch of the workflow rests meanwhile, so that another
 * run can take over.
 */
export async function judgeLateChanges(
  run: Run,
  input: LateChangesInput,
  deps: Deps,
  activity: Activity = activityOf(),
): Promise<void> {
  const checked = await checkWhenJudged(run, input, deps);
  activity.rests();
  if (checked !== 'changed' && checked !== 'unclear' && input.pauses === undefined) return;
  for (const seconds of input.pauses ?? SAMPLES_PAUSES_SECONDS) {
    await run.wait('await-samples', { seconds });
    if ((await run.step('judge-measured', () => checkMeasured(deps, input))) === 'done') return;
  }
}

async function checkWhenJudged(run: Run, input: LateChangesInput, deps: Deps): Promise<CheckResult> {
  for (const seconds of JUDGEMENT_PAUSES_SECONDS) {
    const checked = await run.step('judge-late-changes', () => checkLateChanges(deps, input));
    if (checked !== 'unjudged' && checked !== 'unclear') return checked;
    await run.wait('await-judgement', { seconds });
  }
  return run.step('judge-late-changes', () => checkLateChanges(deps, input));
}

type Concerned = { change: Change; news: News };
type StoredJudgement = {
  incident: IncidentRecord;
  judged: JudgedIncident;
  inputs: DecisionInputs;
  decision: DecisionView;
};

/** Checks once whether the judgement missed the changes or their ends, and requests another one if necessary. */
async function checkLateChanges(deps: Deps, input: LateChangesInput): Promise<CheckResult> {
  if (await beginSecondProblem(deps, input)) return 'changed';
  const stored = await storedJudgement(deps, input);
  if (typeof stored === 'string') return stored;
  const { inputs, incident, decision, judged } = stored;
  const besides = await besidesRedeploy(deps, stored, input);
  if (besides !== null) {
    const checked =
      besides.changes.length === 0 ? 'done' : await checkLateChanges(deps, { ...input, changes: besides.changes });
    return besides.isUnclear ? 'unclear' : checked;
  }
  const concerned = await newsSince(deps, incident, inputs, input.changes);
  const missed = concerned.filter(({ news }) => news === 'recorded_late');
  const since = concerned.filter(({ news }) => news !== 'recorded_late');
  if (missed.length > 0) {
    const { number } = judged;
    const why =
      whyNotJudgedAgain(judged) ??
      (await whyNotRepeated(deps, incident, { number, decision, request: input.request }, missed));
    await noteNews(deps, incident, missed, why ?? 'judged again');
    await noteContradiction(deps, incident, number, missed);
    // Last: the next judgement reads the changes, so a repeat of this step after it would find nothing to note.
    if (why === null)
      await requestJudgement(
        deps,
        incident.id,
        number,
        missed.map(({ change }) => change),
      );
    await wake(deps, incident.id);
  } else if (since.some(({ news }) => news !== 'during')) await judgeIfDifferent(deps, stored, input.request, since);
  return since.some(({ change }) => change.status !== 'cancelled') ? 'changed' : 'done';
}

/** Counts a redeploy by a person, if there is one, and returns the other changes. `isUnclear`: it is not counted yet. */
async function besidesRedeploy(
  deps: Deps,
  { incident, inputs, judged }: StoredJudgement,
  { changes: ids }: LateChangesInput,
): Promise<{ changes: ChangeId[]; isUnclear: boolean } | null> {
  const redeploy = await findRedeploy(deps, incident, inputs.evidence, ids);
  if (redeploy === null) return null;
  const { change, isUnclear } = redeploy;
  if (!isUnclear) await noteRedeploy(deps, incident.id, judged.number, redeploy);
  return { changes: ids.filter((id) => id !== change.id), isUnclear };
}

/**
 * Records that critical alerts have begun another problem, if the change after which they began was recorded only after them. They
 * have paged, unless they may be about the time before a mitigation. Safe to repeat.
 *
 * @returns whether they have
 */
async function beginSecondProblem(deps: Deps, { incidentId: id, changes: ids }: LateChangesInput): Promise<boolean> {
  const incident = await deps.incidents.read(id);
  const mitigatedAt = incident?.verifying?.at;
  if (incident === undefined || incident.status === 'resolved') return false;
  const { services } = await deps.config.current();
  const recorded = await Promise.all(ids.map((change) => deps.changes.get(change)));
  const [first] = recorded.flatMap((change) =>
    change !== undefined && relatedTo(services, incident, change)?.relation === 'same' ? [change] : [],
  );
  if (first === undefined) return false;
  const [changes, { signals }] = await Promise.all([
    deps.changes.recent(incident, CHANGES_SINCE_READ),
    deps.incidents.inputs(id, ALERTS_READ),
  ]);
  const alerts = signals
    .filter((one) => one.status === 'firing' && one.severity === 'critical' && one.mute === undefined && !isEvent(one))
    .map((one) => ({
      since: one.startsAt,
      pages: incident.verification === 'pending' && mitigatedAt !== undefined && looksBackBefore(one, mitigatedAt),
      alert: one,
    }));
  const onset = (now: IncidentRecord) => newOnsetAfterChange(now, changes, alerts);
  const { newOnset } = onset(incident);
  if (newOnset?.after_change === undefined) return false;
  const { after_change: change, pages } = newOnset;
  await deps.incidents.post(
    id,
    { kind: 'new_onset', judged: incident.mitigations, pages: pages !== undefined, after_change: change.name },
    (now) => {
      const begun = onset(now);
      if (begun.newOnset === undefined) return {};
      const text = `An alert had begun after ${change.name}, which was recorded later. ${newOnsetText(begun.newOnset)}`;
      const timeline = { actor: 'firebreak', kind: 'incident.failing_again', text, detail: begun.newOnset };
      return { ...begun, timeline };
    },
    `new-onset-after-${change.id}`,
  );
  await wake(deps, id);
  return true;
}

/** Checks again, once changes are measured, whether the incident would be judged differently. */
async function checkMeasured(deps: Deps, input: LateChangesInput): Promise<CheckResult> {
  const stored = await storedJudgement(deps, input);
  if (typeof stored === 'string') return stored;
  const besides = await besidesRedeploy(deps, stored, input);
  if (besides !== null) {
    const checked = await checkMeasured(deps, { ...input, changes: besides.changes });
    return besides.isUnclear ? 'unclear' : checked;
  }
  const changes = await Promise.all(input.changes.map((id) => deps.changes.get(id)));
  // `news` only concerns the note, which is the same for `newer` and `during`.
  const since = changes.flatMap((change): Concerned[] =>
    change === undefined || change.status === 'cancelled'
      ? []
      : [{ change, news: change.started_at > problemStart(stored.incident) ? 'newer' : 'ended' }],
  );
  if (since.length === 0) return 'done';
  await judgeIfDifferent(deps, stored, input.request, since);
  return 'changed';
}

/** Reads the incident with its newest judgement. `done`: the incident is over. */
async function storedJudgement(
  deps: Deps,
  { incidentId: id, judged: begun }: LateChangesInput,
): Promise<StoredJudgement | 'done' | 'unjudged'> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return 'done';
  const number = Math.max(begun, incident.mitigations);
  // A new problem has begun since, and is judged with all changes.
  if (number === incident.new_onset?.judged) return 'unjudged';
  const decision = await deps.decisions.get(id, number);
  const inputs = decision && (await deps.decisions.inputs(id, number));
  if (decision === undefined || inputs === undefined) return 'unjudged';
  const judged = await judgedIncidentOf(deps, id, { status: incident.status, number, decision, inputs });
  return { incident, judged, inputs, decision };
}

async function newsSince(
  deps: Deps,
  incident: IncidentRecord,
  inputs: DecisionInputs,
  ids: readonly ChangeId[],
): Promise<Concerned[]> {
  const { services } = await deps.config.current();
  const changes = await Promise.all(ids.map((id) => deps.changes.get(id)));
  return changes.flatMap((change): Concerned[] => {
    const related = change && relatedTo(services, incident, change);
    const news = related ? newsOf(incident, inputs, related) : null;
    return change === undefined || news === null ? [] : [{ change, news }];
  });
}

async function noteNews(
  deps: Deps,
  incident: IncidentRecord,
  concerned: readonly Concerned[],
  consequence: string,
  key = '',
): Promise<void> {
  for (const { change, news } of concerned)
    await deps.incidents.note(incident.id, `${NOTE_KEYS[news]}-${change.id}${key}`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: NOTE_KINDS[news],
      text: newsText(incident, { change, news }, consequence),
      detail: { change: change.id, service: change.service, version: change.version },
    });
}

/** Notes that changes which were recorded late contradict the newest rollback of this incident that nobody requested. */
async function noteContradiction(
  deps: Deps,
  incident: IncidentRecord,
  newest: number,
  missed: readonly Concerned[],
): Promise<void> {
  const { services } = await deps.config.current();
  const late = missed.flatMap(({ change }) => relatedTo(services, incident, change) ?? []);
  // What is recorded about a new problem says nothing about the rollback that ended the one before.
  for (let number = newest; number > (incident.new_onset?.judged ?? 0); number -= 1) {
    const effect = await deps.effects.get(incident.id, rollbackKey(incident.id, number));
    if (effect === undefined || !['intended', 'accepted', 'succeeded'].includes(effect.state)) continue;
    const [decision, inputs] = await Promise.all([
      deps.decisions.get(incident.id, number),
      deps.decisions.inputs(incident.id, number),
    ]);
    if (decision === undefined || inputs === undefined || inputs.request.by === 'person') return;
    const acted = inputs.targets
      .flatMap(({ changes }) => changes)
      .findLast(({ service, version }) => service === decision.target?.service && version === decision.from_version);
    const found = acted === undefined ? null : contradictionOf(inputs, late, acted.id);
    if (acted === undefined || found === null) return;
    const { change } = found.lead;
    await deps.incidents.note(incident.id, `contradicted-${number}-${change.id}`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'decision.contradicted',
      text: contradictionText(incident, acted.version, found),
      detail: { change: change.id, service: change.service, version: change.version, number },
    });
    return;
  }
}

const NOTE_KEYS: Readonly<Record<News, string>> = {
  recorded_late: 'late-change',
  ended: 'ended-change',
  newer: 'newer-change',
  during: 'newer-change',
};

const NOTE_KINDS: Readonly<Record<News, string>> = {
  recorded_late: 'change.recorded_late',
  ended: 'change.ended',
  newer: 'change.newer',
  during: 'change.newer',
};

/** Requests another judgement, once after each judgement, whatever the reason. @param number of the judgement before */
export async function requestJudgement(
  deps: Pick<Deps, 'incidents'>,
  id: IncidentId,
  number: number,
  changes: readonly Change[],
): Promise<void> {
  await deps.incidents.post(
    id,
    { kind: 'judge_again', changes: changes.map((change) => change.id) },
    {},
    `judge-again-${number}`,
  );
}

async function judgedIncidentOf(
  deps: Deps,
  id: IncidentId,
  {
    status,
    number,
    decision,
    inputs,
  }: Pick<JudgedIncident, 'status' | 'number'> & { decision: DecisionView; inputs: DecisionInputs },
): Promise<JudgedIncident> {
  const [effect, ended] = await Promise.all([
    deps.effects.get(id, rollbackKey(id, number)),
    deps.decisions.outcome(id, number),
  ]);
  const concluded = ended !== undefined && ended.outcome !== null;
  return { status, number, decision, effect, requestedBy: inputs.request.by, concluded };
}

/**
 * Judges again without storing the result. If it differs, withdraws an open question.
 *
 * @returns why the stored judgement stays valid; null: the incident must be judged again
 */
async function whyNotRepeated(
  deps: Deps,
  incident: IncidentRecord,
  { number, decision, request }: { number: number; decision: DecisionView; request: JudgementRequest },
  missed: readonly Concerned[],
): Promise<string | null> {
  const now = await judgeNow(deps, incident, request);
  if (isSameRollback(decision, now) && !isSupersededIn(now)) return 'judged again with the same result';
  return (await withdraw(deps, incident, { number, decision }, missed)) ? null : NOT_JUDGED_APPROVED;
}

/** Requests another judgement if its result would be another act, or would make a waiting question pointless. */
async function judgeIfDifferent(
  deps: Deps,
  { incident, judged, inputs, decision }: StoredJudgement,
  request: JudgementRequest,
  since: readonly Concerned[],
): Promise<void> {
  if (whyNotJudgedAgain(judged) !== null) return;
  const now = await judgeNow(deps, incident, request);
  const changes = since.map(({ change }) => change);
  const known = inputs.targets.flatMap((target) => target.changes);
  if (!hasNewResult(decision, now, changes, known)) return;
  const { number } = judged;
  if (!(await withdraw(deps, incident, { number, decision }, since))) return;
  await noteNews(deps, incident, since, 'judged again', `-${number}`);
  await requestJudgement(deps, incident.id, number, changes);
  await wake(deps, incident.id);
}

/** Withdraws an open question. Returns false if its act has been approved meanwhile. */
async function withdraw(
  deps: Deps,
  incident: IncidentRecord,
  { number, decision }: { number: number; decision: DecisionView },
  because: readonly Concerned[],
): Promise<boolean> {
  const [first] = because;
  if (decision.state === 'waiting' && first !== undefined)
    await withdrawQuestion(deps, incident.id, decision, {
      by: 'firebreak',
      because: newsText(incident, first, 'the incident is judged again'),
    });
  return (await deps.decisions.state(incident.id, number)) !== 'approved';
}
