import { PROMQL_STRING } from '../../schemas/parsing/promql.ts';
import { matches } from '../../core/domain/alerts/matchers.ts';
import type { FiringEpisode } from '../../core/domain/ports/alerts.ts';
import type { AlertOfRule } from '../../core/domain/ports/metrics.ts';

/** An alerting rule in the format of `/api/v1/rules`. */
export type Rule = {
  name: string;
  query: string;
  health?: string | undefined;
  labels: Readonly<Record<string, string>>;
};

/**
 * Returns whether this rule, on a Prometheus with these external labels, is evaluated without errors and can be the
 * source of this alert. In doubt, it is not: a rule with the same name can belong to another team or cluster.
 */
export function canBeSource(
  rule: Rule,
  { labels, generatorUrl }: Pick<FiringEpisode, 'labels' | 'generatorUrl'>,
  external: ReadonlyMap<string, string>,
): boolean {
  const alertLabels = new Map(labels);
  if (rule.name !== alertLabels.get('alertname') || rule.health !== 'ok') return false;
  const expression = expressionIn(generatorUrl);
  return (
    hasSameRuleLabels(rule, alertLabels) &&
    hasSameExternalLabels(rule, alertLabels, external) &&
    (expression === null ? selects(rule.query, alertLabels) : expression === rule.query)
  );
}

type NamedRule = { query?: string | undefined; labels?: Readonly<Record<string, string>> | null | undefined };

/**
 * Returns the most likely source of the alert among rules of its name, or the first if nothing tells them apart: services
 * and severities often have rules of the same name, with other expressions and another `for`.
 */
export function likelySource<R extends NamedRule>(rules: readonly R[], alert: AlertOfRule | undefined): R | undefined {
  if (alert === undefined || rules.length < 2) return rules[0];
  const alertLabels = new Map(alert.labels);
  const expression = expressionIn(alert.generatorUrl);
  const fit = ({ query = '', labels }: R): number =>
    (query === expression ? 4 : 0) +
    (hasSameRuleLabels({ labels: labels ?? {} }, alertLabels) ? 2 : 0) +
    (selects(query, alertLabels) ? 1 : 0);
  return rules.reduce((best, rule) => (fit(rule) > fit(best) ? rule : best));
}

/** Compares the rule's labels. Values with templates are known only while the alert fires, so they are not compared. */
const hasSameRuleLabels = ({ labels }: Pick<Rule, 'labels'>, alertLabels: ReadonlyMap<string, string>): boolean =>
  Object.entries(labels).every(([name, value]) => value.includes('{{') || value === (alertLabels.get(name) ?? ''));

/**
 * Compares the external labels. Prometheus adds an external label only if the alert has no label of that name.
 * Relabeling is assumed to remove labels, but not to change them.
 */
const hasSameExternalLabels = (
  { labels }: Rule,
  alertLabels: ReadonlyMap<string, string>,
  external: ReadonlyMap<string, string>,
) => [...external].every(([name, value]) => Object.hasOwn(labels, name) || (alertLabels.get(name) ?? value) === value);

/** Returns the expression of the alert's rule from Prometheus's link `…/graph?g0.expr=…`. */
const expressionIn = (generatorUrl: string | null): string | null =>
  (generatorUrl !== null && URL.parse(generatorUrl)?.searchParams.get('g0.expr')) || null;

const MATCHER = new RegExp(String.raw`(?<!\w)([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*(${PROMQL_STRING})`, 'g');

/**
 * Returns whether the selectors of an expression allow a series with these labels: for each label with positive
 * matchers, one of them must match, and no negative matcher may exclude the value. Labels that the expression renames
 * are in doubt.
 */
function selects(query: string, alertLabels: ReadonlyMap<string, string>): boolean {
  const matchers = [...query.matchAll(MATCHER)].flatMap(([, name = '', operator = '', quoted = '']) => {
    const value = alertLabels.get(name);
    return value === undefined
      ? []
      : [{ name, isPositive: operator.startsWith('='), isMet: isMatcherMet(operator, quoted, value) }];
  });
  const positiveByLabel = Map.groupBy(
    matchers.filter(({ isPositive }) => isPositive),
    ({ name }) => name,
  );
  return (
    matchers.every(({ isPositive, isMet: met }) => isPositive || met) &&
    [...positiveByLabel.values()].every((labelMatchers) => labelMatchers.some(({ isMet: met }) => met))
  );
}

function isMatcherMet(operator: string, quoted: string, actual: string): boolean {
  const value = unquoted(quoted);
  if (value === null) return false;
  // The sender of an alert writes its link, and with it the pattern: JavaScript's own could run for hours.
  const matcher = { name: '', value, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') };
  return matches([matcher], new Map([['', actual]]));
}

/** Parses a Go string literal as JSON, whose escapes are nearly the same. Null for an escape that JSON doesn't have. */
function unquoted(quoted: string): string | null {
  const inner = quoted.slice(1, -1);
  if (!inner.includes('\\') || quoted.startsWith('`')) return inner;
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return null;
  }
}
