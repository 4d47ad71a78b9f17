import { PatternError } from './pattern-error.ts';

/** Returns whether one character (a code point) matches. */
export type CharacterTest = (character: string) => boolean;

/** Characters: the inside of a JavaScript class, and whether it is negated. */
export type Part = { source: string; negated: boolean };

/**
 * Returns the test of a class. It uses JavaScript's classes, which are safe on a single character. Negation is done
 * here, because JavaScript and Go differ in it when case is ignored.
 */
export function anyOf(parts: readonly Part[], negated: boolean, ignoreCase: boolean): CharacterTest {
  const flags = ignoreCase ? 'iu' : 'u';
  const tests = parts.map((part) => {
    const regex = new RegExp(`^[${part.source}]$`, flags);
    return (character: string) => regex.test(character) !== part.negated;
  });
  return (character) => tests.some((test) => test(character)) !== negated;
}

export const exactly = (character: string, ignoreCase: boolean): CharacterTest =>
  ignoreCase
    ? anyOf([range(pointOf(character), pointOf(character))], false, true)
    : (candidate) => candidate === character;

/** @param from a code point, not above `to` */
export const range = (from: number, to: number): Part => part(`${escaped(from)}-${escaped(to)}`);

const part = (source: string, negated = false): Part => ({ source, negated });

const escaped = (point: number): string => `\\u{${point.toString(16)}}`;

export const pointOf = (character: string): number => character.codePointAt(0) ?? 0;

/** ASCII only, as in Go. */
const PERL: Readonly<Record<string, string>> = { d: '0-9', s: '\\t\\n\\f\\r ', w: '0-9A-Za-z_' };

/** @param letter one of dswDSW */
export const perlClass = (letter: string): Part =>
  part(PERL[letter.toLowerCase()] ?? '', letter !== letter.toLowerCase());

const NAMED: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\0-\\x7f',
  blank: '\\t ',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** @param name as in [:alpha:] or [:^alpha:] @throws PatternError */
export function namedClass(name: string): Part {
  const positiveName = name.replace(/^\^/, '');
  const source = Object.hasOwn(NAMED, positiveName) ? NAMED[positiveName] : undefined;
  if (source === undefined) throw new PatternError(`unknown class [:${name}:]`);
  return part(source, positiveName !== name);
}

/** @param name a Unicode category or script, as in \p{Lu} or \p{^Greek} @throws PatternError */
export function unicodeClass(name: string, negated: boolean): Part {
  const positiveName = name.replace(/^\^/, '');
  const known = ['General_Category=', 'Script='].map((kind) => `\\p{${kind}${positiveName}}`).find(isClass);
  const source = positiveName === 'Any' ? '\\p{Any}' : known;
  if (source === undefined) throw new PatternError(`unknown class \\p{${name}}`);
  return part(source, negated !== (positiveName !== name));
}

function isClass(source: string): boolean {
  try {
    return new RegExp(source, 'u').unicode;
  } catch {
    return false;
  }
}
