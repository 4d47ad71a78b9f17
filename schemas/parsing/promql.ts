import { WINDOW } from '../slo/slo.ts';

/**
 * `window`: `{{.window}}`. `text`: a quoted string, with its quotes. `mark`: anything that is neither a word nor a
 * number.
 */
export type Token = { kind: 'name' | 'number' | 'text' | 'window' | 'mark'; text: string };

/** Thrown if a text is not PromQL: says where and why. */
export class PromqlError extends Error {
  override readonly name = 'PromqlError';
}

/** Pattern of a quoted string, also of one that nothing closes. It can contain anything, such as `#` and parentheses. */
export const PROMQL_STRING = /"(?:\\[^]|[^"\\])*(?:"|\\?$)|'(?:\\[^]|[^'\\])*(?:'|\\?$)|`[^`]*(?:`|$)/.source;

const COMMENT = /#[^\n]*/y;

const KINDS: readonly (readonly [Token['kind'] | 'nothing', RegExp])[] = [
  ['nothing', /\s+/y],
  ['nothing', COMMENT],
  ['text', /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y],
  ['window', /\{\{\.window\}\}/y],
  ['name', /[A-Za-z_:][A-Za-z0-9_:]*/y],
  ['number', /\.?[0-9][A-Za-z0-9_.]*/y],
  ['mark', /=~|!~|[=!<>]=|[-+*/%^(){}[\],=<>@:]/y],
];

const CLOSED_BY: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/**
 * Splits a query into tokens. Checks only that it can be PromQL (quotes and brackets are closed, no template
 * placeholders are left), not that Prometheus accepts it.
 *
 * @throws PromqlError
 */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < query.length;) {
    const { kind, text } = tokenAt(query, at);
    if (kind !== 'nothing') tokens.push({ kind, text });
    at += text.length;
  }
  if (tokens.length === 0) throw new PromqlError('the query is empty');
  checkBrackets(tokens);
  return tokens;
}

function tokenAt(query: string, at: number): { kind: Token['kind'] | 'nothing'; text: string } {
  for (const [kind, pattern] of query.startsWith('{{', at) ? KINDS.filter(([name]) => name === 'window') : KINDS) {
    pattern.lastIndex = at;
    const [text] = pattern.exec(query) ?? [];
    if (text !== undefined) return { kind, text };
  }
  throw new PromqlError(describeInvalid(query.slice(at)));
}

/** Returns what is wrong at the beginning of `rest`. */
function describeInvalid(rest: string): string {
  const [template] = /^(?:\{\{[^}]*\}{0,2}|\$\{[^}]*\}?|\$\w*)/.exec(rest) ?? [];
  if (template !== undefined) return `the placeholder ${template} is not supported (use ${WINDOW} for the window)`;
  if (/^["'`]/.test(rest)) return `the quote before ${JSON.stringify(rest.slice(1, 20))} is not closed`;
  return `${JSON.stringify(rest[0])} is not valid in PromQL`;
}

function checkBrackets(tokens: readonly Token[]): void {
  const open: string[] = [];
  for (const { kind, text } of tokens) {
    if (kind !== 'mark') continue;
    if (Object.hasOwn(CLOSED_BY, text)) open.push(text);
    else if (/^[)\]}]$/.test(text)) {
      const last = open.pop();
      if (last === undefined) throw new PromqlError(`unmatched ${text}`);
      if (CLOSED_BY[last] !== text) throw new PromqlError(`${last} is closed by ${text}`);
    }
  }
  const last = open.pop();
  if (last !== undefined) throw new PromqlError(`${last} is not closed`);
}

/**
 * Normalizes a query for storage: one spelling of the window, and no comments, since appended text would become part of
 * one.
 *
 * @throws PromqlError
 */
export function normalizedQuery(query: string): string {
  const text = query.replaceAll(/\{\{-?\s*\.window\s*-?\}\}/g, WINDOW);
  let rest = '';
  for (let at = 0; at < text.length;) {
    const token = tokenAt(text, at);
    if (!token.text.startsWith('#')) rest += token.text;
    at += token.text.length;
  }
  return rest.trim();
}
