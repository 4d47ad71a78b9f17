import { EvaluationError, ParseError, TypeError } from '@marcbachmann/cel-js';
import { onceFor } from '../../once-for.ts';
import { PatternError, statesOf } from '../../../../schemas/parsing/re2/pattern.ts';
import { EXPRESSION_MAX_CHARS } from '../../../../schemas/runbooks/parts/values.ts';
import { type Findings, analyze, renameMatches } from './ast.ts';
import { environmentOf, MATCHES, celTimestamp } from './environment.ts';
import { type EmptyWhereMissing, toCel, toJson } from './values.ts';
import type { Declarations, Json, Variables } from '../variables.ts';

/** A compiled expression. */
export type Compiled = {
  /** CEL type: `bool`, `int`, `string`, and so on. `dyn`: only known after evaluation. */
  type: string;
  findings: Findings;
  /** Evaluates the expression. Never throws: errors are returned. */
  evaluate(variables: Variables): EvaluationResult;
};

export type EvaluationResult = { ok: true; value: Json } | { ok: false; detail: string };

export type NotCompiled = { ok: false; detail: string; code: string };

/** Compiles an expression and checks its types. Deterministic for the same declarations. */
export function compile(text: string, declared: Declarations): { ok: true; compiled: Compiled } | NotCompiled {
  if (text.length > EXPRESSION_MAX_CHARS)
    return { ok: false, code: 'too_long', detail: `longer than ${EXPRESSION_MAX_CHARS} characters` };
  try {
    const expression = environmentOf(declared).parse(text);
    const findings = analyze(expression.ast);
    const refusal = findings.refusals[0] ?? patternProblem(findings);
    if (refusal !== undefined) return { ok: false, code: 'refused', detail: refusal };
    // The library's `matches` uses JavaScript regular expressions, which a crafted input can keep busy for hours.
    renameMatches(expression.ast, MATCHES);
    const checked = expression.check();
    if (!checked.valid) return { ok: false, ...describeError(checked.error) };
    const empty = emptyWhereMissing(findings);
    const evaluateIn = (variables: Variables): EvaluationResult => {
      try {
        return { ok: true, value: toJson(expression(toCel(variables, declared, empty, celTimestamp))) };
      } catch (error) {
        return { ok: false, detail: describeError(error).detail };
      }
    };
    return { ok: true, compiled: { type: checked.type ?? 'dyn', findings, evaluate: evaluateIn } };
  } catch (error) {
    return { ok: false, ...describeError(error) };
  }
}

/** Cache of compiled expressions. The same declarations have the same environment, as long as it is cached. */
const compiledIn = onceFor(() => new Map<string, ReturnType<typeof compile>>());
const MAX_COMPILED = 500;

/** Evaluates an expression. Never throws. */
export function evaluate(text: string, declared: Declarations, variables: Variables): EvaluationResult {
  const cached = compiledIn(environmentOf(declared));
  if (cached.size >= MAX_COMPILED) cached.clear();
  const result = cached.get(text) ?? compile(text, declared);
  cached.set(text, result);
  return result.ok ? result.compiled.evaluate(variables) : result;
}

/** Evaluates a condition. A missing condition is true; a result other than true or false is an error. */
export function holds(
  when: string | undefined,
  declared: Declarations,
  variables: Variables,
): { ok: true; value: boolean } | { ok: false; detail: string } {
  if (when === undefined) return { ok: true, value: true };
  const result = evaluate(when, declared, variables);
  if (!result.ok) return result;
  if (typeof result.value === 'boolean') return { ok: true, value: result.value };
  return { ok: false, detail: `its result is ${JSON.stringify(result.value).slice(0, 100)}, not true or false` };
}

/** Returns an error unless all patterns are literals and valid in Go. */
function patternProblem({ patterns }: Findings): string | undefined {
  let states = 0;
  for (const pattern of patterns) {
    if (pattern === null) return 'matches() requires a literal pattern';
    try {
      states += statesOf(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      return `regular expression ${pattern} cannot be used: ${error.message}`;
    }
  }
  return states > STATES_MAX
    ? `its regular expressions are too large (${states} states; at most ${STATES_MAX}): shorten them, or use startsWith, endsWith, or contains`
    : undefined;
}

/** Maximum size of all patterns of an expression. With texts of 4,096 characters, an evaluation takes a million steps. */
const STATES_MAX = 300;

/**
 * Returns the labels to default to an empty string, as in matchers: those that are read by name without testing for
 * their presence. An expression that tests for them or iterates over all labels gets them unchanged.
 */
function emptyWhereMissing({ references }: Findings): EmptyWhereMissing {
  const namesIn = (root: 'labels' | 'annotations'): string[] => {
    const ofRoot = references.filter(({ path }) => path[0] === root);
    if (ofRoot.some(({ path }) => path.length === 1)) return [];
    const guarded = new Set(ofRoot.filter((reference) => reference.guarded).map(({ path }) => path[1]));
    return ofRoot.flatMap(({ path: [, name] }) => (name === undefined || guarded.has(name) ? [] : [name]));
  };
  return { labels: namesIn('labels'), annotations: namesIn('annotations') };
}

/** Describes an error by the library's summary, because its message contains a multi-line excerpt. */
function describeError(error: unknown): { detail: string; code: string } {
  if (error instanceof ParseError || error instanceof TypeError || error instanceof EvaluationError)
    return { detail: withExcerpt(error.summary, error.node), code: error.code };
  return { detail: error instanceof Error ? error.message : String(error), code: 'other' };
}

function withExcerpt(summary: string, node: { input?: string; start: number; end: number } | undefined): string {
  const code = node?.input?.slice(node.start, node.end).trim();
  return code === undefined || code === node?.input || summary.includes(code) ? summary : `${summary}, in ${code}`;
}

/** Returns whether the expression reads no variables, so that its value is constant. */
export const isConstant = ({ references }: Findings): boolean => references.length === 0;
