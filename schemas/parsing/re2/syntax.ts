import {
  anyOf,
  type CharacterTest,
  exactly,
  namedClass,
  type Part,
  perlClass,
  pointOf,
  range,
  unicodeClass,
} from './characters.ts';
import { PatternError } from './pattern-error.ts';

/** The parts of a pattern that decide whether a whole text matches: without capture groups and greediness. */
export type Node =
  | { kind: 'character'; test: CharacterTest }
  | { kind: 'place'; assertion: Assertion }
  | { kind: 'sequence'; nodes: readonly Node[] }
  | { kind: 'either'; nodes: readonly Node[] }
  /** `max` is null if there is no upper bound. */
  | { kind: 'repeat'; node: Node; min: number; max: number | null };

export type Assertion = 'text start' | 'text end' | 'line start' | 'line end' | 'word edge' | 'no word edge';

/** As in Go. */
const MAX_REPEAT = 1000;

/** Go allows 1,000; lower here because each level is a recursive call. */
const MAX_DEPTH = 200;

/**
 * Parses a Go regular expression.
 * @throws PatternError
 * @see https://pkg.go.dev/regexp/syntax
 */
export const parse = (pattern: string): Node => new Parser(pattern).whole();

type Flags = { i: boolean; m: boolean; s: boolean };

const REPETITION = /(?:([*+?])|\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\})\??/y;
const LOOK_AROUND = /\?(?:<?[=!])/y;
const GROUP_NAME = /\?P?<(\w+)>/y;
const GROUP_FLAGS = /\?([imsU]*)(?:-([imsU]+))?([:)])/y;
const CLASS_NAME = /\[:(.*?):\]/sy;
const UNICODE_CLASS = /\\([pP])(?:\{([^}]*)\}|([^]))/uy;
const PERL_CLASS = /\\([dswDSW])/y;
const LITERALS = /\\Q(.*?)(\\E|$)/sy;
const ANY_CHARACTER = /[^]/uy;

class Parser {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false };
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Node {
    const node = this.#alternatives();
    if (!this.#atEnd()) throw new PatternError('unmatched ")"');
    return node;
  }

  #alternatives(): Node {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new PatternError(`groups are nested more than ${MAX_DEPTH} levels deep`);
    const nodes = [this.#sequence()];
    while (this.#takes('|')) nodes.push(this.#sequence());
    this.#depth -= 1;
    return { kind: 'either', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    let repeated = false;
    while (!this.#atEnd() && !this.#sees('|') && !this.#sees(')')) {
      const found = this.#take(REPETITION);
      if (!found) nodes.push(...this.#atom());
      else if (repeated) throw new PatternError(`${found[0]} follows another repetition`);
      else nodes.push(repeat(nodes.pop(), found));
      repeated = found !== null;
    }
    return { kind: 'sequence', nodes };
  }

  /** Returns no node if only flags are set, and several for text quoted by \Q and \E. */
  #atom(): Node[] {
    if (this.#takes('(')) return this.#group();
    if (this.#takes('[')) return [this.#class()];
    if (this.#sees('\\')) return this.#escape();
    const character = this.#character();
    const { m, s } = this.#flags;
    if (character === '^') return [{ kind: 'place', assertion: m ? 'line start' : 'text start' }];
    if (character === '$') return [{ kind: 'place', assertion: m ? 'line end' : 'text end' }];
    if (character === '.') return [{ kind: 'character', test: s ? () => true : (other) => other !== '\n' }];
    return [this.#literal(character)];
  }

  #group(): Node[] {
    const outside = this.#flags;
    if (this.#take(LOOK_AROUND)) throw new PatternError('Go does not support look-around');
    if (!this.#take(GROUP_NAME) && this.#sees('?')) {
      const found = this.#take(GROUP_FLAGS);
      if (!found) throw new PatternError(`Go does not support (${this.#text.slice(this.#at, this.#at + 3)}`);
      const [, on = '', off = '', end] = found;
      this.#flags = withFlags(outside, on, off);
      if (end === ')') return [];
    }
    const node = this.#alternatives();
    if (!this.#takes(')')) throw new PatternError('missing ")"');
    this.#flags = outside;
    return [node];
  }

  #class(): Node {
    const negated = this.#takes('^');
    const parts: Part[] = [];
    // A ] at the beginning is an ordinary character.
    while (parts.length === 0 || !this.#takes(']')) {
      if (this.#atEnd()) throw new PatternError('missing "]"');
      parts.push(this.#classPart());
    }
    return { kind: 'character', test: anyOf(parts, negated, this.#flags.i) };
  }

  #classPart(): Part {
    const name = this.#take(CLASS_NAME)?.[1];
    if (name !== undefined) return namedClass(name);
    const group = this.#knownClass();
    if (group) return group;
    const from = this.#classCharacter();
    // In [a-], the hyphen stands for itself.
    if (!this.#sees('-') || this.#sees('-]')) return range(from, from);
    this.#takes('-');
    const to = this.#classCharacter();
    if (to < from) throw new PatternError('a range in [] is in reverse order');
    return range(from, to);
  }

  #classCharacter(): number {
    return this.#sees('\\') ? this.#escaped() : pointOf(this.#character());
  }

  #escape(): Node[] {
    const assertion = ASSERTIONS[this.#text[this.#at + 1] ?? ''];
    if (assertion !== undefined) {
      this.#at += 2;
      return [{ kind: 'place', assertion }];
    }
    const literals = this.#take(LITERALS);
    if (literals?.[2] === '') throw new PatternError('missing \\E after \\Q');
    if (literals) return Array.from(literals[1] ?? '', (character) => this.#literal(character));
    const group = this.#knownClass();
    if (group) return [{ kind: 'character', test: anyOf([group], false, this.#flags.i) }];
    return [this.#literal(String.fromCodePoint(this.#escaped()))];
  }

  #knownClass(): Part | null {
    const perl = this.#take(PERL_CLASS)?.[1];
    if (perl !== undefined) return perlClass(perl);
    const [, letter, name, short] = this.#take(UNICODE_CLASS) ?? [];
    return letter === undefined ? null : unicodeClass(name ?? short ?? '', letter === 'P');
  }

  /** Returns the code point of an escape. */
  #escaped(): number {
    for (const { form, base } of NUMBERED) {
      const digits = this.#take(form)
        ?.slice(1)
        .find((group) => group !== undefined);
      if (digits === undefined) continue;
      const point = Number.parseInt(digits, base);
      if (point > 0x10ffff) throw new PatternError(`\\x{${digits}} is not a character`);
      return point;
    }
    this.#takes('\\');
    if (this.#atEnd()) throw new PatternError('a trailing \\');
    const character = this.#character();
    const control = CONTROLS.get(character);
    if (control !== undefined) return control;
    if (!/^[!-/:-@[-`{-~ \0-\x1f\x7f]$/.test(character))
      throw new PatternError(`Go does not support the escape \\${character}`);
    return pointOf(character);
  }

  #literal(character: string): Node {
    return { kind: 'character', test: exactly(character, this.#flags.i) };
  }

  #character(): string {
    const character = this.#take(ANY_CHARACTER)?.[0];
    if (character === undefined) throw new PatternError('missing "]"');
    return character;
  }

  #atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #sees(mark: string): boolean {
    return this.#text.startsWith(mark, this.#at);
  }

  #takes(mark: string): boolean {
    const seen = this.#sees(mark);
    if (seen) this.#at += mark.length;
    return seen;
  }

  #take(what: RegExp): RegExpExecArray | null {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text);
    if (found) this.#at = what.lastIndex;
    return found;
  }
}

const ASSERTIONS: Readonly<Partial<Record<string, Assertion>>> = {
  A: 'text start',
  z: 'text end',
  b: 'word edge',
  B: 'no word edge',
};

const NUMBERED = [
  { form: /\\x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{2}))/y, base: 16 },
  // A single digit other than 0 would be a back-reference.
  { form: /\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/y, base: 8 },
];

const CONTROLS = new Map([
  ['a', 7],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
]);

function repeat(node: Node | undefined, [whole, mark, from, comma, to]: RegExpExecArray): Node {
  if (node === undefined) throw new PatternError(`${whole} has nothing to repeat`);
  if (mark !== undefined) return { kind: 'repeat', node, min: mark === '+' ? 1 : 0, max: mark === '?' ? 1 : null };
  const min = Number(from);
  const max = comma === undefined ? min : to === undefined ? null : Number(to);
  if (min > (max ?? MAX_REPEAT) || (max ?? 0) > MAX_REPEAT)
    throw new PatternError(`${whole} is not a valid count; the limit is ${MAX_REPEAT}`);
  return { kind: 'repeat', node, min, max };
}

const withFlags = (flags: Flags, on: string, off: string): Flags => ({
  i: (flags.i || on.includes('i')) && !off.includes('i'),
  m: (flags.m || on.includes('m')) && !off.includes('m'),
  s: (flags.s || on.includes('s')) && !off.includes('s'),
});
