import type { Deps } from '../../../domain/ports.ts';
import { holds } from '../../../domain/runbooks/cel.ts';
import { scaleTarget } from '../../../domain/runbooks/scale.ts';
import { resolveWith } from '../../../domain/runbooks/templates.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { With } from '../../../schemas/runbook/kinds.ts';
import type { Reason } from '../../../schemas/incident.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd, StepEnds } from '../../runbook-step.ts';
import { deployerAt } from '../roll-back.ts';
import { entryOf } from '../judge.ts';
import type { Outline } from './choose.ts';
import { type Context, contextOf, guardsOf, permissionOf } from './context.ts';
import { noteStep } from './tell.ts';

/** Whom to ask before it is done, and how long. */
export type Ask = { text: string; reasons: Reason[]; people: readonly string[] | null; seconds: number };

export type Ready =
  | { kind: 'end'; end: StepEnd }
  | { kind: 'go'; ask: Ask | null; scale: { from: number; to: number } | null };

/** Is the step to be done at all, does a person have to be for it, and how far does it go. */
export async function prepareStep(deps: Deps, input: RunbookInput, outline: Outline, ends: StepEnds): Promise<Ready> {
  const context = await contextOf(deps, input, outline, ends);
  const { incident, step, declared, variables } = context;
  if (incident.status === 'resolved')
    return { kind: 'end', end: { status: 'skipped', output: null, detail: 'the incident is over', closed: true } };
  if (outline.undoes !== null && context.inverse === null) return skip('there is no way back');
  if (outline.undoes === null) {
    for (const when of step.when) {
      const held = holds(when, declared, variables);
      if (!held.ok) return ended(deps, input, context, 'failed', `"when" could not be told: ${held.detail}`);
      if (!held.value) return ended(deps, input, context, 'skipped', `not done: ${when} is not true`);
    }
  }
  if (step.uses === 'approve') {
    const found = resolveWith({ uses: 'approve', with: step.with }, declared, variables);
    if (!found.ok) return ended(deps, input, context, 'failed', found.detail);
    const { text, people = null } = found.value;
    const reasons = [{ code: 'runbook_asks', text: `the runbook "${context.followed.runbook.title}" asks` }];
    return { kind: 'go', ask: { text, reasons, people, seconds: await askSeconds(deps, context) }, scale: null };
  }
  // The judgement that a rollback needs has guards of its own, and asks by itself.
  if (!step.mutating || (step.uses === 'rollback' && step.approval === null))
    return { kind: 'go', ask: null, scale: null };
  const scale = await scaleOf(deps, context, ends);
  if ('detail' in scale) return ended(deps, input, context, scale.status, scale.detail);
  const permission = permissionOf(await guardsOf(deps, context));
  if (permission.kind === 'act') return { kind: 'go', ask: null, scale: scale.target };
  const because = permission.reasons.map(({ text }) => text).join('; ');
  if (permission.kind !== 'ask') return ended(deps, input, context, 'skipped', `not done: ${because}`);
  const ask: Ask = {
    text: `Asks a person: ${context.name}`,
    reasons: permission.reasons,
    people: step.approval?.people ?? null,
    seconds: await askSeconds(deps, context),
  };
  return { kind: 'go', ask, scale: scale.target };
}

async function askSeconds(deps: Deps, { step, place }: Context): Promise<number> {
  if (step.approval?.timeoutSeconds) return step.approval.timeoutSeconds;
  const entry = entryOf((await deps.config.current()).services, place);
  const usual = (entry?.autoRollback.approvalTimeoutMinutes ?? 60) * 60;
  return step.uses === 'approve' ? Math.min(step.timeoutSeconds, usual) : usual;
}

/** From how many to how many: resolved once, so that a repeat sets the same. */
async function scaleOf(
  deps: Deps,
  context: Context,
  ends: StepEnds,
): Promise<{ target: { from: number; to: number } | null } | { status: 'failed' | 'skipped'; detail: string }> {
  const { step, inverse, declared, variables, place } = context;
  if (inverse?.uses === 'scale.restore') {
    const done = ends[step.id]?.output;
    return isScaled(done)
      ? { target: { from: done.to, to: done.from } }
      : { status: 'skipped', detail: 'it is not known how many there were' };
  }
  const uses = inverse?.uses ?? step.uses;
  if (uses !== 'scale') return { target: null };
  const found = resolveWith({ uses: 'scale', with: inverse?.with ?? step.with }, declared, variables);
  if (!found.ok) return { status: 'failed', detail: found.detail };
  const want: With<'scale'> = found.value;
  const deployer = await deployerAt(deps, place);
  if (deployer?.scaling === undefined)
    return { status: 'failed', detail: 'the deployer of this service cannot scale it' };
  const counted = await deployer.scaling.count();
  if (counted.kind !== 'count') return { status: 'failed', detail: `it could not be counted: ${counted.detail}` };
  const to = scaleTarget(want, counted.count);
  return to === counted.count
    ? { status: 'skipped', detail: `there are ${to} already` }
    : { target: { from: counted.count, to } };
}

const isScaled = (output: Json | undefined): output is { from: number; to: number } =>
  typeof output === 'object' &&
  output !== null &&
  !Array.isArray(output) &&
  typeof output['from'] === 'number' &&
  typeof output['to'] === 'number';

const skip = (detail: string): Ready => ({ kind: 'end', end: { status: 'skipped', output: null, detail } });

async function ended(
  deps: Deps,
  input: RunbookInput,
  context: Context,
  status: 'failed' | 'skipped',
  detail: string,
): Promise<Ready> {
  await noteStep(deps, input, context, status, detail);
  return { kind: 'end', end: { status, output: null, detail } };
}
