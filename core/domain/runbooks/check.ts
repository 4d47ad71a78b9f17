import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { SingleStep } from '../../../schemas/runbooks/parts/steps.ts';
import { expressionProblems } from './cel/check-expressions.ts';
import { factsOf } from './kinds.ts';
import { inFileOrder, type Problem, problem } from '../lint/problem.ts';
import { type LocatedStep, locatedSteps, textsIn } from './located-steps.ts';

/**
 * Returns the problems of one syntactically valid runbook. Empty: it can be used. `lint` reports problems that involve
 * several runbooks or the catalogue.
 */
export function checkRunbook(runbook: Runbook): Problem[] {
  const steps = locatedSteps(runbook);
  return inFileOrder([
    ...duplicateIds(runbook, steps),
    ...steps.flatMap((located) => [
      ...safetyProblems(runbook, located),
      ...secretProblems(runbook, located),
      ...(located.onFailure && located.step.onFailure !== undefined
        ? [problem(runbook, `${located.path}.onFailure`, 'a failure step cannot have its own "onFailure"')]
        : []),
    ]),
    ...undoProblems(runbook, steps),
    ...expressionProblems(runbook),
  ]);
}

function duplicateIds(runbook: Runbook, steps: readonly LocatedStep[]): Problem[] {
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
function safetyProblems(runbook: Runbook, { step, path }: LocatedStep): Problem[] {
  const { mutating, timeoutSeconds } = factsOf(step);
  const problemAt = (key: string, message: string, suggestion: string): Problem =>
    problem(runbook, `${path}.${key}`, `step "${step.id}": ${message}`, suggestion);
  const problems: Problem[] = [];
  if (step.timeout === undefined && timeoutSeconds === null)
    problems.push(problemAt('uses', `${step.uses} requires a timeout`, 'add "timeout: 10m"'));
  problems.push(...inverseProblem(step, mutating, problemAt));
  if (step.uses === 'scale' && typeof step.with.to === 'number' && step.with.to > step.with.ceiling)
    problems.push(
      problemAt(
        'with.to',
        `${step.with.to} is above its ceiling of ${step.with.ceiling}`,
        'raise the ceiling, or lower the count',
      ),
    );
  if (!mutating && 'blastRadius' in step && step.blastRadius !== undefined)
    problems.push(problemAt('blastRadius', 'changes nothing, so there is nothing to limit', 'remove "blastRadius"'));
  return problems;
}

function inverseProblem(
  step: SingleStep,
  mutating: boolean,
  problemAt: (key: string, message: string, suggestion: string) => Problem,
): Problem[] {
  const inverse = 'inverse' in step ? step.inverse : undefined;
  const irreversible = 'irreversible' in step && step.irreversible === true;
  const inverseKind = factsOf(step).inverse;
  if (!mutating && (inverse !== undefined || irreversible))
    return [
      problemAt(irreversible ? 'irreversible' : 'inverse', 'changes nothing, so there is nothing to undo', 'remove it'),
    ];
  if (inverse !== undefined && irreversible)
    return [problemAt('inverse', 'has both an inverse and "irreversible"', 'keep one of them')];
  if (inverse !== undefined && inverseKind === 'none')
    return [problemAt('inverse', `${step.uses} cannot be undone`, 'remove "inverse"')];
  if (inverse !== undefined && !factsOf(inverse).mutating)
    return [problemAt('inverse', 'its inverse changes nothing', 'use a method that undoes the step')];
  if (mutating && inverseKind === 'as written' && inverse === undefined && !irreversible)
    return [
      problemAt(
        'uses',
        'changes something, but does not say how to undo it',
        'add "inverse: …", or "irreversible: true"',
      ),
    ];
  return [];
}

function secretProblems(runbook: Runbook, { step, path }: LocatedStep): Problem[] {
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

function undoProblems(runbook: Runbook, steps: readonly LocatedStep[]): Problem[] {
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

/** Headers that carry a secret. */
const SECRET_HEADER = /^(?:(?:proxy-)?authorization|cookie)$|api[-_]?key|token|secret|password/i;

/** URL parameters that carry a secret. */
const SECRET_PARAMETER = /[?&](?:access_token|api_?key|auth|key|password|secret|sig|signature|token)=[^&#]/i;

/** Prefixes of vendors' secrets, each long enough not to match ordinary words. */
const SECRET_TEXT =
  /\b(?:xox[abpors]-[\w-]{8,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glsa_\w{16,}|AKIA[A-Z0-9]{16}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}|whsec_[\w+/=]{16,}|sk-[\w-]{20,}|hooks\.slack\.com\/services\/\w)/;

export const isSecretHeader = (name: string): boolean => SECRET_HEADER.test(name);

/** Returns whether a text contains a recognizable secret. */
export const hasSecret = (text: string): boolean =>
  SECRET_TEXT.test(text) || /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);

export const hasSecretParameter = (url: string): boolean => SECRET_PARAMETER.test(url);
