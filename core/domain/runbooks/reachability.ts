import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { Matcher } from '../../../schemas/alerts/matcher-syntax.ts';
import { Severity } from '../../../schemas/config/names.ts';
import { matches } from '../alerts/matchers.ts';
import { SCOPE_LABELS } from './select.ts';

/** Conditions that must all hold: one alternative by which a runbook can match. */
export type Alternative = readonly Matcher[];

/**
 * Whether an alert can meet the conditions. `unknown`: patterns for which it is unknown whether any text matches all of
 * them.
 */
type CanBeMet = 'yes' | 'no' | 'unknown';

/** Maximum number of search steps; beyond it, no problem is reported. */
const MAX_STEPS = 20_000;

/** Returns every alternative by which a runbook can match, including its services, environments, and severities. */
export function alternativesOf(
  runbook: Pick<Runbook, 'match' | 'services' | 'environments' | 'severity'>,
): Alternative[] {
  const scopeMatchers = SCOPE_LABELS.flatMap(([key, label]): Matcher[] => {
    const allowed = runbook[key];
    if (allowed === undefined) return [];
    return [{ name: label, value: allowed.map(escapedForPattern).join('|'), isRegex: true, isEqual: true }];
  });
  return runbook.match.any.map((matchers) => [...matchers, ...scopeMatchers]);
}

/** Escapes text for a regular expression. */
export const escapedForPattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** Returns whether an alert can meet all conditions. */
export function canBeMet(alternative: Alternative): CanBeMet {
  const labels = Map.groupBy(alternative, ({ name }) => name);
  const byLabel = [...labels].map(([name, matchers]) => canBeMetOn(name, matchers));
  if (byLabel.includes('no')) return 'no';
  return byLabel.includes('unknown') ? 'unknown' : 'yes';
}

/**
 * Returns whether no alert remains for a runbook: every alert that meets one of `options` also meets one of `earlier`.
 * True only if certain.
 */
export function isCovered(options: readonly Alternative[], earlier: readonly Alternative[]): boolean {
  const budget = { steps: MAX_STEPS };
  return options.every((alternative) => !canEscape(alternative, earlier, budget));
}

/**
 * Returns whether an alert may meet `alternative` and none of `earlier`: for each of these, at least one condition must fail.
 */
function canEscape(alternative: Alternative, earlier: readonly Alternative[], budget: { steps: number }): boolean {
  budget.steps -= 1;
  if (budget.steps < 0) return true;
  if (canBeMet(alternative) === 'no') return false;
  const [next, ...rest] = earlier;
  if (next === undefined) return true;
  if (canBeMet([...alternative, ...next]) === 'no') return canEscape(alternative, rest, budget);
  return next.some((matcher) => canEscape([...alternative, { ...matcher, isEqual: !matcher.isEqual }], rest, budget));
}

function canBeMetOn(label: string, matchers: readonly Matcher[]): CanBeMet {
  const holds = (value: string): boolean => matches(matchers, new Map([[label, value]]));
  const finite = finiteValues(label, matchers);
  if (finite !== undefined) return finite.some(holds) ? 'yes' : 'no';
  if (candidateValues(matchers).some(holds)) return 'yes';
  if (areContradictory(matchers)) return 'no';
  // The candidates represent every possible text, unless a condition is a pattern that they may not represent.
  return matchers.every(isExact) ? 'no' : 'unknown';
}

/** Returns the only values that can meet the conditions, if they can be enumerated. */
function finiteValues(label: string, matchers: readonly Matcher[]): readonly string[] | undefined {
  if (label === 'severity') return Severity.options;
  for (const { value, isRegex, isEqual } of matchers) {
    const values = isRegex ? literalChoices(value) : [value];
    if (isEqual && values !== undefined) return values;
  }
  return undefined;
}

/** Returns values that the conditions distinguish, including a text that none of them names. */
function candidateValues(matchers: readonly Matcher[]): string[] {
  const named = matchers.flatMap(({ value, isRegex }) =>
    isRegex ? (literalChoices(value) ?? samples(value)) : [value],
  );
  return ['', 'something else', ...named];
}

/** Returns texts that a pattern might match, by omitting repetitions and choices or taking them literally. */
function samples(pattern: string): string[] {
  const plain = pattern.replaceAll(/\(\?[a-zA-Z]+\)/g, '');
  return ['', 'x', '0'].flatMap((filler) => {
    const filled = plain.replaceAll(/(?:\.|\[[^\]]{0,60}\]|\\[dws])[*+?]?/g, filler).replaceAll(/\(\?:?/g, '(');
    const chosen = filled.replaceAll(/\(([^()|]*)(?:\|[^()]*)?\)[*+?]?/g, '$1');
    return [chosen, ...chosen.split('|')].map((text) => text.replaceAll('\\', ''));
  });
}

/** Returns the alternatives of a plain `a|b|c`. Undefined: other patterns. */
function literalChoices(pattern: string): string[] | undefined {
  const inner = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  const parts = inner.split(/(?<!\\)\|/);
  if (!parts.every((part) => /^(?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*$/.test(part))) return undefined;
  return parts.map((part) => part.replaceAll(/\\(.)/g, '$1'));
}

/** Returns whether the matcher treats all unnamed texts alike: `.*`, `.+`, and values that can be enumerated. */
const isExact = ({ value, isRegex }: Matcher): boolean =>
  !isRegex || value === '.*' || value === '.+' || literalChoices(value) !== undefined;

/** Returns whether the same pattern is required and excluded. */
const areContradictory = (matchers: readonly Matcher[]): boolean =>
  matchers.some(
    ({ isRegex, isEqual, value }) =>
      isRegex && isEqual && matchers.some((other) => other.isRegex && !other.isEqual && other.value === value),
  );
