import { unescape, unescapePattern } from '../config/go-string.ts';
import { compile, PatternError } from '../parsing/re2/pattern.ts';

/** A condition on one label, in Alertmanager's terms: `=` and `=~` are `isEqual`, `!=` and `!~` are not. */
export type Matcher = { name: string; value: string; isRegex: boolean; isEqual: boolean };

/** Formats matchers as they are parsed: `severity="critical", env!~"dev.*"`. */
export const matchersText = (matchers: readonly Matcher[]): string =>
  matchers
    .map(
      ({ name, value, isRegex, isEqual }) =>
        `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}${JSON.stringify(value)}`,
    )
    .join(', ');

/** Thrown for a text that is not a matcher. The message says what is wrong and at which character. */
export class MatcherSyntaxError extends Error {
  override readonly name = 'MatcherSyntaxError';
}

/**
 * Parses one matcher, such as `severity="critical"` or `service=~"checkout|cart"`.
 * @throws MatcherSyntaxError
 */
export function parseMatcher(text: string): Matcher {
  const reader = new Reader(text);
  const matcher = reader.matcher();
  if (!reader.atEnd()) throw reader.wrong(`expected a single matcher, found ${reader.shown()} after it`);
  return matcher;
}

/**
 * Parses matchers separated by commas, with or without braces: `{severity="critical", env!~"dev.*"}`. The syntax is
 * that of Alertmanager since 0.27: names and values are quoted, or free of spaces and of {}!=~,\"'`; quoted text has
 * Go's escapes. Of Alertmanager's fallback to its older syntax, only backslashes are supported: one that begins no
 * escape stands for itself, and one in a quoted regular expression belongs to it (`"\d+\.\d+"`).
 * @throws MatcherSyntaxError
 * @see https://prometheus.io/docs/alerting/latest/configuration/#matcher
 */
export function parseMatchers(text: string): Matcher[] {
  const reader = new Reader(text);
  const braces = reader.take('{');
  const matchers: Matcher[] = [];
  while (!reader.atEnd() && !reader.sees('}')) {
    matchers.push(reader.matcher());
    if (!reader.take(',')) break;
  }
  if (braces && !reader.take('}')) throw reader.wrong(`expected a comma or the closing brace, found ${reader.shown()}`);
  if (!reader.atEnd()) throw reader.wrong(`expected ${braces ? 'the end' : 'a comma'}, found ${reader.shown()}`);
  return matchers;
}

const OPERATORS = {
  '=~': { isRegex: true, isEqual: true },
  '!~': { isRegex: true, isEqual: false },
  '!=': { isRegex: false, isEqual: false },
  '=': { isRegex: false, isEqual: true },
};

const SPACE = /\p{White_Space}*/uy;
const OPERATOR = /=~|!~|!=|=/y;
const UNQUOTED = /[^\p{White_Space}{}!=~,\\"'`]+/uy;
const QUOTED = /"((?:[^"\\\n]|\\[^\n])*)"/uy;

/** Reads a text, ignoring white space. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#take(SPACE);
  }

  matcher(): Matcher {
    const name = this.#name();
    const operator = this.#operator(name);
    return { name, value: this.#value(name, operator), ...OPERATORS[operator] };
  }

  atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  sees(mark: string): boolean {
    return this.#text.startsWith(mark, this.#at);
  }

  take(mark: string): boolean {
    if (!this.sees(mark)) return false;
    this.#at += mark.length;
    this.#take(SPACE);
    return true;
  }

  /** Returns the next characters, for a message. */
  shown(): string {
    return this.atEnd() ? 'the end' : JSON.stringify(Array.from(this.#text.slice(this.#at)).slice(0, 12).join(''));
  }

  wrong(what: string, at = this.#at): MatcherSyntaxError {
    return new MatcherSyntaxError(
      `character ${Array.from(this.#text.slice(0, at)).length + 1} of ${this.#text}: ${what}`,
    );
  }

  #name(): string {
    const at = this.#at;
    const name = this.#word((quoted) => unescape(quoted));
    if (name === null) throw this.wrong(`expected the name of a label, found ${this.shown()}`);
    if (name === '') throw this.wrong('the name of a label is empty', at);
    return name;
  }

  #operator(name: string): keyof typeof OPERATORS {
    const operator = this.#take(OPERATOR)?.[0];
    if (!isOperator(operator)) throw this.wrong(`expected =, !=, =~ or !~ after ${name}, found ${this.shown()}`);
    this.#take(SPACE);
    return operator;
  }

  #value(name: string, operator: keyof typeof OPERATORS): string {
    const at = this.#at;
    const { isRegex } = OPERATORS[operator];
    const value = this.#word((quoted) => (isRegex ? unescapePattern(quoted) : unescape(quoted)));
    if (value === null)
      throw this.wrong(`expected a value, found ${this.shown()}; put it in double quotes, as in ${name}${operator}"…"`);
    if (isRegex) this.#check(value, at);
    return value;
  }

  #check(pattern: string, at: number): void {
    try {
      compile(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw this.wrong(`invalid regular expression ${pattern}: ${error.message}`, at);
    }
  }

  #word(unquote: (text: string) => string): string | null {
    if (!this.sees('"')) {
      const word = this.#take(UNQUOTED)?.[0] ?? null;
      this.#take(SPACE);
      return word;
    }
    const at = this.#at;
    const inside = this.#take(QUOTED)?.[1];
    if (inside === undefined) throw this.wrong('a " is not closed on its line', at);
    this.#take(SPACE);
    try {
      return unquote(inside);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.wrong(error.message, at);
    }
  }

  #take(what: RegExp): RegExpExecArray | null {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text);
    if (found) this.#at = what.lastIndex;
    return found;
  }
}

const isOperator = (text: string | undefined): text is keyof typeof OPERATORS =>
  text !== undefined && Object.hasOwn(OPERATORS, text);
