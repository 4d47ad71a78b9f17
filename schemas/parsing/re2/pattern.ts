import { accepts, automaton } from './automaton.ts';
import { parse } from './syntax.ts';

export { PatternError } from './pattern-error.ts';

/** In UTF-16 units. */
export const MAX_INPUT_CHARS = 4096;

/**
 * Compiles a regular expression in the syntax of Go's `regexp`, for whole texts. Go's, because the same expressions are
 * used in Alertmanager's configuration, and because a label could make JavaScript's own run for hours.
 *
 * @returns whether a text matches as a whole; texts must not be longer than MAX_INPUT_CHARS
 * @throws PatternError for what Go refuses, and for what would be too large
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function compile(pattern: string): (text: string) => boolean {
  const machine = automaton(parse(pattern));
  return (text) => accepts(machine, text);
}

/**
 * Returns the size of a pattern in states. The steps to match a text are at most its characters times the states.
 *
 * @throws PatternError as `compile`
 */
export const statesOf = (pattern: string): number => automaton(parse(pattern)).states.length;
