import type { FiringEpisode } from '../../domain/ports.ts';

/** An alerting rule as `/api/v1/rules` shows it. */
export type Rule = {
  name: string;
  query: string;
  health?: string | undefined;
  labels: Readonly<Record<string, string>>;
};

/**
 * Whether this rule, of a Prometheus with these external labels, is evaluated without trouble and can have given this
 * alert. What is in doubt cannot: a rule of the same name may be another team's, or another cluster's.
 */
export function canGive(
  rule: Rule,
  { labels, generatorUrl }: Pick<FiringEpisode, 'labels' | 'generatorUrl'>,
  external: ReadonlyMap<string, string>,
): boolean {
  const sent = new Map(labels);
  if (rule.name !== sent.get('alertname') || rule.health !== 'ok') return false;
  const expression = expressionIn(generatorUrl);
  return (
    setsTheSame(rule, sent) &&
    isFromHere(rule, sent, external) &&
    (expression === null ? selects(rule.query, sent) : expression === rule.query)
  );
}

/** Values with templates are known only when it fires. */
const setsTheSame = ({ labels }: Rule, sent: ReadonlyMap<string, string>): boolean =>
  Object.entries(labels).every(([name, value]) => value.includes('{{') || value === (sent.get(name) ?? ''));

/** External labels are added to what has none of that name; relabelling may take them away, and does not alter them. */
const isFromHere = ({ labels }: Rule, sent: ReadonlyMap<string, string>, external: ReadonlyMap<string, string>) =>
  [...external].every(([name, value]) => Object.hasOwn(labels, name) || (sent.get(name) ?? value) === value);

/** The expression of the rule that fired it, as Prometheus links to it: `…/graph?g0.expr=…`. */
const expressionIn = (generatorUrl: string | null): string | null =>
  (generatorUrl !== null && URL.parse(generatorUrl)?.searchParams.get('g0.expr')) || null;

const MATCHER = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/g;

/**
 * Whether the selectors of an expression leave a series with these labels: of each label one that wants a value has to
 * want this one, and none may exclude it. Labels that an expression renames are in doubt.
 */
function selects(query: string, sent: ReadonlyMap<string, string>): boolean {
  const matchers = [...query.matchAll(MATCHER)].flatMap(([, name = '', operator = '', quoted = '']) => {
    const value = sent.get(name);
    return value === undefined
      ? []
      : [{ name, wants: operator.startsWith('='), holds: holds(operator, quoted, value) }];
  });
  const wanted = Map.groupBy(
    matchers.filter(({ wants }) => wants),
    ({ name }) => name,
  );
  return (
    matchers.every(({ wants, holds: it }) => wants || it) &&
    [...wanted.values()].every((ofLabel) => ofLabel.some(({ holds: it }) => it))
  );
}

function holds(operator: string, quoted: string, value: string): boolean {
  const text = unquoted(quoted);
  if (text === null) return false;
  if (operator === '=') return value === text;
  if (operator === '!=') return value !== text;
  const pattern = patternOf(text);
  return pattern !== null && pattern.test(value) === (operator === '=~');
}

/** Strings are as in Go, of which JSON has nearly all; null: one that it has not. */
function unquoted(quoted: string): string | null {
  const inner = quoted.slice(1, -1);
  if (!inner.includes('\\') || quoted.startsWith('`')) return inner;
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return null;
  }
}

/** Always of the whole value. Null: nothing that JavaScript has, as `(?i)`. */
function patternOf(text: string): RegExp | null {
  try {
    return new RegExp(`^(?:${text})$`, 'su');
  } catch {
    return null;
  }
}
