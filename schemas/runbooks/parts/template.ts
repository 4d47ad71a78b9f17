/** A part of a text: literal, or an expression. */
export type TemplatePart = { kind: 'text'; text: string } | { kind: 'expression'; expression: string };

/** Thrown for `${{` without `}}`, or with nothing in between. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
}

const OPENS = '${{';
const CLOSES = '}}';

/**
 * Splits `Deploy ${{ suspect.version }} of …` into its parts.
 *
 * @throws TemplateSyntaxError
 */
export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (let opens = text.indexOf(OPENS); opens >= 0; opens = text.indexOf(OPENS, at)) {
    if (opens > at) parts.push({ kind: 'text', text: text.slice(at, opens) });
    const closes = endOf(text, opens + OPENS.length);
    if (closes === undefined) throw new TemplateSyntaxError(`"${OPENS}" without closing "${CLOSES}"`);
    const expression = text.slice(opens + OPENS.length, closes).trim();
    if (expression === '') throw new TemplateSyntaxError(`"${OPENS} ${CLOSES}" is empty`);
    parts.push({ kind: 'expression', expression });
    at = closes + CLOSES.length;
  }
  if (at < text.length || parts.length === 0) parts.push({ kind: 'text', text: text.slice(at) });
  return parts;
}

/** Returns whether the text contains an expression. */
export const isTemplate = (text: string): boolean => text.includes(OPENS);

/** Returns the end of the expression that begins at `from`, skipping its quotes and braces. */
function endOf(text: string, from: number): number | undefined {
  let quote: string | undefined;
  let braces = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (quote !== undefined && character === '\\') at += 1;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '{') braces += 1;
    else if (character === '}' && braces > 0) braces -= 1;
    else if (text.startsWith(CLOSES, at)) return at;
  }
  return undefined;
}
