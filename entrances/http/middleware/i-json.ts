import type { MiddlewareHandler } from 'hono';
import { readBody } from './body.ts';
import type { Env } from '../context.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

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
 * @throws Refusal 400 if the body is not JSON, 413 if it is too large, 422 if it can't be stored unchanged
 * @see RFC 7493 (I-JSON), which has the same restrictions, except for the depth
 */
export const iJson: MiddlewareHandler<Env> = async (c, next) => {
  const body = await readBody(c, BODY_MAX_BYTES);
  const text = body.length === 0 ? '' : new TextDecoder().decode(body);
  if (text !== '') readIJson(text);
  await next();
};

/**
 * Reads a text as JSON with the same restrictions.
 *
 * @throws Refusal 400, 422
 */
export function readIJson(text: string): unknown {
  const value = parseJson(text);
  const flaw = flawOf(value, []);
  if (flaw !== undefined) throw new Refusal(422, 'invalid', flaw);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(
      400,
      'not-json',
      `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
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
const pathText = (path: readonly string[]): string => path.map((key) => key.slice(0, 64).toWellFormed()).join('.');

const isStorableNumber = (value: number): boolean =>
  value === 0 || (Math.abs(value) <= Number.MAX_SAFE_INTEGER && Math.abs(value) >= SMALLEST_NUMBER);
