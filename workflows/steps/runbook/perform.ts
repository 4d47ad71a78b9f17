import type { Deps } from '../../../domain/ports.ts';
import { permit } from '../../../domain/runbooks/permission.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { With } from '../../../schemas/runbook/kinds.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd, StepEnds } from '../../../schemas/runbook/runs.ts';
import { wake } from '../../wake.ts';
import { attemptAct } from './act.ts';
import { callHttp } from './call.ts';
import type { Outline } from './choose.ts';
import { actKey, type Context, contextOf, guardsOf } from './context.ts';
import { type Prepared, recall, remember, type Tried } from './memory.ts';
import { OVER } from './prepare.ts';
import { cut, noteStep } from './tell.ts';
import { openTicket, postToSlack } from './tellers.ts';

/** How one attempt went. `again`: under way, away or busy; `failed`: another try of its own may be allowed. */
export type Performed =
  | { kind: 'ended'; end: StepEnd }
  | { kind: 'again'; detail: string; handle: string | null; afterSeconds: number | null }
  | { kind: 'failed'; detail: string };

/** An attempt with what is to be recorded of it. */
export type Attempted = Tried | Extract<Performed, { kind: 'again' }>;

export type Doing = {
  before: StepEnds;
  approved: boolean;
  scale: { from: number; to: number } | null;
  /** From 1; a try after a failure is an act of its own. */
  tries: number;
  handle: string | null;
  /** The key by which the other side knows it, of an act that an earlier run may have done. Absent: the act's own. */
  sentAs?: string;
  /** Its time is over: this is what it was last told. */
  giveUp?: string;
};

/** One attempt at a step. The guards are read again here, directly before the call. */
export async function performStep(deps: Deps, input: RunbookInput, outline: Outline, doing: Doing): Promise<Performed> {
  const context = await contextOf(deps, input, outline, doing.before);
  const key = actKey(context, input, doing.tries);
  const known = await recall(deps, input, 'try', key);
  const attempted = known ?? (await attempt(deps, input, outline, context, key, doing));
  if ('kind' in attempted) return attempted;
  // First what it gave, which cannot be asked again, then what is told of it.
  const tried = known ?? (await remember(deps, input, 'try', key, short(attempted)));
  const { performed, effect } = tried;
  if (effect !== null) await deps.effects.conclude(context.incident.id, key, effect.state, effect.detail);
  else if (performed.kind === 'failed') await noteStep(deps, input, context, 'failed', performed.detail, doing.tries);
  else if (performed.end.closed !== true)
    await noteStep(deps, input, context, performed.end.status, performed.end.detail, doing.tries);
  return performed;
}

async function attempt(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  context: Context,
  key: string,
  doing: Doing,
): Promise<Attempted> {
  const { incident, step } = context;
  const prepared = await recall(deps, input, 'prepared', outline.id);
  if (prepared === undefined) throw new Error(`step ${outline.id} of runbook ${input.number} was never prepared`);
  if (doing.giveUp !== undefined)
    return withoutEnd(deps, context, key, {
      end: { status: 'failed', output: null, detail: doing.giveUp },
      state: 'failed',
    });
  // What is under way is followed to its end, whatever has changed since.
  if (doing.handle === null) {
    if (incident.status === 'resolved') return withoutEnd(deps, context, key, { end: OVER, state: 'withheld' });
    const no = step.mutating ? await whyNot(deps, context, prepared, doing) : null;
    if (no !== null) {
      const end = { status: 'skipped', output: null, detail: `not done: ${no}` } as const;
      return withoutEnd(deps, context, key, { end, state: 'withheld' });
    }
  }
  const { lookFor } = outline;
  const sent = lookFor === undefined || doing.tries > 1 ? doing : { ...doing, sentAs: lookFor };
  return carryOut(deps, context, prepared.given, key, sent);
}

/** What forbids it at this moment; null: nothing does. */
async function whyNot(
  deps: Deps,
  context: Context,
  { against }: Prepared,
  { approved }: Doing,
): Promise<string | null> {
  const guards = await guardsOf(deps, context);
  // What a person has approved names what is to be done; what goes alone rests on the suspect of that moment.
  if (!approved && against !== undefined && against !== (guards.against?.change_id ?? null))
    return 'another change is suspected by now';
  const permission = permit(guards);
  if (permission.kind === 'act' || (permission.kind === 'ask' && approved)) return null;
  return permission.reasons.map(({ text }) => text).join('; ');
}

/** It is not tried again. Where it has been tried, it may have been done, and that is said. */
async function withoutEnd(
  deps: Deps,
  { incident, name }: Context,
  key: string,
  { end, state }: { end: StepEnd; state: 'failed' | 'withheld' },
): Promise<Tried> {
  const tried = await deps.effects.get(incident.id, key);
  if (tried === undefined) return { performed: { kind: 'ended', end }, effect: null };
  const detail = `${end.detail}; it was tried before, and may have been done`;
  return {
    performed: { kind: 'ended', end: { ...end, status: 'failed', detail, unclear: true } },
    effect: { state, detail: `${name}: ${detail}` },
  };
}

/** What is done by an attempt, by the kind of step. */
async function carryOut(deps: Deps, context: Context, given: Json, key: string, doing: Doing): Promise<Attempted> {
  const { incident, step, inverse, followed, name } = context;
  const uses = inverse?.uses ?? step.uses;
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable': {
      const { flag } = given as With<'flag.disable'>;
      return attemptAct(deps, context, { kind: 'flag', flag, on: uses === 'flag.enable' }, key, doing);
    }
    case 'scale':
    case 'scale.restore':
      return doing.scale === null
        ? untold({ kind: 'failed', detail: 'it is not known to how many' })
        : attemptAct(deps, context, { kind: 'scale', ...doing.scale }, key, doing);
    case 'restart':
      return attemptAct(deps, context, { kind: 'restart' }, key, doing);
    case 'http':
      return callHttp(deps, context, given as With<'http'>, key, doing);
    case 'note':
      return untold(succeeded((given as With<'note'>).text));
    case 'page': {
      const { note = name } = given as With<'page'>;
      await deps.incidents.post(incident.id, { kind: 'page', by: `runbook ${followed.runbook.name}`, note }, {}, key);
      await wake(deps, incident.id);
      return untold(succeeded(note));
    }
    case 'slack.post':
      return told(await postToSlack(deps, context, given as With<'slack.post'>, doing.sentAs ?? key));
    case 'ticket':
      return told(await openTicket(deps, context, given as With<'ticket'>, doing.sentAs ?? key));
    case 'rollback':
    case 'wait':
    case 'wait.until':
    case 'approve':
    case 'verify':
      throw new Error(`step ${step.id} of runbook ${followed.runbook.name}: ${uses} is waited for, not done`);
  }
}

const untold = (performed: Tried['performed']): Tried => ({ performed, effect: null });

const told = (performed: Performed): Attempted => (performed.kind === 'again' ? performed : untold(performed));

const succeeded = (detail: string): Tried['performed'] => ({
  kind: 'ended',
  end: { status: 'succeeded', output: null, detail },
});

/** What is checkpointed and kept is not large, whatever vendors say. */
function short({ performed, effect }: Tried): Tried {
  return {
    performed:
      performed.kind === 'failed'
        ? { ...performed, detail: cut(performed.detail) }
        : { ...performed, end: { ...performed.end, detail: cut(performed.end.detail) } },
    effect: effect && { ...effect, detail: cut(effect.detail) },
  };
}
