import type { MiddlewareHandler } from 'hono';
import { readBody } from './body.ts';
import type { Env } from '../context.ts';
import { utf8Text, wideCharset } from '../../../schemas/parsing/utf-8.ts';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** The limit for request bodies, except those of alert receivers. A DynamoDB item has at most 400 KB. */
export const BODY_MAX_BYTES = 256 * 1024;

/** A DynamoDB item has at most 32 levels of nesting. Our own envelope needs some of them. */
const NESTING_MAX = 16;

/** The smallest accepted absolute value except 0. DynamoDB rejects numbers with an exponent below -130. */
const SMALLEST_NUMBER = 1e-100;

/**
 * Refuses bodies that could not be stored unchanged. JSON allows lone surrogates, numbers out of range, and unlimited
 * nesting.
 *
 * @throws Refusal 400 if the body is not JSON in UTF-8, 413 if it is too large, 415 in another charset, 422 if it can't be stored unchanged
 * @see RFC 7493 (I-JSON), which has the same restrictions, except for the depth
 */
export const iJson: MiddlewareHandler<Env> = async (c, next) => {
  const body = await readBody(c, BODY_MAX_BYTES);
  const type = c.req.header('content-type') ?? '';
  const charset = body.length === 0 ? undefined : wideCharset(type);
  if (charset !== undefined) throw new Refusal(415, 'unsupported-media-type', `the charset is ${charset}; send UTF-8`);
  const text = textIn(body);
  if (text !== '') readIJson(text, isForm(type) ? FORM : undefined);
  await next();
};

/** Returns a body as text. @throws Refusal 400 */
export function textIn(body: Uint8Array, code: 'not-json' | 'not-utf-8' = 'not-json'): string {
  const text = utf8Text(body);
  if (text === undefined) throw contentRefusal(400, code, 'the body is not UTF-8');
  return text;
}

/** `curl --data` sends this type, whatever the text is. */
const isForm = (contentType: string): boolean =>
  contentType.toLowerCase().startsWith('application/x-www-form-urlencoded');

const FORM =
  'the body is a form; send it as JSON with Content-Type: application/json, and parameters in the query string (curl --get)';

/**
 * Reads a text as JSON with the same restrictions.
 *
 * @param notJson what to say if it is not JSON
 * @throws Refusal 400, 422
 */
export function readIJson(text: string, notJson?: string): unknown {
  const value = parseJson(text, notJson);
  const flaw = flawOf(value, []);
  if (flaw !== undefined) throw new Refusal(422, 'invalid', flaw);
  return value;
}

function parseJson(text: string, notJson: string | undefined): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw contentRefusal(
      400,
      'not-json',
      notJson ?? `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Schemas leave this key out without a word, so what it stands for would be lost. */
const PROTO = 'the key __proto__ is not supported; use another name';

const HALF_PAIR = 'contains half of a surrogate pair, such as \\ud83d without \\ude00; send whole characters';

/** Returns what is wrong with the value and where, such as `commits.1.sha: …`, or undefined. */
function flawOf(value: unknown, path: readonly string[]): string | undefined {
  const at = (flaw: string): string => (path.length === 0 ? flaw : `${pathText(path)}: ${flaw}`);
  if (path.length > NESTING_MAX) return at(`the JSON has more than ${NESTING_MAX} levels of nesting`);
  if (typeof value === 'string' && !value.isWellFormed()) return at(HALF_PAIR);
  if (typeof value === 'number' && !isStorableNumber(value))
    return at(`the number ${value} is outside the supported range`);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return at(PROTO);
    const flaw = key.isWellFormed() ? flawOf(inner, [...path, key]) : at(`a key ${HALF_PAIR}`);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

/** Returns the path as text. Long keys are cut. */
const pathText = (path: readonly string[]): string => path.map((key) => truncated(key, 64)).join('.');

const isStorableNumber = (value: number): boolean =>
  value === 0 || (Math.abs(value) <= Number.MAX_SAFE_INTEGER && Math.abs(value) >= SMALLEST_NUMBER);
