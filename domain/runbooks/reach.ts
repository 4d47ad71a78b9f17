import type { Runbook } from '../../schemas/runbook.ts';
import type { Matcher } from '../../schemas/matcher-syntax.ts';
import { Severity } from '../../schemas/names.ts';
import { matches } from '../matchers.ts';
import { PLACES } from './select.ts';

/** Conditions that all have to hold: one way in which a runbook can match. */
export type Way = readonly Matcher[];

/** Whether some alert meets conditions. `unknown`: patterns, of which it is not known whether they have a text in common. */
type Meets = 'yes' | 'no' | 'unknown';

/** After so many steps the search gives up and complains about nothing. */
const MAX_STEPS = 20_000;

/** Every way in which a runbook can match, its places among the conditions. */
export function waysOf(runbook: Pick<Runbook, 'match' | 'services' | 'environments' | 'severity'>): Way[] {
  const places = PLACES.flatMap(([key, label]): Matcher[] => {
    const allowed = runbook[key];
    if (allowed === undefined) return [];
    return [{ name: label, value: allowed.map(quoted).join('|'), isRegex: true, isEqual: true }];
  });
  return runbook.match.any.map((matchers) => [...matchers, ...places]);
}

/** A text as a regular expression that matches nothing else. */
const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** Whether an alert can meet all of these. */
export function meets(way: Way): Meets {
  const labels = Map.groupBy(way, ({ name }) => name);
  const each = [...labels].map(([name, matchers]) => meetsOn(name, matchers));
  if (each.includes('no')) return 'no';
  return each.includes('unknown') ? 'unknown' : 'yes';
}

/**
 * Whether no alert is left for a runbook: whatever meets one of `ways` meets one of `earlier`, too. Says so only when it
 * is certain.
 */
export function covered(ways: readonly Way[], earlier: readonly Way[]): boolean {
  const budget = { steps: MAX_STEPS };
  return ways.every((way) => !escapes(way, earlier, budget));
}

/** Whether an alert may meet `way` and none of `earlier`: each of these has to be missed by one of its conditions. */
function escapes(way: Way, earlier: readonly Way[], budget: { steps: number }): boolean {
  budget.steps -= 1;
  if (budget.steps < 0) return true;
  if (meets(way) === 'no') return false;
  const [next, ...rest] = earlier;
  if (next === undefined) return true;
  if (meets([...way, ...next]) === 'no') return escapes(way, rest, budget);
  return next.some((matcher) => escapes([...way, { ...matcher, isEqual: !matcher.isEqual }], rest, budget));
}

function meetsOn(label: string, matchers: readonly Matcher[]): Meets {
  const holds = (value: string): boolean => matches(matchers, new Map([[label, value]]));
  const finite = finiteValues(label, matchers);
  if (finite !== undefined) return finite.some(holds) ? 'yes' : 'no';
  if (candidates(matchers).some(holds)) return 'yes';
  if (contradict(matchers)) return 'no';
  // The candidates stand for every text that there is, unless a pattern is one of which that is not known.
  return matchers.every(isExact) ? 'no' : 'unknown';
}

/** The only values that can meet them, where these can be counted. */
function finiteValues(label: string, matchers: readonly Matcher[]): readonly string[] | undefined {
  if (label === 'severity') return Severity.options;
  for (const { value, isRegex, isEqual } of matchers) {
    const values = isRegex ? alternatives(value) : [value];
    if (isEqual && values !== undefined) return values;
  }
  return undefined;
}

/** Values that differ in what the conditions say of them. One is a text that none of them names. */
function candidates(matchers: readonly Matcher[]): string[] {
  const named = matchers.flatMap(({ value, isRegex }) => (isRegex ? (alternatives(value) ?? samples(value)) : [value]));
  return ['', 'something else', ...named];
}

/** Texts that a pattern might match, by leaving its repetitions and choices out or taking them literally. */
function samples(pattern: string): string[] {
  const plain = pattern.replaceAll(/\(\?[a-zA-Z]+\)/g, '');
  return ['', 'x', '0'].flatMap((filler) => {
    const filled = plain.replaceAll(/(?:\.|\[[^\]]*\]|\\[dws])[*+?]?/g, filler).replaceAll(/\(\?:?/g, '(');
    const chosen = filled.replaceAll(/\(([^()|]*)(?:\|[^()]*)?\)[*+?]?/g, '$1');
    return [chosen, ...chosen.split('|')].map((text) => text.replaceAll('\\', ''));
  });
}

/** `a|b|c` without anything that is special. Undefined: it is a pattern. */
function alternatives(pattern: string): string[] | undefined {
  const inner = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  const parts = inner.split(/(?<!\\)\|/);
  if (!parts.every((part) => /^(?:[^\\^$.*+?()[\]{}|]|\\[^a-zA-Z0-9])*$/.test(part))) return undefined;
  return parts.map((part) => part.replaceAll(/\\(.)/g, '$1'));
}

/** It says the same of all texts that are not named: `.*`, `.+`, and everything that can be counted. */
const isExact = ({ value, isRegex }: Matcher): boolean =>
  !isRegex || value === '.*' || value === '.+' || alternatives(value) !== undefined;

/** The same pattern is asked for and ruled out. */
const contradict = (matchers: readonly Matcher[]): boolean =>
  matchers.some(
    ({ isRegex, isEqual, value }) =>
      isRegex && isEqual && matchers.some((other) => other.isRegex && !other.isEqual && other.value === value),
  );
