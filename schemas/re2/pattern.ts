import { accepts, automaton } from './automaton.ts';
import { parse } from './syntax.ts';

export { PatternError } from './pattern-error.ts';

/** In UTF-16 units. */
export const MAX_INPUT_CHARS = 4096;

/**
 * A regular expression as Go's `regexp` reads it, for whole texts. Go's, because the same expressions stand in the
 * configuration of Alertmanager; and JavaScript's own could be made to run for hours by a label.
 *
 * @returns whether a text matches as a whole; texts are to be no longer than MAX_INPUT_CHARS
 * @throws PatternError for what Go would refuse, and for what would be too large
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function compile(pattern: string): (text: string) => boolean {
  const machine = automaton(parse(pattern));
  return (text) => accepts(machine, text);
}
