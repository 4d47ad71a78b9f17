import type { Deps } from '../../../domain/ports/deps.ts';
import { permit } from '../../../domain/runbooks/permission.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';
import { wake } from '../../wake.ts';
import { attemptAct } from './act.ts';
import { actKey } from './act-keys.ts';
import type { Attempted, Performed, StepAttempt, Tried } from './attempt.ts';
import { callHttp } from './call.ts';
import { type Context, contextOf, guardsOf } from './context.ts';
import { recall, remember } from './memory.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { INCIDENT_CLOSED } from './over.ts';
import type { Prepared } from './preparation.ts';
import { cut, noteStep } from './tell.ts';
import { openTicket, postToSlack } from './tellers.ts';

/** Makes one attempt at a step. Reads the guards again directly before the call. */
export async function performStep(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  stepAttempt: StepAttempt,
): Promise<Performed> {
  const context = await contextOf(deps, input, outline, stepAttempt.before);
  const key = actKey(context, input, stepAttempt.tries);
  const known = await recall(deps, input, 'try', key);
  const attempted = known ?? (await attempt(deps, input, outline, context, key, stepAttempt));
  if ('kind' in attempted) return attempted;
  // Store the result first, because it can't be read again, and then the texts about it.
  const tried = known ?? (await remember(deps, input, 'try', key, short(attempted)));
  const { performed, effect } = tried;
  if (effect !== null) await deps.effects.conclude(context.incident.id, key, effect.state, effect.detail);
  else if (performed.kind === 'failed')
    await noteStep(deps, input, context, 'failed', performed.detail, stepAttempt.tries);
  else if (performed.end.closed !== true)
    await noteStep(deps, input, context, performed.end.status, performed.end.detail, stepAttempt.tries);
  return performed;
}

async function attempt(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  context: Context,
  key: string,
  stepAttempt: StepAttempt,
): Promise<Attempted> {
  const { incident, step } = context;
  const prepared = await recall(deps, input, 'prepared', outline.id);
  if (prepared === undefined) throw new Error(`Step ${outline.id} of runbook ${input.number} was not prepared`);
  if (stepAttempt.giveUp !== undefined)
    return withoutEnd(deps, context, key, {
      end: { status: 'failed', output: null, detail: stepAttempt.giveUp },
      state: 'failed',
    });
  // An operation in progress is followed to its end, whatever has changed since.
  if (stepAttempt.handle === null) {
    if (incident.status === 'resolved')
      return withoutEnd(deps, context, key, { end: INCIDENT_CLOSED, state: 'withheld' });
    const no = step.mutating ? await whyNot(deps, context, prepared, stepAttempt) : null;
    if (no !== null) {
      const end = { status: 'skipped', output: null, detail: `skipped: ${no}` } as const;
      return withoutEnd(deps, context, key, { end, state: 'withheld' });
    }
  }
  const { lookFor } = outline;
  const sent = lookFor === undefined || stepAttempt.tries > 1 ? stepAttempt : { ...stepAttempt, sentAs: lookFor };
  return carryOut(deps, context, prepared.given, key, sent);
}

/** Returns why the step must not run at this moment. Null: no guard applies. */
async function whyNot(
  deps: Deps,
  context: Context,
  { against }: Prepared,
  { approved }: StepAttempt,
): Promise<string | null> {
  const guards = await guardsOf(deps, context);
  // A person approved a named action. An automatic action depends on the suspect at the time of its preparation.
  if (!approved && against !== undefined && against !== (guards.against?.change_id ?? null))
    return 'another change is suspected now';
  const permission = permit(guards);
  if (permission.kind === 'act' || (permission.kind === 'ask' && approved)) return null;
  return permission.reasons.map(({ text }) => text).join('; ');
}

/** Ends a step without a further attempt. After an earlier attempt, its outcome is reported as unclear. */
async function withoutEnd(
  deps: Deps,
  { incident, name }: Context,
  key: string,
  { end, state }: { end: StepEnd; state: 'failed' | 'withheld' },
): Promise<Tried> {
  const tried = await deps.effects.get(incident.id, key);
  if (tried === undefined) return { performed: { kind: 'ended', end }, effect: null };
  const detail = `${end.detail}; an earlier attempt may have succeeded`;
  return {
    performed: { kind: 'ended', end: { ...end, status: 'failed', detail, unclear: true } },
    effect: { state, detail: `${name}: ${detail}` },
  };
}

/** Performs an attempt, depending on the kind of step. */
async function carryOut(
  deps: Deps,
  context: Context,
  given: Json,
  key: string,
  stepAttempt: StepAttempt,
): Promise<Attempted> {
  const { incident, step, inverse, followed, name } = context;
  const uses = inverse?.uses ?? step.uses;
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable': {
      const { flag } = given as With<'flag.disable'>;
      return attemptAct(deps, context, { kind: 'flag', flag, on: uses === 'flag.enable' }, key, stepAttempt);
    }
    case 'scale':
    case 'scale.restore':
      return stepAttempt.scale === null
        ? untold({ kind: 'failed', detail: 'the target count is unknown' })
        : attemptAct(deps, context, { kind: 'scale', ...stepAttempt.scale }, key, stepAttempt);
    case 'restart':
      return attemptAct(deps, context, { kind: 'restart' }, key, stepAttempt);
    case 'http':
      return callHttp(deps, context, given as With<'http'>, key, stepAttempt);
    case 'note':
      return untold(succeeded((given as With<'note'>).text));
    case 'page': {
      const { note = name } = given as With<'page'>;
      await deps.incidents.post(incident.id, { kind: 'page', by: `runbook ${followed.runbook.name}`, note }, {}, key);
      await wake(deps, incident.id);
      return untold(succeeded(note));
    }
    case 'slack.post':
      return told(await postToSlack(deps, context, given as With<'slack.post'>, stepAttempt.sentAs ?? key));
    case 'ticket':
      return told(await openTicket(deps, context, given as With<'ticket'>, stepAttempt.sentAs ?? key));
    case 'rollback':
    case 'wait':
    case 'wait.until':
    case 'approve':
    case 'verify':
      throw new Error(`Step ${step.id} of runbook ${followed.runbook.name}: ${uses} is not an action`);
  }
}

const untold = (performed: Tried['performed']): Tried => ({ performed, effect: null });

const told = (performed: Performed): Attempted => (performed.kind === 'again' ? performed : untold(performed));

const succeeded = (detail: string): Tried['performed'] => ({
  kind: 'ended',
  end: { status: 'succeeded', output: null, detail },
});

/** Truncates vendors' texts, because the result is checkpointed and stored. */
function short({ performed, effect }: Tried): Tried {
  return {
    performed:
      performed.kind === 'failed'
        ? { ...performed, detail: cut(performed.detail) }
        : { ...performed, end: { ...performed.end, detail: cut(performed.end.detail) } },
    effect: effect && { ...effect, detail: cut(effect.detail) },
  };
}
