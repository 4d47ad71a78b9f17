import type { Deps } from '../../../core/domain/ports/deps.ts';
import { holds } from '../../../core/domain/runbooks/cel/cel.ts';
import { resolveWith } from '../../../core/domain/runbooks/templates.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import { secondsOf } from '../../../schemas/time/maintenance.ts';
import type { StepEnd, StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import { verdictOf } from '../verify.ts';
import { type StepContext, contextOf } from './context.ts';
import { readResult, storeResult } from './step-results.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { INCIDENT_CLOSED } from './incident-closed.ts';
import { boundedDetail, noteStep } from './step-texts.ts';

/** Result of one check of a condition. `ended`: the step is over. `checked`: check again later. */
export type ConditionCheck = { kind: 'ended'; end: StepEnd } | { kind: 'checked'; holds: boolean };

/** State of the wait before a check. `before`: ends of the earlier steps. `heldSeconds`: how long the condition has held. `last`: there is no time for another check. */
export type WaitProgress = { before: StepEnds; heldSeconds: number; last: boolean };

/** Checks the condition of `wait.until` or `verify` once. A condition that can't be measured does not hold. */
export async function checkCondition(
  deps: Deps,
  input: RunbookInput,
  outline: Outline,
  progress: WaitProgress,
): Promise<ConditionCheck> {
  const earlierEnd = await readResult(deps, input, 'end', outline.id);
  if (earlierEnd !== undefined) return { kind: 'ended', end: earlierEnd };
  const context = await contextOf(deps, input, outline, progress.before);
  if (context.incident.status === 'resolved') return { kind: 'ended', end: INCIDENT_CLOSED };
  const evaluation = await evaluate(deps, context);
  const end = endOf(evaluation, outline, progress);
  if (end === null) return { kind: 'checked', holds: evaluation.holds };
  const stored = await storeResult(deps, input, 'end', outline.id, { ...end, detail: boundedDetail(end.detail) });
  await noteStep(deps, input, context, stored.status, stored.detail);
  return { kind: 'ended', end: stored };
}

type Evaluation = { holds: boolean; forSeconds: number; output: Json; detail: string; isImpossible?: true };

/** Returns the end of the step. Null: check again. */
function endOf(
  { holds: held, forSeconds, output, detail, isImpossible }: Evaluation,
  { timeoutSeconds }: Outline,
  progress: WaitProgress,
) {
  if (isImpossible) return { status: 'failed', output: null, detail } as const;
  if (held && progress.heldSeconds >= forSeconds) return { status: 'succeeded', output, detail } as const;
  if (!progress.last) return null;
  return { status: 'failed', output: null, detail: `timed out after ${timeoutSeconds} s: ${detail}` } as const;
}

async function evaluate(deps: Deps, { incident, step, declared, variables }: StepContext): Promise<Evaluation> {
  if (step.uses === 'verify') {
    const { outcome, text } = await verdictOf(deps, incident.id);
    return { holds: outcome === 'passed', forSeconds: 0, output: { outcome }, detail: text };
  }
  const found = resolveWith({ uses: 'wait.until', with: step.with }, declared, variables);
  if (!found.ok) return impossible(found.detail);
  const { promql, max, min, cel, for: duration } = found.value;
  const forSeconds = duration === undefined ? 0 : secondsOf(duration);
  if (cel !== undefined) {
    const held = holds(cel, declared, variables);
    if (!held.ok) return impossible(held.detail);
    return { holds: held.value, forSeconds, output: held.value, detail: `${cel} is ${held.value}` };
  }
  const measured = await deps.metrics.value(promql ?? '');
  if (measured === null) return impossible('Prometheus is not configured (PROMETHEUS_URL)');
  if (measured.kind !== 'value')
    return { holds: false, forSeconds, output: null, detail: `${promql} returned no value` };
  const { value } = measured;
  const isWithinLimits = (typeof max !== 'number' || value <= max) && (typeof min !== 'number' || value >= min);
  return { holds: isWithinLimits, forSeconds, output: value, detail: `${promql} is ${value}` };
}

/** Fails the step, because the condition can never be evaluated. */
const impossible = (detail: string): Evaluation => ({
  holds: false,
  forSeconds: 0,
  output: null,
  detail,
  isImpossible: true,
});
