import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { activeClearings, clearingsText } from '../../../core/domain/changes/cleared-suspects.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { holds } from '../../../core/domain/runbooks/cel/cel.ts';
import type { Act } from '../../../core/domain/rollback/same-act.ts';
import type { StepGuards } from '../../../core/domain/rollback/guard.ts';
import { permit, approvalReasons } from '../../../core/domain/runbooks/permission.ts';
import { scaleTarget } from '../../../core/domain/runbooks/scale.ts';
import { stepsBasedOnSuspect } from '../../../core/domain/runbooks/suspect-steps.ts';
import { resolveWith } from '../../../core/domain/runbooks/templates.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { StepKind, With } from '../../../schemas/runbooks/parts/kinds.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import { deployerAt } from '../roll-back.ts';

import { actOfStep, endAtGate, gateOfStep, secondsToAnswer, WAITS_TEXT } from './act-gate.ts';
import { type StepContext, contextOf, guardsOf } from './context.ts';
import { readResult, storeResult } from './step-results.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { INCIDENT_CLOSED } from './incident-closed.ts';
import type { Preparation, Prepared, StepQuestion } from './preparation.ts';
import { planRestore, planShift, rerouteGuards, type TrafficShift } from './reroute.ts';
import { describeStep, noteStep } from './step-texts.ts';

/** A prepared step. `spentSeconds`: seconds since an earlier run of the workflow began the step; 0 if none did. */
export type PreparedStep = (Preparation & { spentSeconds: number }) | Again;

/** What the step needs to know could not be read now; or people are asked about the same act, who have `answerSeconds`. */
type Again = { kind: 'again'; detail: string; answerSeconds: number | null };

/** Maximum size of a step's parameters in UTF-16 units of JSON. A table item holds 400 KB. */
const PARAMETERS_MAX_CHARS = 100_000;

/** Determines once whether the step runs, with which parameters, and whether a person must approve it. */
export async function prepareStep(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  ends: StepEnds,
  isLast = false,
): Promise<PreparedStep> {
  const context = await contextOf(deps, input, outline, ends);
  const stored = await readResult(deps, input, 'prepared', outline.id);
  if (stored === undefined && context.incident.status === 'resolved')
    return { kind: 'end', end: INCIDENT_CLOSED, isNoted: false, spentSeconds: 0 };
  const determined = stored ?? (await determine(deps, context, outline, ends));
  if ('kind' in determined && !isLast) return determined;
  const prepared = stored ?? {
    at: deps.clock.now(),
    ...('kind' in determined ? endedAs('failed', determined.detail) : determined),
  };
  const { at, ready }: Prepared = stored ?? (await storeResult(deps, input, 'prepared', outline.id, prepared));
  if (ready.kind === 'end' && ready.isNoted) await noteStep(deps, input, context, ready.end.status, ready.end.detail);
  const spentSeconds = Math.max(0, secondsBetween(at, deps.clock.now())) * deps.timeScale;
  return { ...ready, spentSeconds: stored === undefined ? 0 : spentSeconds };
}

type Determined = Pick<Prepared, 'ready' | 'given' | 'against'>;

/** Determines the end of a step that does not run, or its parameters and the question to ask before it runs. */
async function determine(
  deps: Deps,
  context: StepContext,
  outline: Outline,
  ends: StepEnds,
): Promise<Determined | Again> {
  const { step, inverse, declared, variables } = context;
  if (outline.undoes !== null && inverse === null) return endedAs('skipped', 'the step has no inverse', false);
  if (outline.undoes === null) {
    for (const when of step.when) {
      const held = holds(when, declared, variables);
      if (!held.ok) return failed(context, `"when" could not be evaluated: ${held.detail}`);
      if (!held.value) return endedAs('skipped', 'skipped: its condition is not met');
    }
  }
  const found = parametersOf(context);
  if (!found.ok) return failed(context, found.detail);
  const given = found.value;
  const go = (
    approval: StepQuestion | null,
    scale: { from: number; to: number } | null = null,
    shift?: TrafficShift,
  ): Determined => ({
    ready: { kind: 'go', ask: approval, scale, ...(shift && { shift }) },
    given: given as Json,
  });
  if (step.uses === 'approve')
    return go(await question(deps, context, await guardsOf(deps, context), (given as With<'approve'>).text));
  // A rollback needs a judgement, which has its own guards and asks once, about the versions.
  if (!step.mutating || step.uses === 'rollback') return go(null);
  const scale = await scaleOf(deps, context, given, ends);
  if ('detail' in scale) return endedAs(scale.status, scale.detail);
  const rerouted = await shiftOf(deps, context, given, ends);
  if (rerouted?.kind === 'again') return { ...rerouted, answerSeconds: null };
  if (rerouted?.kind === 'end') return endedAs(rerouted.status, rerouted.detail);
  const shift = rerouted?.shift;
  const act = actOfStep(context, { given, scale: scale.target, shift });
  const gate = await gateOfStep(deps, context, act);
  if (gate.kind === 'waits') return { kind: 'again', detail: WAITS_TEXT, answerSeconds: secondsToAnswer(deps, gate) };
  if (gate.kind !== 'free') return { ready: { kind: 'end', end: endAtGate(gate), isNoted: true }, given: null };
  const guards = await guardsOf(deps, context, await rerouteGuards(deps, context, given as Json, rerouted?.changed));
  const against = guards.against?.change_id ?? null;
  const permission = permit(guards);
  if (permission.kind === 'act') return { ...go(null, scale.target, shift), against };
  if (permission.kind !== 'ask')
    return endedAs('skipped', `skipped: ${permission.reasons.map(({ text }) => text).join('; ')}`);
  const what = describeStep(inverse?.uses ?? step.uses, given, scale.target, shift);
  return {
    ...go(await question(deps, context, guards, `${context.name}: ${what}`, act), scale.target, shift),
    against,
  };
}

/** Ends a step whose expressions could not be evaluated. If they read a suspect that was excluded, people have decided against the step. */
function failed({ incident, selected, step }: StepContext, detail: string): Determined {
  const excluded = incident.suspects.length === 0 ? activeClearings(incident.cleared) : [];
  return excluded.length > 0 && stepsBasedOnSuspect(selected.runbook).has(step.id)
    ? endedAs('declined', clearingsText(excluded.slice(-1)))
    : endedAs('failed', detail);
}

/** Resolves the parameters of a step. `wait.until` resolves its own at each check. */
function parametersOf({ step, inverse, declared, variables }: StepContext): ReturnType<typeof resolveWith<StepKind>> {
  const uses = inverse?.uses ?? step.uses;
  if (uses === 'scale.restore' || uses === 'reroute.restore' || uses === 'wait.until') return { ok: true, value: {} };
  const found = resolveWith({ uses, with: inverse?.with ?? step.with }, declared, variables);
  if (found.ok && JSON.stringify(found.value).length > PARAMETERS_MAX_CHARS)
    return { ok: false, detail: `the resolved parameters are longer than ${PARAMETERS_MAX_CHARS} characters` };
  return found;
}

/** Builds the question: who is asked, and how many approvals are needed. */
export async function question(
  deps: Pick<Deps, 'config'>,
  context: StepContext,
  guards: StepGuards,
  text: string,
  act: Act | null = null,
): Promise<StepQuestion> {
  const { step, serviceEnvironment, selected } = context;
  const { name, title, version } = selected.runbook;
  const entry = environmentEntry((await deps.config.current()).services, serviceEnvironment)?.autoRollback;
  const isApproveStep = step.uses === 'approve';
  const given = guards.second_to === undefined || isApproveStep ? [] : [guards.second_to];
  const inputs = {
    runbook: name,
    title,
    version,
    step: step.id,
    ...(act && { does: act.does }),
    only_asks: isApproveStep,
    guards,
  };
  const people = 'people' in step.with && step.with.people ? step.with.people : (step.approval?.people ?? null);
  const defaultSeconds = (entry?.approvalTimeoutMinutes ?? 60) * 60;
  return {
    text,
    reasons: approvalReasons(inputs),
    people,
    // Never more approvals than people who may give one, because each person can approve only once.
    approvals: isApproveStep
      ? 1
      : Math.max(Math.min(entry?.approvals ?? 1, people?.length ?? Infinity), given.length + 1),
    ...(given.length > 0 && { given }),
    seconds:
      step.approval?.timeoutSeconds ?? (isApproveStep ? Math.min(step.timeoutSeconds, defaultSeconds) : defaultSeconds),
    inputs,
  };
}

/** Resolves the weights before and after a shift of traffic. Undefined: the step shifts none. */
async function shiftOf(deps: Deps, { step, inverse, serviceEnvironment }: StepContext, given: unknown, ends: StepEnds) {
  if (inverse?.uses === 'reroute.restore') return planRestore(deps, serviceEnvironment, ends[step.id]);
  if (inverse !== null || step.uses !== 'reroute') return undefined;
  return planShift(deps, serviceEnvironment, given as With<'reroute'>);
}

/** Resolves the instance counts before and after scaling, once, so that a repeat sets the same count. */
async function scaleOf(
  deps: Deps,
  { step, inverse, serviceEnvironment }: StepContext,
  given: unknown,
  ends: StepEnds,
): Promise<{ target: { from: number; to: number } | null } | { status: 'failed' | 'skipped'; detail: string }> {
  if (inverse?.uses === 'scale.restore') {
    const done = ends[step.id]?.output;
    return isScaled(done)
      ? { target: { from: done.to, to: done.from } }
      : { status: 'skipped', detail: 'the previous instance count is unknown' };
  }
  if ((inverse?.uses ?? step.uses) !== 'scale') return { target: null };
  const deployer = await deployerAt(deps, serviceEnvironment);
  if (deployer?.scaling === undefined)
    return { status: 'failed', detail: 'the deployer of this service does not support scaling' };
  const counted = await deployer.scaling.count();
  if (counted.kind !== 'count')
    return { status: 'failed', detail: `the instance count could not be read: ${counted.detail}` };
  const to = scaleTarget(given as With<'scale'>, counted.count);
  return to === counted.count
    ? { status: 'skipped', detail: `the instance count is already ${to}` }
    : { target: { from: counted.count, to } };
}

const isScaled = (output: Json | undefined): output is { from: number; to: number } =>
  typeof output === 'object' &&
  output !== null &&
  !Array.isArray(output) &&
  typeof output['from'] === 'number' &&
  typeof output['to'] === 'number';

const endedAs = (status: 'failed' | 'skipped' | 'declined', detail: string, isNoted = true): Determined => ({
  ready: { kind: 'end', end: { status, output: null, detail }, isNoted },
  given: null,
});
