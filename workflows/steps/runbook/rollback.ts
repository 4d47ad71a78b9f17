import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Requester } from '../../../core/domain/rollback/judgement.ts';
import { newestLiveChange } from '../../../core/domain/changes/versions.ts';
import type { Message, MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import { wake } from '../../wake.ts';

import { withdrawQuestion } from '../withdraw-questions.ts';
import { judgedUntil } from './act-gate.ts';
import { type StepContext, contextOf } from './context.ts';
import { readResult, storeResult } from './step-results.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { INCIDENT_CLOSED } from './incident-closed.ts';
import { noteStep } from './step-texts.ts';

/** Origins of judgements that can answer a runbook's request. */
const RUNBOOK_REQUESTERS: ReadonlySet<Requester> = new Set(['alert', 'runbook']);

/** Number of earlier judgements, and seconds for the approval that the runbook requires; 0: it requires none. */
export type RequestedRollback = { judgedBefore: number; answerSeconds: number };

/**
 * Requests a rollback through the inbox. The incident judges it like an alert's request; if an alert requests one, too,
 * there is only one rollback. The runbook's approval settings are part of the request, so that people get one question,
 * with the versions.
 */
export async function requestRollback(deps: Deps, input: RunbookInput, outline: Outline): Promise<RequestedRollback> {
  const { incidentId, number } = input;
  const context = await contextOf(deps, input, outline, {});
  const { incident, selected, step, serviceEnvironment } = context;
  const { name, mode = null } = selected.runbook;
  const { approval: required } = step;
  const approval = required && { people: required.people ?? null, seconds: required.timeoutSeconds };
  const { by } = selected;
  const judgedBefore =
    by === undefined
      ? incident.mitigations
      : await storeResult(deps, input, 'judged', outline.id, incident.mitigations);
  const message: Message = { kind: 'runbook_rollback', runbook: name, mode, ...(approval && { approval }) };
  if (by === undefined) await deps.incidents.post(incidentId, message, {}, `runbook-${number}-rollback`);
  else await requestForPerson(deps, context, by, `runbook-${number}-rollback`);
  await wake(deps, incidentId);
  const { approvalTimeoutMinutes = 60 } =
    environmentEntry((await deps.config.current()).services, serviceEnvironment)?.autoRollback ?? {};
  const answerSeconds = approval === null ? 0 : (approval.seconds ?? approvalTimeoutMinutes * 60);
  return { judgedBefore, answerSeconds };
}

/**
 * Requests a rollback of the running version on behalf of the person who started the runbook. Withdraws other questions
 * about a rollback, as for any rollback by a person.
 */
async function requestForPerson(
  deps: Deps,
  { incident, serviceEnvironment, selected }: StepContext,
  by: string,
  key: string,
): Promise<void> {
  const running = newestLiveChange(await deps.changes.recent(serviceEnvironment, CHANGES_READ))?.version;
  const { name } = selected.runbook;
  const timeline = {
    actor: by,
    kind: 'rollback.requested',
    text: `Requested a rollback through the runbook ${name}`,
    detail: { runbook: name, from: running ?? null },
  };
  const message: Message = {
    kind: 'rollback',
    by,
    note: `runbook ${name}`,
    ...(running !== undefined && { from: running }),
  };
  await deps.incidents.post(incident.id, message, { timeline }, key);
  const waiting = (await deps.incidents.view(incident.id))?.decisions.filter(
    (decision) =>
      decision.question === undefined && decision.state === 'waiting' && decision.because !== 'second_person',
  );
  for (const decision of waiting ?? [])
    await withdrawQuestion(deps, incident.id, decision, { by, because: `the runbook ${name} was started instead` });
}

/** Number of changes read, the same as for a judgement. */
const CHANGES_READ = 50;

/** Returns the end of a requested rollback. Null: not over yet. @param last there is no time for another check */
export async function checkRequestedRollback(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  { judgedBefore, last }: { judgedBefore: number; last: boolean },
): Promise<StepEnd | null> {
  const known = await readResult(deps, input, 'end', outline.id);
  if (known !== undefined) return known;
  const context = await contextOf(deps, input, outline, {});
  const { incident } = context;
  if (incident.status === 'resolved') return INCIDENT_CLOSED;
  const judged = await newestJudgementOf(deps, context, judgedBefore);
  const end =
    judged === null ||
    judged.outcome === null ||
    judged.outcome === 'waited' ||
    (await mayBeJudgedAgain(deps, incident.id, judged))
      ? null
      : await endOf(deps, incident, judged.number, judged.outcome);
  if (end === null && !last) return null;
  const stored = await storeResult(deps, input, 'end', outline.id, end ?? (await timedOut(deps, incident, judged)));
  // The rollback itself records its end on the timeline.
  if (end === null) await noteStep(deps, input, context, stored.status, stored.detail);
  return stored;
}

/** Returns whether the question was withdrawn just now, so that another judgement may follow. */
async function mayBeJudgedAgain(
  deps: Deps,
  id: IncidentId,
  { number, outcome }: { number: number; outcome: MitigationOutcome | null },
): Promise<boolean> {
  if (outcome !== 'withdrawn') return false;
  const withdrawn = (await deps.decisions.get(id, number))?.withdrawn;
  return withdrawn?.done === false && withdrawn.at > judgedUntil(deps);
}

/** Returns the end of a step that timed out. The incident continues the rollback, or its request for approval. */
async function timedOut(deps: Deps, { id }: IncidentRecord, judged: { number: number } | null): Promise<StepEnd> {
  const isWaiting = judged !== null && (await deps.decisions.state(id, judged.number)) === 'waiting';
  return {
    status: 'failed',
    output: null,
    detail: isWaiting
      ? 'the step timed out while the rollback was waiting for approval; the rollback can still be approved'
      : 'the step timed out before the rollback ended; the rollback continues',
  };
}

async function endOf(
  deps: Deps,
  { id }: IncidentRecord,
  number: number,
  outcome: Exclude<MitigationOutcome, 'waited'>,
): Promise<StepEnd> {
  const decision = await deps.decisions.get(id, number);
  const output = {
    outcome,
    because: decision?.because ?? null,
    from_version: decision?.from_version ?? null,
    to_version: decision?.to_version ?? null,
  };
  if (outcome === 'succeeded') return { status: 'succeeded', output, detail: `rolled back to ${output.to_version}` };
  if (outcome === 'not_taken')
    return { status: 'skipped', output, detail: `no rollback: ${decision?.reasons[0]?.text ?? output.because}` };
  if (outcome === 'rejected' || outcome === 'expired')
    return { status: 'declined', output, detail: outcome === 'rejected' ? 'rejected' : 'not answered in time' };
  if (outcome === 'withdrawn') {
    const { because = '', done = false } = decision?.withdrawn ?? {};
    return done
      ? { status: 'succeeded', output, detail: `already done: ${because}` }
      : { status: 'withdrawn', output, detail: `withdrawn: ${because}` };
  }
  return { status: 'failed', output, detail: `the rollback ${OUTCOME_TEXTS[outcome]}` };
}

/** Predicates for the outcomes of a rollback that changed nothing. */
const OUTCOME_TEXTS = {
  failed: 'failed',
  superseded: 'was superseded: another version is running now',
  withheld: 'was withheld by a guard',
  refused: 'was refused by the deployer',
  gave_up: 'was given up: the deployer did not answer',
} as const;

/** Returns the newest judgement of the request, or of a person's later request. Null: not judged yet. */
async function newestJudgementOf(
  deps: Deps,
  { incident: { id, mitigations }, selected }: StepContext,
  judgedBefore: number,
): Promise<{ number: number; outcome: MitigationOutcome | null } | null> {
  const isManual = selected.by !== undefined;
  for (let number = mitigations; number >= 1; number -= 1) {
    const judged = await deps.decisions.outcome(id, number);
    if (judged === undefined) continue;
    if (
      (RUNBOOK_REQUESTERS.has(judged.requester) && !isManual) ||
      (judged.requester === 'person' && number > judgedBefore)
    )
      return { number, outcome: judged.outcome };
  }
  return null;
}
