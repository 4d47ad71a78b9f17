import type { Deps } from '../../../domain/ports.ts';
import { holds } from '../../../domain/runbooks/cel.ts';
import { resolveWith } from '../../../domain/runbooks/templates.ts';
import { secondsOf } from '../../../schemas/maintenance.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd, StepEnds } from '../../runbook-step.ts';
import { wake } from '../../wake.ts';
import { verdictOf } from '../verify.ts';
import { attemptAct } from './act.ts';
import { callHttp } from './call.ts';
import type { Outline } from './choose.ts';
import { actKey, type Context, contextOf, guardsOf, permissionOf } from './context.ts';
import { noteStep } from './tell.ts';
import { openTicket, postToSlack } from './tellers.ts';

/** How one attempt went. `again`: under way, away or busy; `failed`: another try of its own may be allowed. */
export type Performed =
  | { kind: 'ended'; end: StepEnd }
  | { kind: 'again'; detail: string; handle: string | null; afterSeconds: number | null }
  | { kind: 'failed'; detail: string };

export type Doing = {
  before: StepEnds;
  approved: boolean;
  scale: { from: number; to: number } | null;
  /** From 1; a try after a failure is an act of its own. */
  tries: number;
  handle: string | null;
  /** Its time is over: this is what it was last told. */
  giveUp?: string;
};

/** One attempt at a step. The guards are read again here, directly before the call. */
export async function performStep(deps: Deps, input: RunbookInput, outline: Outline, doing: Doing): Promise<Performed> {
  const context = await contextOf(deps, input, outline, doing.before);
  const { incident, step, inverse } = context;
  const key = actKey(context, input, doing.tries);
  if (doing.giveUp !== undefined) {
    const known = await deps.effects.get(incident.id, key);
    if (known) await deps.effects.conclude(incident.id, key, 'failed', `${context.name}: given up: ${doing.giveUp}`);
    return finish(deps, input, context, key, { kind: 'failed', detail: doing.giveUp });
  }
  if (incident.status === 'resolved' && inverse === null)
    return ended({ status: 'skipped', output: null, detail: 'the incident is over', closed: true });
  if (step.mutating) {
    const permission = permissionOf(await guardsOf(deps, context));
    const no = permission.kind === 'act' || (permission.kind === 'ask' && doing.approved) ? null : permission.reasons;
    // What is under way is followed to its end, whatever has changed since.
    if (no !== null && doing.handle === null) {
      const because = no.map(({ text }) => text).join('; ');
      await noteStep(deps, input, context, 'skipped', `not done: ${because}`);
      return ended({ status: 'skipped', output: null, detail: because });
    }
  }
  return finish(deps, input, context, key, await attempt(deps, input, context, key, doing));
}

/** What is done by an attempt, by the kind of step. */
async function attempt(
  deps: Deps,
  input: RunbookInput,
  context: Context,
  key: string,
  doing: Doing,
): Promise<Performed> {
  const { incident, step, inverse, declared, variables } = context;
  const uses = inverse?.uses ?? step.uses;
  const given = { with: inverse?.with ?? step.with };
  switch (uses) {
    case 'flag.disable':
    case 'flag.enable': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      if (!found.ok) return { kind: 'failed', detail: found.detail };
      const { flag } = found.value;
      return attemptAct(deps, context, { kind: 'flag', flag, on: uses === 'flag.enable' }, key, doing);
    }
    case 'scale':
    case 'scale.restore':
      return doing.scale === null
        ? { kind: 'failed', detail: 'it is not known to how many' }
        : attemptAct(deps, context, { kind: 'scale', ...doing.scale }, key, doing);
    case 'restart':
      return attemptAct(deps, context, { kind: 'restart' }, key, doing);
    case 'http': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      return found.ok ? callHttp(deps, context, found.value, key, doing) : { kind: 'failed', detail: found.detail };
    }
    case 'note': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      if (!found.ok) return { kind: 'failed', detail: found.detail };
      return succeeded(null, found.value.text);
    }
    case 'page': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      if (!found.ok) return { kind: 'failed', detail: found.detail };
      const by = `runbook ${context.followed.runbook.name}`;
      const message = { kind: 'page', by, note: found.value.note ?? context.name } as const;
      await deps.incidents.post(incident.id, message, {}, key);
      await wake(deps, incident.id);
      return succeeded(null, found.value.note ?? '');
    }
    case 'slack.post': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      return found.ok ? postToSlack(deps, context, found.value, key) : { kind: 'failed', detail: found.detail };
    }
    case 'ticket': {
      const found = resolveWith({ ...given, uses }, declared, variables);
      return found.ok ? openTicket(deps, context, found.value, key) : { kind: 'failed', detail: found.detail };
    }
    case 'rollback':
    case 'wait':
    case 'wait.until':
    case 'approve':
    case 'verify':
      throw new Error(`step ${step.id} of runbook ${input.number}: ${uses} is waited for, not done`);
  }
}

/** What a look at something that is waited for has seen. */
export type Looked =
  | { kind: 'ended'; end: StepEnd }
  | { kind: 'looked'; holds: boolean; forSeconds: number; output: Json; detail: string };

/** One look of `wait.until` and `verify`. What cannot be measured does not hold. */
export async function lookStep(deps: Deps, input: RunbookInput, outline: Outline, before: StepEnds): Promise<Looked> {
  const context = await contextOf(deps, input, outline, before);
  const { incident, step, declared, variables } = context;
  if (incident.status === 'resolved')
    return { kind: 'ended', end: { status: 'skipped', output: null, detail: 'the incident is over', closed: true } };
  if (step.uses === 'verify') {
    const { outcome, text } = await verdictOf(deps, incident.id);
    return { kind: 'looked', holds: outcome === 'passed', forSeconds: 0, output: { outcome }, detail: text };
  }
  const found = resolveWith({ uses: 'wait.until', with: step.with }, declared, variables);
  if (!found.ok) return failedLook(found.detail);
  const { promql, max, min, cel, for: duration } = found.value;
  const forSeconds = duration === undefined ? 0 : secondsOf(duration);
  if (cel !== undefined) {
    const held = holds(cel, declared, variables);
    if (!held.ok) return failedLook(held.detail);
    return { kind: 'looked', holds: held.value, forSeconds, output: held.value, detail: `${cel} is ${held.value}` };
  }
  const measured = await deps.metrics.value(promql ?? '');
  if (measured === null) return failedLook('no Prometheus is connected');
  if (measured.kind !== 'value')
    return { kind: 'looked', holds: false, forSeconds, output: null, detail: `${promql} gives no value` };
  const { value } = measured;
  const inside = (typeof max !== 'number' || value <= max) && (typeof min !== 'number' || value >= min);
  return { kind: 'looked', holds: inside, forSeconds, output: value, detail: `${promql} is ${value}` };
}

const failedLook = (detail: string): Looked => ({ kind: 'ended', end: { status: 'failed', output: null, detail } });

const ended = (end: StepEnd): Performed => ({ kind: 'ended', end });

const succeeded = (output: Json, detail: string): Performed => ended({ status: 'succeeded', output, detail });

/** The end of a step is told once: what was recorded as an act has told it itself. */
async function finish(
  deps: Deps,
  input: RunbookInput,
  context: Context,
  key: string,
  performed: Performed,
): Promise<Performed> {
  if (context.step.mutating && (await deps.effects.get(context.incident.id, key)) !== undefined) return performed;
  if (performed.kind === 'ended') await noteStep(deps, input, context, performed.end.status, performed.end.detail);
  if (performed.kind === 'failed') await noteStep(deps, input, context, 'failed', performed.detail);
  return performed;
}
