import type { Deps } from '../../../domain/ports.ts';
import type { AskedBy } from '../../../domain/rollback.ts';
import { liveChange } from '../../../domain/versions.ts';
import type { Message, MitigationOutcome } from '../../../schemas/inbox.ts';
import type { IncidentRecord } from '../../../schemas/incident.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd } from '../../../schemas/runbook/runs.ts';
import { wake } from '../../wake.ts';
import { entryOf } from '../judge.ts';
import { refuse } from '../withdraw-about.ts';
import type { Outline } from './choose.ts';
import { type Context, contextOf } from './context.ts';
import { recall, remember } from './memory.ts';
import { OVER } from './prepare.ts';
import { noteStep } from './tell.ts';

/** Judgements of what nobody has asked for are none of a runbook's. */
const ASKED: ReadonlySet<AskedBy> = new Set(['alert', 'runbook']);

/** Judgements before it, and how long a person has for the answer that the runbook wants; 0: it wants none. */
export type AskedFor = { judgedBefore: number; answerSeconds: number };

/**
 * Leaves the wish in the inbox: the incident judges it as it judges an alert's. Where an alert asks, that is the one.
 * What the runbook says of approval goes with it, so that there is one question, about what is really to be done.
 */
export async function askForRollback(deps: Deps, input: RunbookInput, outline: Outline): Promise<AskedFor> {
  const { incidentId, number } = input;
  const context = await contextOf(deps, input, outline, {});
  const { incident, followed, step, place } = context;
  const { name, mode = null } = followed.runbook;
  const { approval: wanted } = step;
  const approval = wanted && { people: wanted.people ?? null, seconds: wanted.timeoutSeconds };
  const { by } = followed;
  const judgedBefore =
    by === undefined ? incident.mitigations : await remember(deps, input, 'judged', outline.id, incident.mitigations);
  const message: Message = { kind: 'runbook_rollback', runbook: name, mode, ...(approval && { approval }) };
  if (by === undefined) await deps.incidents.post(incidentId, message, {}, `runbook-${number}-rollback`);
  else await askByHand(deps, context, by, `runbook-${number}-rollback`);
  await wake(deps, incidentId);
  const { approvalTimeoutMinutes = 60 } = entryOf((await deps.config.current()).services, place)?.autoRollback ?? {};
  const answerSeconds = approval === null ? 0 : (approval.seconds ?? approvalTimeoutMinutes * 60);
  return { judgedBefore, answerSeconds };
}

/**
 * Of a runbook that a person has started, it is their own rollback: what runs now is taken back. What is asked about the
 * same is withdrawn, as when they ask for a rollback.
 */
async function askByHand(deps: Deps, { incident, place, followed }: Context, by: string, key: string): Promise<void> {
  const runs = liveChange(await deps.changes.recent(place, CHANGES_READ))?.version;
  const { name } = followed.runbook;
  const timeline = {
    actor: by,
    kind: 'rollback.asked',
    text: `Asked for a rollback with the runbook ${name}`,
    detail: { runbook: name, from: runs ?? null },
  };
  const message: Message = { kind: 'rollback', by, note: `runbook ${name}`, ...(runs !== undefined && { from: runs }) };
  await deps.incidents.post(incident.id, message, { timeline }, key);
  const waiting = (await deps.incidents.view(incident.id))?.decisions.filter(
    (decision) =>
      decision.question === undefined && decision.state === 'waiting' && decision.because !== 'second_person',
  );
  for (const decision of waiting ?? [])
    await refuse(deps, incident.id, decision, by, `Started the runbook ${name} instead`);
}

/** As many as the judgement reads. */
const CHANGES_READ = 50;

/** @param last there is no time for another look. Null: it is not over yet */
export async function lookForRollback(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  { judgedBefore, last }: { judgedBefore: number; last: boolean },
): Promise<StepEnd | null> {
  const known = await recall(deps, input, 'end', outline.id);
  if (known !== undefined) return known;
  const context = await contextOf(deps, input, outline, {});
  const { incident } = context;
  if (incident.status === 'resolved') return OVER;
  const judged = await newestAskedFor(deps, context, judgedBefore);
  const end =
    judged === null || judged.outcome === null ? null : await endOf(deps, incident, judged.number, judged.outcome);
  if (end === null && !last) return null;
  const kept = await remember(deps, input, 'end', outline.id, end ?? TOO_LONG);
  // How it ended is told by the rollback itself.
  if (end === null) await noteStep(deps, input, context, kept.status, kept.detail);
  return kept;
}

const TOO_LONG: StepEnd = {
  status: 'failed',
  output: null,
  detail: 'the rollback has not come to an end in the time of the step; it goes on by itself',
};

async function endOf(deps: Deps, { id }: IncidentRecord, number: number, outcome: MitigationOutcome): Promise<StepEnd> {
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
    return { status: 'declined', output, detail: outcome === 'rejected' ? 'a person said no' : 'nobody answered' };
  return { status: 'failed', output, detail: `the rollback ${ENDED[outcome]}` };
}

/** How a rollback that changed nothing ended, in words. */
const ENDED = {
  failed: 'failed',
  superseded: 'was superseded: another version runs now',
  withheld: 'was withheld by a guard',
  refused: 'was refused by the deployer',
  gave_up: 'was given up: the deployer did not answer',
} as const;

/** Null: none was judged yet. What a person asked for meanwhile counts; before, it was another matter. */
async function newestAskedFor(
  deps: Deps,
  { incident: { id, mitigations }, followed }: Context,
  judgedBefore: number,
): Promise<{ number: number; outcome: MitigationOutcome | null } | null> {
  const byHand = followed.by !== undefined;
  for (let number = mitigations; number >= 1; number -= 1) {
    const judged = await deps.decisions.outcome(id, number);
    if (judged === undefined) continue;
    if ((ASKED.has(judged.asked) && !byHand) || (judged.asked === 'person' && number > judgedBefore))
      return { number, outcome: judged.outcome };
  }
  return null;
}
