import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { failure } from './status.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type Json = z.infer<ReturnType<typeof z.json>>;
type JsonObject = { [key: string]: Json };

const Operations = z.array(
  z.discriminatedUnion('op', [
    z.object({ op: z.enum(['add', 'replace', 'test']), path: z.string(), value: z.json() }),
    z.object({ op: z.literal('remove'), path: z.string() }),
  ]),
);
type Operation = z.infer<typeof Operations>[number];

/**
 * Returns the patched object. JSON patches support add, replace, remove, and test. Strategic merge patches are refused.
 *
 * @throws HTTPException 400, 415 or 422
 */
export function applyPatch(contentType: string, object: unknown, text: string) {
  const before = z.json().parse(object);
  const patch = readPatch(text);
  const type = contentType.split(';', 1)[0]?.trim();
  if (type === 'application/json-patch+json') {
    const operations = Operations.safeParse(patch);
    if (!operations.success) throw failure(400, `error decoding patch: ${inputProblemText(operations.error)}`);
    return operations.data.reduce(applyOperation, before);
  }
  if (type === 'application/merge-patch+json') return merge(before, patch);
  throw failure(415, `the body of the request was in an unknown format - not accepted: ${contentType}`);
}

function readPatch(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw failure(400, `error decoding patch: ${(error as Error).message}`);
  }
}

/** Merges by RFC 7386. */
function merge(before: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const after: JsonObject = isObject(before) ? { ...before } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete after[name];
    else after[name] = merge(after[name] ?? null, value);
  }
  return after;
}

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** Applies a JSON Patch operation (RFC 6902). */
function applyOperation(before: Json, operation: Operation): Json {
  const after = structuredClone(before);
  const keys = operation.path.split('/').slice(1);
  const last = keys.pop();
  if (last === undefined) throw unprocessable(`it is not supported to ${operation.op} the whole object`);
  const parent = keys.reduce<Json | undefined>((at, key) => childOf(at, unescapeKey(key)), after);
  const name = unescapeKey(last);
  const old = childOf(parent, name);
  if (operation.op === 'test' && !isDeepStrictEqual(old ?? null, operation.value))
    throw unprocessable(`testing value ${operation.path} failed`);
  if (operation.op === 'test') return after;
  if (operation.op !== 'add' && old === undefined)
    throw unprocessable(`${operation.op} operation does not apply: doc is missing key: ${operation.path}`);
  if (isObject(parent)) {
    if (operation.op === 'remove') delete parent[name];
    else parent[name] = operation.value;
  } else if (Array.isArray(parent)) {
    const index = name === '-' ? parent.length : Number(name);
    const inserted = operation.op === 'remove' ? [] : [operation.value];
    parent.splice(index, operation.op === 'add' ? 0 : 1, ...inserted);
  } else throw unprocessable(`${operation.op} operation does not apply: doc is missing path: ${operation.path}`);
  return after;
}

function childOf(parent: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(parent)) return parent[Number(key)];
  return isObject(parent) ? parent[key] : undefined;
}

const unescapeKey = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');

const unprocessable = (why: string) =>
  failure(422, `the server rejected our request due to an error in our request: ${why}`);
