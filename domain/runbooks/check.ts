import type { Runbook } from '../../schemas/runbooks/runbook.ts';
import type { SingleStep } from '../../schemas/runbooks/parts/steps.ts';
import { expressionProblems } from './cel/check-expressions.ts';
import { factsOf } from './kinds.ts';
import { inOrder, type Problem, problem } from './problem.ts';
import { hasSecret, hasSecretParameter, isSecretHeader } from './secrets.ts';
import { type Placed, placedSteps, textsIn } from './placed-steps.ts';

/**
 * Returns the problems of one syntactically valid runbook. Empty: it can be used. `lint` reports problems that involve
 * several runbooks or the catalogue.
 */
export function checkRunbook(runbook: Runbook): Problem[] {
  const steps = placedSteps(runbook);
  return inOrder([
    ...twice(runbook, steps),
    ...steps.flatMap((placed) => [
      ...safety(runbook, placed),
      ...secrets(runbook, placed),
      ...(placed.onFailure && placed.step.onFailure !== undefined
        ? [problem(runbook, `${placed.path}.onFailure`, 'a failure step cannot have its own "onFailure"')]
        : []),
    ]),
    ...undo(runbook, steps),
    ...expressionProblems(runbook),
  ]);
}

function twice(runbook: Runbook, steps: readonly Placed[]): Problem[] {
  const groups = new Map(steps.flatMap(({ group }) => (group === null ? [] : [[group.path, group.step.id] as const])));
  const ids = [...groups, ...steps.map(({ step, path }) => [path, step.id] as const)];
  const first = new Map<string, string>();
  return ids.flatMap(([path, id]) => {
    const earlier = first.get(id);
    first.set(id, earlier ?? path);
    return earlier === undefined ? [] : [problem(runbook, `${path}.id`, `another step has the ID "${id}"`)];
  });
}

/** Requires that a step that changes production has a time-out, and either an inverse or `irreversible`. */
function safety(runbook: Runbook, { step, path }: Placed): Problem[] {
  const { mutating, timeoutSeconds } = factsOf(step);
  const wrong = (key: string, message: string, suggestion: string): Problem =>
    problem(runbook, `${path}.${key}`, `step "${step.id}": ${message}`, suggestion);
  const problems: Problem[] = [];
  if (step.timeout === undefined && timeoutSeconds === null)
    problems.push(wrong('uses', `${step.uses} requires a timeout`, 'add "timeout: 10m"'));
  problems.push(...inverseProblem(step, mutating, wrong));
  if (step.uses === 'scale' && typeof step.with.to === 'number' && step.with.to > step.with.ceiling)
    problems.push(
      wrong(
        'with.to',
        `${step.with.to} is above its ceiling of ${step.with.ceiling}`,
        'raise the ceiling, or lower the count',
      ),
    );
  if (!mutating && 'blastRadius' in step && step.blastRadius !== undefined)
    problems.push(wrong('blastRadius', 'changes nothing, so there is nothing to limit', 'remove "blastRadius"'));
  return problems;
}

function inverseProblem(
  step: SingleStep,
  mutating: boolean,
  wrong: (key: string, message: string, suggestion: string) => Problem,
): Problem[] {
  const inverse = 'inverse' in step ? step.inverse : undefined;
  const irreversible = 'irreversible' in step && step.irreversible === true;
  const inverseKind = factsOf(step).inverse;
  if (!mutating && (inverse !== undefined || irreversible))
    return [
      wrong(irreversible ? 'irreversible' : 'inverse', 'changes nothing, so there is nothing to undo', 'remove it'),
    ];
  if (inverse !== undefined && irreversible)
    return [wrong('inverse', 'has both an inverse and "irreversible"', 'keep one of them')];
  if (inverse !== undefined && inverseKind === 'none')
    return [wrong('inverse', `${step.uses} cannot be undone`, 'remove "inverse"')];
  if (inverse !== undefined && !factsOf(inverse).mutating)
    return [wrong('inverse', 'its inverse changes nothing', 'use a method that undoes the step')];
  if (mutating && inverseKind === 'as written' && inverse === undefined && !irreversible)
    return [
      wrong('uses', 'changes something, but does not say how to undo it', 'add "inverse: …", or "irreversible: true"'),
    ];
  return [];
}

function secrets(runbook: Runbook, { step, path }: Placed): Problem[] {
  const calls = [
    { call: step.with, path: `${path}.with` },
    ...('inverse' in step && step.inverse !== undefined
      ? [{ call: step.inverse.with, path: `${path}.inverse.with` }]
      : []),
  ];
  const suggestion = 'name it in "auth", such as { bearer: OPS_TOKEN }';
  return calls.flatMap(({ call, path: location }) => {
    const headers = 'headers' in call ? Object.keys(call.headers) : [];
    return [
      ...headers
        .filter(isSecretHeader)
        .map((name) =>
          problem(runbook, `${location}.headers.${name}`, `header ${name} contains the value of a secret`, suggestion),
        ),
      ...textsIn(call)
        .filter(({ path: inner, text }) => hasSecret(text) || (inner === 'url' && hasSecretParameter(text)))
        .map(({ path: inner }) =>
          problem(runbook, `${location}.${inner}`, 'contains the value of a secret', suggestion),
        ),
    ];
  });
}

function undo(runbook: Runbook, steps: readonly Placed[]): Problem[] {
  if (runbook.undo === 'reverse') return [];
  const paths = [
    ...(runbook.onFailure.do === 'undo' ? ['onFailure'] : []),
    ...steps.flatMap(({ step, path, group }) => [
      ...(step.onFailure === 'undo' ? [`${path}.onFailure`] : []),
      ...(group?.step.onFailure === 'undo' ? [`${group.path}.onFailure`] : []),
    ]),
  ];
  return [...new Set(paths)].map((path) =>
    problem(runbook, path, '"undo" on failure, but the runbook has no undo', 'add "undo: reverse"'),
  );
}
