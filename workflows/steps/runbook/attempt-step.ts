import type { Deps } from '../../../core/domain/ports/deps.ts';
import { permit } from '../../../core/domain/runbooks/permission.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import { wake } from '../../wake.ts';
import { attemptTargetAction } from './target-action.ts';
import { actionKey } from './action-keys.ts';
import { actOfStep, endAtGate, gateOfStep, secondsToAnswer, WAITS_TEXT } from './act-gate.ts';
import type { MadeAttempt, AttemptResult, AttemptInput, CompletedAttempt } from './attempt.ts';
import { closeQuestionsDone } from '../close-questions.ts';
import { callHttp } from './http-call.ts';
import { type StepContext, contextOf, guardsOf } from './context.ts';
import { readResult, storeResult } from './step-results.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { INCIDENT_CLOSED } from './incident-closed.ts';
import type { Prepared } from './preparation.ts';
import { boundedDetail, noteStep } from './step-texts.ts';
import { rerouteGuards } from './reroute.ts';
import { openTicket, postToSlack } from './messages.ts';

/** Makes one attempt at a step. Reads the guards again directly before the call. */
export async function attemptStep(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  attempt: AttemptInput,
): Promise<AttemptResult> {
  const context = await contextOf(deps, input, outline, attempt.before);
  const key = actionKey(context, input, attempt.number);
  const stored = await readResult(deps, input, 'try', key);
  const made = stored ?? (await makeAttempt(deps, input, outline, context, key, attempt));
  if ('kind' in made) return made;
  // Store the result first, because it can't be read again, and then the texts about it.
  const { performed, effect } = stored ?? (await storeResult(deps, input, 'try', key, withShortDetails(made)));
  if (effect !== null) {
    await deps.effects.conclude(context.incident.id, key, effect.state, effect.detail);
    if (effect.state === 'succeeded') await closeAnswered(deps, input, outline, context, attempt);
  } else if (performed.kind === 'failed')
    await noteStep(deps, input, context, 'failed', performed.detail, attempt.number);
  else if (performed.end.closed !== true)
    await noteStep(deps, input, context, performed.end.status, performed.end.detail, attempt.number);
  return performed;
}

/** Closes the questions that ask for what the step has done. */
async function closeAnswered(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  context: StepContext,
  { scale, shift }: AttemptInput,
): Promise<void> {
  const { incident, selected, name } = context;
  const given = (await readResult(deps, input, 'prepared', outline.id))?.given;
  const act = actOfStep(context, { given, scale, shift });
  if (act === null) return;
  const starter = selected.by === undefined ? '' : `, started by ${selected.by},`;
  const because = `the runbook "${selected.runbook.title}"${starter} has done it (${name})`;
  await closeQuestionsDone(deps, { act, because }, incident.id);
}

async function makeAttempt(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  context: StepContext,
  key: string,
  attempt: AttemptInput,
): Promise<MadeAttempt> {
  const { incident, step } = context;
  const prepared = await readResult(deps, input, 'prepared', outline.id);
  if (prepared === undefined) throw new Error(`Step ${outline.id} of runbook ${input.number} was not prepared`);
  if (attempt.timedOutText !== undefined)
    return endWithoutAttempt(deps, context, key, {
      end: { status: 'failed', output: null, detail: attempt.timedOutText },
      state: 'failed',
    });
  // An operation in progress is followed to its end, whatever has changed since.
  if (attempt.handle === null) {
    if (incident.status === 'resolved')
      return endWithoutAttempt(deps, context, key, { end: INCIDENT_CLOSED, state: 'withheld' });
    const gated =
      step.mutating && !attempt.approved ? await stopAtGate(deps, context, prepared.given, key, attempt) : null;
    if (gated !== null) return gated;
    const reason = step.mutating ? await refusalText(deps, context, prepared, attempt) : null;
    if (reason !== null) {
      const end = { status: 'skipped', output: null, detail: `skipped: ${reason}` } as const;
      return endWithoutAttempt(deps, context, key, { end, state: 'withheld' });
    }
  }
  const { earlierKey } = outline;
  const isKeyKnown = earlierKey !== undefined && attempt.number === 1;
  return execute(deps, context, prepared.given, key, isKeyKnown ? { ...attempt, sentAs: earlierKey } : attempt);
}

/**
 * Returns the result of an attempt that the gate stops, because people are asked about the act. Null: the gate is open, or
 * an earlier attempt may have succeeded.
 */
async function stopAtGate(
  deps: Deps,
  context: StepContext,
  given: Json,
  key: string,
  { scale, shift }: AttemptInput,
): Promise<MadeAttempt | null> {
  if ((await deps.effects.get(context.incident.id, key)) !== undefined) return null;
  const gate = await gateOfStep(deps, context, actOfStep(context, { given, scale, shift }), key);
  if (gate.kind === 'free') return null;
  if (gate.kind === 'waits') {
    const answerSeconds = secondsToAnswer(deps, gate);
    return { kind: 'again', detail: WAITS_TEXT, handle: null, afterSeconds: null, answerSeconds };
  }
  return withoutEffect({ kind: 'ended', end: endAtGate(gate) });
}

/** Returns why the step must not run at this moment. Null: no guard applies. */
async function refusalText(
  deps: Deps,
  context: StepContext,
  { against, given }: Prepared,
  { approved }: AttemptInput,
): Promise<string | null> {
  const guards = await guardsOf(deps, context, await rerouteGuards(deps, context, given));
  // A person approved a named action. An automatic action depends on the suspect at the time of its preparation.
  if (!approved && against !== undefined && against !== (guards.against?.change_id ?? null))
    return 'another change is suspected now';
  const permission = permit(guards);
  if (permission.kind === 'act' || (permission.kind === 'ask' && approved)) return null;
  return permission.reasons.map(({ text }) => text).join('; ');
}

/** Ends a step without a further attempt. After an earlier attempt, its outcome is reported as unclear. */
async function endWithoutAttempt(
  deps: Deps,
  { incident, name }: StepContext,
  key: string,
  { end, state }: { end: StepEnd; state: 'failed' | 'withheld' },
): Promise<CompletedAttempt> {
  const earlier = await deps.effects.get(incident.id, key);
  if (earlier === undefined) return { performed: { kind: 'ended', end }, effect: null };
  const detail = `${end.detail}; an earlier attempt may have succeeded`;
  return {
    performed: { kind: 'ended', end: { ...end, status: 'failed', detail, unclear: true } },
    effect: { state, detail: `${name}: ${detail}` },
  };
}

/** Executes the action of a step. */
async function execute(
  deps: Deps,
  context: StepContext,
  given: Json,
  key: string,
  attempt: AttemptInput,
): Promise<MadeAttempt> {
  const { incident, step, inverse, selected, name } = context;
  const uses = inverse?.uses ?? step.uses;
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable': {
      const { flag } = given as With<'flag.disable'>;
      return attemptTargetAction(deps, context, { kind: 'flag', flag, on: uses === 'flag.enable' }, key, attempt);
    }
    case 'scale':
    case 'scale.restore':
      return attempt.scale === null
        ? withoutEffect({ kind: 'failed', detail: 'the target count is unknown' })
        : attemptTargetAction(deps, context, { kind: 'scale', ...attempt.scale }, key, attempt);
    case 'restart':
      return attemptTargetAction(deps, context, { kind: 'restart' }, key, attempt);
    case 'reroute':
    case 'reroute.restore':
      return attempt.shift === undefined
        ? withoutEffect({ kind: 'failed', detail: 'the target weights are unknown' })
        : attemptTargetAction(deps, context, { kind: 'reroute', ...attempt.shift }, key, attempt);
    case 'http':
      return callHttp(deps, context, given as With<'http'>, key, attempt);
    case 'note':
      return withoutEffect(succeeded((given as With<'note'>).text));
    case 'page': {
      const { note = name } = given as With<'page'>;
      await deps.incidents.post(incident.id, { kind: 'page', by: `runbook ${selected.runbook.name}`, note }, {}, key);
      await wake(deps, incident.id);
      return withoutEffect(succeeded(note));
    }
    case 'slack.post':
      return asMade(await postToSlack(deps, context, given as With<'slack.post'>, attempt.sentAs ?? key));
    case 'ticket':
      return asMade(await openTicket(deps, context, given as With<'ticket'>, attempt.sentAs ?? key));
    case 'rollback':
    case 'wait':
    case 'wait.until':
    case 'approve':
    case 'verify':
      throw new Error(`Step ${step.id} of runbook ${selected.runbook.name}: ${uses} is not an action`);
  }
}

const withoutEffect = (performed: CompletedAttempt['performed']): CompletedAttempt => ({ performed, effect: null });

const asMade = (performed: AttemptResult): MadeAttempt =>
  performed.kind === 'again' ? performed : withoutEffect(performed);

const succeeded = (detail: string): CompletedAttempt['performed'] => ({
  kind: 'ended',
  end: { status: 'succeeded', output: null, detail },
});

/** Truncates vendors' texts, because the result is checkpointed and stored. */
function withShortDetails({ performed, effect }: CompletedAttempt): CompletedAttempt {
  return {
    performed:
      performed.kind === 'failed'
        ? { ...performed, detail: boundedDetail(performed.detail) }
        : { ...performed, end: { ...performed.end, detail: boundedDetail(performed.end.detail) } },
    effect: effect && { ...effect, detail: boundedDetail(effect.detail) },
  };
}
