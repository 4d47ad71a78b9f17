import { parser } from '@prometheus-io/lezer-promql';

type SyntaxNode = ReturnType<typeof parser.parse>['topNode'];

/** `equals`: the value of an equality; null for other operators. */
export type Matcher = { label: string; matches: (value: string) => boolean; equals: string | null };
export type Grouping = { by: boolean; labels: readonly string[] };
export type Matching = { on: boolean; labels: readonly string[] };

/** A parsed query: the part of PromQL that the world evaluates. */
export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'vector'; name: string | null; matchers: readonly Matcher[]; offset: number }
  /** `range` and `offset` in seconds. */
  | { kind: 'matrix'; name: string | null; matchers: readonly Matcher[]; range: number; offset: number }
  | { kind: 'call'; name: string; args: readonly Expression[] }
  | { kind: 'aggregate'; op: string; argument: Expression; grouping: Grouping }
  | {
      kind: 'binary';
      op: string;
      left: Expression;
      right: Expression;
      matching: Matching | null;
      isBool: boolean;
    };

const parsed = new Map<string, Expression>();
const PARSED_MAX = 5_000;

/** Parses PromQL; remembers results. @throws SyntaxError if it is invalid, or not a part that the world evaluates */
export function parseExpression(query: string): Expression {
  const known = parsed.get(query);
  if (known !== undefined) return known;
  const top = parser.parse(query).topNode.firstChild;
  if (top === null) throw new SyntaxError(`empty query: ${query}`);
  const made = expressionOf(top, query);
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(query, made);
  return made;
}

function expressionOf(node: SyntaxNode, query: string): Expression {
  const text = (child: SyntaxNode): string => query.slice(child.from, child.to);
  const inner = (child: SyntaxNode): Expression => expressionOf(child, query);
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { kind: 'number', value: numberOf(text(node)) };
    case 'ParenExpr':
      return inner(childrenOf(node)[0] ?? refuse(node, query));
    case 'UnaryExpr': {
      const [op, operand] = childrenOf(node);
      if (op === undefined || operand === undefined) return refuse(node, query);
      if (text(op) === '+') return inner(operand);
      const minusOne: Expression = { kind: 'number', value: -1 };
      return { kind: 'binary', op: '*', left: minusOne, right: inner(operand), matching: null, isBool: false };
    }
    case 'VectorSelector':
      return { kind: 'vector', ...selectorOf(node, query), offset: 0 };
    case 'MatrixSelector': {
      const [selector, range] = childrenOf(node);
      if (selector === undefined || range === undefined) return refuse(node, query);
      return { kind: 'matrix', ...selectorOf(selector, query), range: secondsOf(text(range)), offset: 0 };
    }
    case 'OffsetExpr': {
      const [selector] = childrenOf(node);
      const by = node.getChild('OffsetDurationExpr');
      const shifted = selector === undefined ? refuse(node, query) : inner(selector);
      if (by === null || (shifted.kind !== 'vector' && shifted.kind !== 'matrix')) return refuse(node, query);
      return { ...shifted, offset: secondsOf(text(by)) };
    }
    case 'FunctionCall': {
      const name = node.getChild('FunctionIdentifier');
      const body = node.getChild('FunctionCallBody');
      if (name === null) return refuse(node, query);
      return { kind: 'call', name: text(name), args: body === null ? [] : childrenOf(body).map(inner) };
    }
    case 'AggregateExpr': {
      const [op] = childrenOf(node);
      const modifier = node.getChild('AggregateModifier');
      const argument = node.getChild('FunctionCallBody')?.firstChild;
      if (op === undefined || argument == null) return refuse(node, query);
      const grouping = {
        by: modifier?.getChild('Without') == null,
        labels: modifier === null ? [] : labelsIn(modifier, query),
      };
      return { kind: 'aggregate', op: text(op).toLowerCase(), argument: inner(argument), grouping };
    }
    case 'BinaryExpr':
      return binaryOf(node, query);
    default:
      return refuse(node, query);
  }
}

function binaryOf(node: SyntaxNode, query: string): Expression {
  const parts = childrenOf(node);
  const [left, op] = parts;
  const right = parts.at(-1);
  if (left === undefined || op === undefined || right === undefined) return refuse(node, query);
  const clause = node.getChild('MatchingModifierClause');
  if (clause?.getChild('GroupLeft') != null || clause?.getChild('GroupRight') != null) return refuse(node, query);
  return {
    kind: 'binary',
    op: query.slice(op.from, op.to).toLowerCase(),
    left: expressionOf(left, query),
    right: expressionOf(right, query),
    matching: clause === null ? null : { on: clause.getChild('On') !== null, labels: labelsIn(clause, query) },
    isBool: node.getChild('BoolModifier') !== null,
  };
}

function selectorOf(node: SyntaxNode, query: string): { name: string | null; matchers: Matcher[] } {
  const name = node.getChild('Identifier');
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return {
    name: name === null ? null : query.slice(name.from, name.to),
    matchers: matchers.map((matcher) => matcherOf(matcher, query)),
  };
}

function matcherOf(node: SyntaxNode, query: string): Matcher {
  const part = (name: string): string => {
    const child = node.getChild(name) ?? refuse(node, query);
    return query.slice(child.from, child.to);
  };
  const [label, op, value] = [part('LabelName'), part('MatchOp'), part('StringLiteral').slice(1, -1)];
  if (op === '=') return { label, equals: value, matches: (actual) => actual === value };
  if (op === '!=') return { label, equals: null, matches: (actual) => actual !== value };
  const pattern = new RegExp(`^(?:${value})$`);
  return {
    label,
    equals: null,
    matches: op === '=~' ? (actual) => pattern.test(actual) : (actual) => !pattern.test(actual),
  };
}

function labelsIn(node: SyntaxNode, query: string): string[] {
  const labels = node.getChild('GroupingLabels')?.getChildren('LabelName') ?? [];
  return labels.map(({ from, to }) => query.slice(from, to));
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function numberOf(text: string): number {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function secondsOf(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smhdw])/g)];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? NaN), 0);
  return text.startsWith('-') ? -seconds : seconds;
}

function refuse(node: SyntaxNode, query: string): never {
  throw new SyntaxError(`cannot evaluate ${JSON.stringify(query.slice(node.from, node.to))} of ${query}`);
}
