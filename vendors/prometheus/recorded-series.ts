import { parser } from '@prometheus-io/lezer-promql';
import { matches } from '../../core/domain/alerts/matchers.ts';
import { nodesOf } from './version-query.ts';

/** A recording rule. `labels`: those that it sets. */
export type RecordingRule = { name: string; query: string; labels: Readonly<Record<string, string>> };

type Matcher = { text: string; name: string; value: string; isRegex: boolean; isEqual: boolean };
/** `matchers`: null if one is not of the form `name="value"`. */
type Selector = { from: number; to: number; name: string; isRange: boolean; matchers: Matcher[] | null };
type SyntaxNode = ReturnType<typeof nodesOf>[number];

/** Returns the names of the series that a query selects at one moment. A range of a recorded series has no expression of its own. */
export const metricsIn = (promql: string): string[] => [
  ...new Set(selectorsOf(promql).flatMap(({ name, isRange }) => (isRange ? [] : [name]))),
];

/**
 * Replaces each selector of a recorded series by the expression that records it, limited to what the selector matches: a rule
 * often records all services, and the selector takes one of them. Null: no rule records any of the series, or it cannot be
 * told what a selector takes of the expression, because several rules record it or the expression renames the label.
 */
export function withoutRecordings(promql: string, rules: readonly RecordingRule[]): string | null {
  const selectors = selectorsOf(promql).filter(
    ({ name, isRange }) => !isRange && rules.some((rule) => rule.name === name),
  );
  const expressions = selectors.map((selector) => expressionOf(selector, rules));
  if (selectors.length === 0 || expressions.includes(null)) return null;
  return selectors
    .map((selector, index) => ({ ...selector, expression: expressions[index] ?? '' }))
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, { from, to, expression }) => `${text.slice(0, from)}(${expression})${text.slice(to)}`, promql);
}

function expressionOf({ name, matchers }: Selector, rules: readonly RecordingRule[]): string | null {
  if (matchers === null) return null;
  const isSet = ({ labels }: RecordingRule, matcher: Matcher): boolean => Object.hasOwn(labels, matcher.name);
  const [rule, another] = rules.filter(
    (one) =>
      one.name === name &&
      matches(
        matchers.filter((matcher) => isSet(one, matcher)),
        new Map(Object.entries(one.labels)),
      ),
  );
  if (rule === undefined || another !== undefined) return null;
  const open = matchers.filter((matcher) => !isSet(rule, matcher));
  return open.some((matcher) => renames(rule.query, matcher.name)) ? null : limited(rule.query, open);
}

const textOf = (promql: string, node: SyntaxNode | null): string =>
  node === null ? '' : promql.slice(node.from, node.to);

/** Returns the selectors of a query by the name of a metric. */
function selectorsOf(promql: string): Selector[] {
  return nodesOf(parser.parse(promql), 'VectorSelector').flatMap((node) => {
    const name = textOf(promql, node.getChild('Identifier'));
    if (name === '') return [];
    const isRange = node.parent?.name === 'MatrixSelector';
    const matchers = matchersOf(promql, node.getChild('LabelMatchers'));
    return [{ from: node.from, to: node.to, name, isRange, matchers }];
  });
}

/** Returns null if a matcher is not of the form `name="value"`. */
function matchersOf(promql: string, list: SyntaxNode | null): Matcher[] | null {
  const nodes = list === null ? [] : nodesUnder(list);
  const all = nodes.map((node): Matcher | null => {
    const [name, operator, quoted] = ['LabelName', 'MatchOp', 'StringLiteral'].map((kind) =>
      textOf(promql, node.getChild(kind)),
    );
    if (node.name !== 'UnquotedLabelMatcher' || !name || !operator || !/^"(?:[^"\\]|\\[\\"])*"$/.test(quoted ?? ''))
      return null;
    const value = JSON.parse(quoted ?? '') as string;
    const isEqual = operator.startsWith('=');
    return { text: textOf(promql, node), name, value, isRegex: operator.endsWith('~'), isEqual };
  });
  return all.includes(null) ? null : all.filter((one) => one !== null);
}

function nodesUnder(list: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let node = list.firstChild; node !== null; node = node.nextSibling)
    if (node.name.endsWith('Matcher') || node.name === 'QuotedLabelName') found.push(node);
  return found;
}

/** Returns whether a query writes a label, so that a matcher of the result says nothing about the series that it selects. */
const renames = (promql: string, label: string): boolean =>
  nodesOf(parser.parse(promql), 'FunctionCall').some((node) => {
    const text = textOf(promql, node);
    return /^label_(?:replace|join)\b/.test(text) && text.includes(`"${label}"`);
  });

/** Adds matchers to each selector of a query. */
const limited = (promql: string, matchers: readonly Matcher[]): string =>
  nodesOf(parser.parse(promql), 'VectorSelector')
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, node) => {
      const added = matchers.map((matcher) => matcher.text).join(', ');
      const list = node.getChild('LabelMatchers');
      if (added === '') return text;
      if (list === null) return `${text.slice(0, node.to)}{${added}}${text.slice(node.to)}`;
      const own = promql.slice(list.from + 1, list.to - 1).trim();
      return `${text.slice(0, list.from + 1)}${added}${own === '' ? '' : ', '}${text.slice(list.from + 1)}`;
    }, promql);
