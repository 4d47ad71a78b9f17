import { ChangeKind } from '../../../../schemas/changes/change.ts';
import { DecisionKind, IncidentStatus } from '../../../../schemas/incidents/incident.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import { StepStatus } from '../../../../schemas/runbooks/parts/steps.ts';
import { isTemplate, parseTemplate } from '../../../../schemas/runbooks/parts/template.ts';
import { compile, type Compiled } from './cel.ts';
import type { Comparison, Findings } from './ast.ts';
import { factsOf, type ProtectedPurpose } from '../kinds.ts';
import { didYouMean } from '../../../../schemas/parsing/similar-names.ts';
import { type Problem, problem } from '../../lint/problem.ts';
import type { Declarations } from '../variables.ts';
import { declarationsOf, type LocatedStep, locatedSteps, textsIn } from '../located-steps.ts';

/** Returns the problems of all expressions in a runbook: syntax, types, and references. */
export function expressionProblems(runbook: Runbook): Problem[] {
  const declared = declarationsOf(runbook);
  const context: StepContext = { steps: new Set(), tainted: new Set(), notNull: new Set() };
  const check = new Check(runbook, declared);
  check.condition('when', runbook.when, context);
  const steps = locatedSteps(runbook);
  for (const [index, located] of steps.entries()) {
    const { group, stage } = located;
    if (group !== null && steps[index - 1]?.stage !== stage)
      check.condition(`${group.path}.when`, group.step.when, context);
    checkStep(check, located, context);
    // Parallel steps do not see each other's results.
    if (steps[index + 1]?.stage === stage) continue;
    for (const ended of steps.filter((other) => other.stage === stage)) {
      context.steps.add(ended.step.id);
      if (passesAlertTextOn(ended, check, context)) context.tainted.add(ended.step.id);
    }
  }
  return check.problems;
}

/** Context that a step can refer to. */
type StepContext = {
  steps: Set<string>;
  /** Steps that received text from an alert and may return it. */
  tainted: Set<string>;
  /** Variables that are known not to be null. */
  notNull: ReadonlySet<string>;
};

function checkStep(check: Check, { step, path, group }: LocatedStep, outerContext: StepContext): void {
  check.condition(`${path}.when`, step.when, outerContext);
  // A null check in a step's conditions guards its other expressions.
  const conditions = [group?.step.when, step.when].filter((when) => when !== undefined);
  const context = { ...outerContext, notNull: new Set(conditions.flatMap((when) => check.nullChecksIn(when))) };
  if (step.name !== undefined) check.template(`${path}.name`, step.name, undefined, context);
  const { protectedArguments } = factsOf(step);
  for (const { path: inner, text } of textsIn(step.with)) {
    if (step.uses === 'wait.until' && inner === 'cel') check.condition(`${path}.with.cel`, text, context);
    else check.template(`${path}.with.${inner}`, text, protectedArguments[inner], context);
  }
  if (!('inverse' in step) || step.inverse === undefined) return;
  const inverseArguments = factsOf(step.inverse).protectedArguments;
  const contextAfter = { ...context, steps: new Set([...context.steps, step.id]) };
  for (const { path: inner, text } of textsIn(step.inverse.with))
    check.template(`${path}.inverse.with.${inner}`, text, inverseArguments[inner], contextAfter);
}

const passesAlertTextOn = ({ step }: LocatedStep, check: Check, context: StepContext): boolean =>
  textsIn(step.with).some(({ text }) =>
    check.expressionsIn(text).some((findings) => alertTextReference(findings, context) !== null),
  );

/** Returns the reference to free text from an alert, direct or through a step. Null: none. */
function alertTextReference({ references }: Findings, { tainted }: StepContext): string | null {
  for (const { path } of references) {
    const [root = '', second = ''] = path;
    if (root === 'labels' || root === 'annotations') return path.join('.');
    if (root === 'incident' && (second === 'title' || path.length === 1)) return path.join('.');
    if (root === 'steps' && tainted.has(second))
      return `${path.slice(0, 2).join('.')}, which contains text from an alert`;
  }
  return null;
}

const PROTECTED_NAMES: Readonly<Record<ProtectedPurpose, string>> = {
  url: 'an address',
  flag: 'which flag',
  channel: 'which channel',
  promql: 'a query',
  count: 'how many',
  number: 'a threshold',
  destination: 'where traffic goes',
};

/** Fields of the variables that can be null. */
const NULLABLE = { suspect: ['version', 'kind', 'confidence', 'relation'], decision: ['kind', 'because'] } as const;

/** Variables with a closed set of values. */
const VALUES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['incident.severity', Severity.options],
  ['incident.status', IncidentStatus.options],
  ['suspect.kind', ChangeKind.options],
  ['suspect.relation', ['same', 'dependency', 'shared', 'caller', 'undeclared']],
  ['decision.kind', DecisionKind.options],
  ['steps.*.status', StepStatus.options],
  ['labels.severity', Severity.options],
]);

const VARIABLES = ['incident', 'labels', 'annotations', 'inputs', 'service', 'steps', 'suspect', 'decision'];

const FIELDS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['incident', ['id', 'name', 'service', 'environment', 'severity', 'title', 'status', 'firing', 'opened_at']],
  ['service', ['team', 'tier']],
  ['steps', ['status', 'output']],
]);

class Check {
  readonly problems: Problem[] = [];
  readonly #runbook: Runbook;
  readonly #declared: Declarations;

  constructor(runbook: Runbook, declared: Declarations) {
    this.#runbook = runbook;
    this.#declared = declared;
  }

  condition(path: string, text: string | undefined, context: StepContext): void {
    if (text === undefined) return;
    const compiled = this.#compileChecked(path, text, context);
    if (compiled !== undefined && !['bool', 'dyn'].includes(compiled.type))
      this.#report(path, `${text}: its type is ${compiled.type}, not bool`, null);
  }

  /** @param purpose why an alert must not determine the argument. Undefined: it may */
  template(path: string, text: string, purpose: ProtectedPurpose | undefined, context: StepContext): void {
    if (!isTemplate(text)) return;
    for (const part of parseTemplate(text)) {
      if (part.kind === 'text') continue;
      const compiled = this.#compileChecked(path, part.expression, context);
      const alertReference =
        compiled === undefined || purpose === undefined ? null : alertTextReference(compiled.findings, context);
      if (alertReference === null || purpose === undefined) continue;
      this.#report(
        path,
        `an alert must not determine ${PROTECTED_NAMES[purpose]}: ${alertReference}`,
        'use a literal value, or an input',
      );
    }
  }

  expressionsIn(text: string): Findings[] {
    if (!isTemplate(text)) return [];
    return parseTemplate(text).flatMap((part) => {
      const result = part.kind === 'text' ? undefined : compile(part.expression, this.#declared);
      return result?.ok === true ? [result.compiled.findings] : [];
    });
  }

  nullChecksIn(condition: string): string[] {
    const result = compile(condition, this.#declared);
    return result.ok ? [...result.compiled.findings.nullChecks] : [];
  }

  /** Compiles an expression. Undefined: it is invalid, which has been reported. */
  #compileChecked(path: string, text: string, context: StepContext): Compiled | undefined {
    const result = compile(text, this.#declared);
    if (!result.ok) {
      this.#report(path, `${text}: ${result.detail}`, this.#suggestion(text, result));
      return undefined;
    }
    const { findings } = result.compiled;
    this.#checkSteps(path, findings, context);
    this.#checkNullable(path, findings, context);
    for (const comparison of findings.comparisons) this.#checkValues(path, comparison);
    return result.compiled;
  }

  #checkSteps(path: string, { references }: Findings, context: StepContext): void {
    for (const { path: parts } of references) {
      const [root, id] = parts;
      if (root !== 'steps') continue;
      if (id === undefined) this.#report(path, 'name the step: steps.<id>.status, steps.<id>.output', null);
      else if (!context.steps.has(id) && this.#declared.steps.includes(id))
        this.#report(path, `step "${id}" has not ended at this point`, 'refer only to steps of earlier stages');
    }
  }

  #checkNullable(path: string, { references, nullChecks }: Findings, { notNull }: StepContext): void {
    for (const [root, fields] of Object.entries(NULLABLE)) {
      const named = references.filter((reference) => reference.path[0] === root && reference.path.length > 1);
      const unknown = named
        .map(({ path: [, field = ''] }) => field)
        .find((field) => !fields.some((known) => known === field));
      if (unknown !== undefined)
        this.#report(path, `${root} has no "${unknown}"`, didYouMean(unknown, fields) ?? oneOf(fields));
      else if (named.length > 0 && !nullChecks.has(root) && !notNull.has(root))
        this.#report(path, `${root} is null if there is none`, `check first: ${root} != null && …`);
    }
  }

  #checkValues(path: string, { path: parts, texts }: Comparison): void {
    const name = parts[0] === 'steps' ? ['steps', '*', ...parts.slice(2)].join('.') : parts.join('.');
    const values = VALUES.get(name);
    for (const text of texts)
      if (values !== undefined && !values.includes(text))
        this.#report(path, `${parts.join('.')} is never "${text}"`, didYouMean(text, values) ?? oneOf(values));
  }

  #suggestion(text: string, { detail, code }: { detail: string; code: string }): string | null {
    const name = /: (\w+)/.exec(detail)?.[1] ?? '';
    if (code === 'unknown_variable')
      return didYouMean(name, VARIABLES) ?? `available variables: ${VARIABLES.join(', ')}`;
    if (code !== 'no_such_key') return null;
    const [, root = '', between] = new RegExp(`\\b(\\w+)(\\.\\w+)?\\.${name}\\b`).exec(text) ?? [];
    return didYouMean(name, this.#keysOf(root, between !== undefined));
  }

  /** @param isNested whether another name comes between, as in `steps.<id>.output` */
  #keysOf(root: string, isNested: boolean): readonly string[] {
    if (root === 'inputs') return Object.keys(this.#declared.inputs);
    return root === 'steps' && !isNested ? this.#declared.steps : (FIELDS.get(root) ?? []);
  }

  #report(path: string, message: string, suggestion: string | null): void {
    this.problems.push(problem(this.#runbook, path, message, suggestion));
  }
}

const oneOf = (values: readonly string[]): string => `one of ${values.join(', ')}`;
