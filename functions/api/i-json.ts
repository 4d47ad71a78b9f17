import type { MiddlewareHandler } from 'hono';
import { readBody } from './body.ts';
import type { Env } from './context.ts';
import { Refusal } from './problem.ts';

/** Of every request that is no alert. An item of the table holds 400 KB. */
export const BODY_MAX_BYTES = 256 * 1024;

/** A table's item may be nested 32 deep, of which we need some. */
const DEPTH_MAX = 16;

/** Smaller numbers than this are none for DynamoDB, whose exponent ends at -130. */
const TINIEST = 1e-100;

/**
 * Lets no body through that could not be stored as it is: JSON can spell half characters, numbers that are none, and
 * nesting without end.
 * @see RFC 7493 (I-JSON), which rules out the same, except for the depth
 */
export const iJson: MiddlewareHandler<Env> = async (c, next) => {
  const text = new TextDecoder().decode(await readBody(c, BODY_MAX_BYTES));
  if (text !== '') {
    const wrong = flawOf(parsed(text), 0);
    if (wrong !== undefined) throw new Refusal(422, 'invalid', wrong);
  }
  await next();
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, 'not-json', error instanceof Error ? error.message : 'the body is not JSON');
  }
}

/** What is wrong with it, if anything is. */
function flawOf(value: unknown, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return `nested deeper than ${DEPTH_MAX}`;
  if (typeof value === 'string' && !value.isWellFormed()) return 'half a surrogate pair is no character';
  if (typeof value === 'number' && !isNumber(value)) return `${value} is no number that every reader of JSON knows`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const flaw = flawOf(key, depth) ?? flawOf(inner, depth + 1);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

const isNumber = (value: number): boolean =>
  value === 0 || (Math.abs(value) <= Number.MAX_SAFE_INTEGER && Math.abs(value) >= TINIEST);
