import { ChangeKind } from '../../../schemas/changes/change.ts';
import { DecisionKind, IncidentStatus } from '../../../schemas/incidents/incident.ts';
import { Severity } from '../../../schemas/config/names.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { StepStatus } from '../../../schemas/runbooks/parts/steps.ts';
import { isTemplate, parseTemplate } from '../../../schemas/runbooks/parts/template.ts';
import { compile, type Compiled } from './cel.ts';
import type { Comparison, Findings } from './ast.ts';
import { factsOf, type Target } from '../kinds.ts';
import { didYouMean } from '../similar-names.ts';
import { type Problem, problem } from '../problem.ts';
import type { Declarations } from '../variables.ts';
import { declarationsOf, type Placed, placedSteps, textsIn } from '../placed-steps.ts';

/** Returns the problems of all expressions in a runbook: syntax, types, and references. */
export function expressionProblems(runbook: Runbook): Problem[] {
  const declared = declarationsOf(runbook);
  const before: Before = { steps: new Set(), tainted: new Set(), notNull: new Set() };
  const check = new Check(runbook, declared);
  check.condition('when', runbook.when, before);
  const placed = placedSteps(runbook);
  for (const [index, each] of placed.entries()) {
    const { group, stage } = each;
    if (group !== null && placed[index - 1]?.stage !== stage)
      check.condition(`${group.path}.when`, group.step.when, before);
    checkStep(check, each, before);
    // Parallel steps do not see each other's results.
    if (placed[index + 1]?.stage === stage) continue;
    for (const ended of placed.filter((other) => other.stage === stage)) {
      before.steps.add(ended.step.id);
      if (saysWhatAlertsSay(ended, check, before)) before.tainted.add(ended.step.id);
    }
  }
  return check.problems;
}

/** Context that a step can refer to. */
type Before = {
  steps: Set<string>;
  /** Steps that received text from an alert and may return it. */
  tainted: Set<string>;
  /** Variables that are known not to be null. */
  notNull: ReadonlySet<string>;
};

function checkStep(check: Check, { step, path, group }: Placed, outside: Before): void {
  check.condition(`${path}.when`, step.when, outside);
  // A null check in a step's conditions guards its other expressions.
  const conditions = [group?.step.when, step.when].filter((when) => when !== undefined);
  const before = { ...outside, notNull: new Set(conditions.flatMap((when) => check.nullChecksIn(when))) };
  if (step.name !== undefined) check.template(`${path}.name`, step.name, undefined, before);
  const { targets } = factsOf(step);
  for (const { path: inner, text } of textsIn(step.with)) {
    if (step.uses === 'wait.until' && inner === 'cel') check.condition(`${path}.with.cel`, text, before);
    else check.template(`${path}.with.${inner}`, text, targets[inner], before);
  }
  if (!('inverse' in step) || step.inverse === undefined) return;
  const back = factsOf(step.inverse).targets;
  const itself = { ...before, steps: new Set([...before.steps, step.id]) };
  for (const { path: inner, text } of textsIn(step.inverse.with))
    check.template(`${path}.inverse.with.${inner}`, text, back[inner], itself);
}

const saysWhatAlertsSay = ({ step }: Placed, check: Check, before: Before): boolean =>
  textsIn(step.with).some(({ text }) =>
    check.expressionsIn(text).some((findings) => alertWords(findings, before) !== null),
  );

/** Returns the reference to free text from an alert, direct or through a step. Null: none. */
function alertWords({ references }: Findings, { tainted }: Before): string | null {
  for (const { path } of references) {
    const [root = '', second = ''] = path;
    if (root === 'labels' || root === 'annotations') return path.join('.');
    if (root === 'incident' && (second === 'title' || path.length === 1)) return path.join('.');
    if (root === 'steps' && tainted.has(second))
      return `${path.slice(0, 2).join('.')}, which contains text from an alert`;
  }
  return null;
}

const TARGET_NAMES: Readonly<Record<Target, string>> = {
  url: 'an address',
  flag: 'which flag',
  channel: 'which channel',
  promql: 'a query',
  count: 'how many',
  number: 'a threshold',
  place: 'where traffic goes',
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
  ['incident', ['id', 'service', 'environment', 'severity', 'title', 'status', 'firing', 'opened_at']],
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

  condition(path: string, text: string | undefined, before: Before): void {
    if (text === undefined) return;
    const compiled = this.#read(path, text, before);
    if (compiled !== undefined && !['bool', 'dyn'].includes(compiled.type))
      this.#wrong(path, `${text}: its type is ${compiled.type}, not bool`, null);
  }

  template(path: string, text: string, target: Target | undefined, before: Before): void {
    if (!isTemplate(text)) return;
    for (const part of parseTemplate(text)) {
      if (part.kind === 'text') continue;
      const compiled = this.#read(path, part.expression, before);
      const words = compiled === undefined || target === undefined ? null : alertWords(compiled.findings, before);
      if (words === null || target === undefined) continue;
      this.#wrong(
        path,
        `an alert must not determine ${TARGET_NAMES[target]}: ${words}`,
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
  #read(path: string, text: string, before: Before): Compiled | undefined {
    const result = compile(text, this.#declared);
    if (!result.ok) {
      this.#wrong(path, `${text}: ${result.detail}`, this.#suggestion(text, result));
      return undefined;
    }
    const { findings } = result.compiled;
    this.#steps(path, findings, before);
    this.#nullable(path, findings, before);
    for (const comparison of findings.comparisons) this.#values(path, comparison);
    return result.compiled;
  }

  #steps(path: string, { references }: Findings, before: Before): void {
    for (const { path: words } of references) {
      const [root, id] = words;
      if (root !== 'steps') continue;
      if (id === undefined) this.#wrong(path, 'name the step: steps.<id>.status, steps.<id>.output', null);
      else if (!before.steps.has(id) && this.#declared.steps.includes(id))
        this.#wrong(path, `step "${id}" has not ended at this point`, 'refer only to steps of earlier stages');
    }
  }

  #nullable(path: string, { references, nullChecks }: Findings, { notNull }: Before): void {
    for (const [root, fields] of Object.entries(NULLABLE)) {
      const named = references.filter((reference) => reference.path[0] === root && reference.path.length > 1);
      const unknown = named
        .map(({ path: [, field = ''] }) => field)
        .find((field) => !fields.some((one) => one === field));
      if (unknown !== undefined)
        this.#wrong(path, `${root} has no "${unknown}"`, didYouMean(unknown, fields) ?? list(fields));
      else if (named.length > 0 && !nullChecks.has(root) && !notNull.has(root))
        this.#wrong(path, `${root} is null if there is none`, `check first: ${root} != null && …`);
    }
  }

  #values(path: string, { path: words, texts }: Comparison): void {
    const name = words[0] === 'steps' ? ['steps', '*', ...words.slice(2)].join('.') : words.join('.');
    const values = VALUES.get(name);
    for (const text of texts)
      if (values !== undefined && !values.includes(text))
        this.#wrong(path, `${words.join('.')} is never "${text}"`, didYouMean(text, values) ?? list(values));
  }

  #suggestion(text: string, { detail, code }: { detail: string; code: string }): string | null {
    const name = /: (\w+)/.exec(detail)?.[1] ?? '';
    if (code === 'unknown_variable')
      return didYouMean(name, VARIABLES) ?? `available variables: ${VARIABLES.join(', ')}`;
    if (code !== 'no_such_key') return null;
    const [, root = '', within] = new RegExp(`\\b(\\w+)(\\.\\w+)?\\.${name}\\b`).exec(text) ?? [];
    return didYouMean(name, this.#keysOf(root, within !== undefined));
  }

  #keysOf(root: string, isInside: boolean): readonly string[] {
    if (root === 'inputs') return Object.keys(this.#declared.inputs);
    return root === 'steps' && !isInside ? this.#declared.steps : (FIELDS.get(root) ?? []);
  }

  #wrong(path: string, message: string, suggestion: string | null): void {
    this.problems.push(problem(this.#runbook, path, message, suggestion));
  }
}

const list = (values: readonly string[]): string => `one of ${values.join(', ')}`;
