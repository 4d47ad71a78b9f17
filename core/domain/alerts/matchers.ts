import type { Matcher } from '../../../schemas/alerts/matcher-syntax.ts';
import { compile, MAX_INPUT_CHARS, PatternError } from '../../../schemas/parsing/re2/pattern.ts';

/** Labels as matchers see them. Of several values of a label, the first is the one that counts elsewhere. */
export type MatchedLabels = ReadonlyMap<string, string | readonly string[]>;

/** Returns the value of a label, of several the first. Empty: it is missing. */
export function valueOf(labels: MatchedLabels, name: string): string {
  const value = labels.get(name) ?? '';
  return typeof value === 'string' ? value : (value[0] ?? '');
}

/**
 * Returns whether all matchers hold for these labels, as in Alertmanager: a missing label is empty, and a regular
 * expression must match the entire value (its first 4,096 characters). An empty list of matchers holds for everything.
 * A regular expression that Go rejects never holds, even if negated: it silences and routes nothing.
 *
 * A label with several values is equal to each of them.
 */
export function matches(matchers: readonly Matcher[], labels: MatchedLabels): boolean {
  return matchers.every((matcher) => holds(matcher, labels));
}

function holds({ name, value, isRegex, isEqual }: Matcher, labels: MatchedLabels): boolean {
  const test = isRegex ? compiled(value) : null;
  if (isRegex && test === null) return false;
  const fits = (text: string): boolean => (test === null ? text === value : test(text));
  const actual = labels.get(name) ?? '';
  return (typeof actual === 'string' ? fits(actual) : actual.some(fits)) === isEqual;
}

type Test = (text: string) => boolean;

/** Cache of compiled patterns: the same few are used for every alert. */
const patterns = new Map<string, Test | null>();
const MAX_PATTERNS = 1000;

function compiled(pattern: string): Test | null {
  const cached = patterns.get(pattern);
  if (cached !== undefined) return cached;
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  const test = compileOrNull(pattern);
  patterns.set(pattern, test);
  return test;
}

function compileOrNull(pattern: string): Test | null {
  try {
    return rememberingResults(compile(pattern));
  } catch (error) {
    if (error instanceof PatternError) return null;
    throw error;
  }
}

const REMEMBERED_MAX = 8;

/** Remembers a few results: the alerts of a group mostly have the same value, and severities a word beside their meaning. */
function rememberingResults(test: Test): Test {
  const results = new Map<string, boolean>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    if (results.size >= REMEMBERED_MAX) results.clear();
    const result = test(text.slice(0, MAX_INPUT_CHARS));
    results.set(text, result);
    return result;
  };
}
