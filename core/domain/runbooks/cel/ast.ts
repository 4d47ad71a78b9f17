import type { ASTNode } from '@marcbachmann/cel-js';

/** A variable that an expression reads, as far as its path is static: `steps.load.output` has three parts. */
export type Reference = {
  path: readonly string[];
  /** The expression only tests for presence: `has(labels.team)`, `"team" in labels`. */
  guarded: boolean;
};

/** A variable that is compared with strings: `incident.severity == "critical"`. */
export type Comparison = { path: readonly string[]; texts: readonly string[] };

/** Facts about an expression, read from its syntax tree without evaluating it. */
export type Findings = {
  references: Reference[];
  comparisons: Comparison[];
  /** Variables that are compared with null. */
  nullChecks: Set<string>;
  /** Patterns of the calls of `matches`; null if computed at run time. */
  patterns: (string | null)[];
  /** Reasons why the expression is rejected: constructs whose run time can be long even in a short expression. */
  refusals: string[];
};

/** Macros that iterate over a list or map and never return more elements than they receive. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);

/** Macros and functions whose results can grow with each use. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['map', 'use exists, all, or filter'],
  ['bind', 'write the expression out'],
]);

type Scope = { bound: ReadonlySet<string>; loop: boolean; guarded: boolean };

/** Analyzes the syntax tree of an expression. */
export function analyze(tree: ASTNode): Findings {
  const found: Findings = { references: [], comparisons: [], nullChecks: new Set(), patterns: [], refusals: [] };
  visit(tree, { bound: new Set(), loop: false, guarded: false }, found);
  return found;
}

function visit(node: ASTNode, scope: Scope, found: Findings): void {
  const path = pathOf(node);
  if (path !== undefined) {
    if (!scope.bound.has(path[0] ?? '')) found.references.push({ path, guarded: scope.guarded });
    return;
  }
  const inner = { ...scope, guarded: false };
  // oxlint-disable-next-line switch-exhaustiveness-check -- all other operators have only children to visit
  switch (node.op) {
    case 'rcall':
      return visitCall(node.args[0], node.args[1], node.args[2], inner, found);
    case 'call':
      return node.args[1].forEach((child) => visit(child, { ...inner, guarded: node.args[0] === 'has' }, found));
    case 'in':
      return visitIn(node.args[0], node.args[1], inner, found);
    case '==':
    case '!=':
      compare(node.args[0], node.args[1], found);
      break;
    default:
  }
  for (const child of childrenOf(node)) visit(child, inner, found);
}

function visitCall(name: string, receiver: ASTNode, args: ASTNode[], scope: Scope, found: Findings): void {
  const instead = REFUSED.get(name);
  if (instead !== undefined) found.refusals.push(`${name}() is not allowed here: ${instead}`);
  if (name === 'matches') {
    if (scope.loop)
      found.refusals.push('matches() inside a loop is not allowed: use startsWith, endsWith, or contains');
    found.patterns.push(args[0]?.op === 'value' && typeof args[0].args === 'string' ? args[0].args : null);
  }
  visit(receiver, scope, found);
  const [variable, ...bodies] = args;
  if (!LOOPS.has(name) || variable?.op !== 'id') return args.forEach((child) => visit(child, scope, found));
  if (scope.loop) found.refusals.push(`${name}() inside another loop is not allowed`);
  const inside = { ...scope, loop: true, bound: new Set([...scope.bound, variable.args]) };
  for (const body of bodies) visit(body, inside, found);
}

/**
 * Distinguishes `"team" in labels`, which tests for presence, from `incident.severity in ["critical"]`, which compares.
 */
function visitIn(left: ASTNode, right: ASTNode, scope: Scope, found: Findings): void {
  const path = pathOf(right);
  if (path !== undefined && left.op === 'value' && typeof left.args === 'string') {
    if (!scope.bound.has(path[0] ?? '')) found.references.push({ path: [...path, left.args], guarded: true });
    return;
  }
  if (right.op === 'list') for (const item of right.args) compare(left, item, found);
  visit(left, scope, found);
  visit(right, scope, found);
}

function compare(left: ASTNode, right: ASTNode, found: Findings): void {
  for (const [variable, value] of [
    [left, right],
    [right, left],
  ] as const) {
    const path = pathOf(variable);
    if (path === undefined || value.op !== 'value') continue;
    if (value.args === null) found.nullChecks.add(path[0] ?? '');
    if (typeof value.args === 'string') found.comparisons.push({ path, texts: [value.args] });
  }
}

/** Returns the static path of a variable; undefined: not a variable, or the path is only known at run time. */
function pathOf(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const inside = pathOf(node.args[0]);
  if (inside === undefined) return undefined;
  const key = node.op === '.' ? node.args[1] : node.args[1].op === 'value' ? node.args[1].args : undefined;
  return typeof key === 'string' ? [...inside, key] : undefined;
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  // oxlint-disable-next-line switch-exhaustiveness-check -- all other operators have a list of operands
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/**
 * Redirects `matches` to another function: the library's implementation uses JavaScript regular expressions, which a
 * crafted input can keep busy for hours.
 */
export function renameMatches(node: ASTNode, name: string): void {
  if (node.op === 'rcall' && node.args[0] === 'matches') node.args[0] = name;
  for (const child of childrenOf(node)) renameMatches(child, name);
}
