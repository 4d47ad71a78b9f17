import type * as z from 'zod';

/** Limit of passes: each can reveal unknown keys below those found before; no schema is nested this deeply. */
const PASSES_MAX = 20;

type Issue = z.core.$ZodIssue;
type UnknownKeys = { path: PropertyKey[]; keys: string[] };

/**
 * Parses a value that a newer version may have written with a strict schema: removes unknown keys and returns their
 * paths. Other errors are still refused.
 *
 * @returns `ignored`: paths such as `services.shop.newKey`
 * @throws z.ZodError
 */
export function readTolerant<T>(schema: z.ZodType<T>, value: unknown): { data: T; ignored: string[] } {
  const copy: unknown = structuredClone(value);
  const ignored: string[] = [];
  for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
    const { success, data, error } = schema.safeParse(copy);
    if (success) return { data, ignored };
    const unknown = error.issues.flatMap((issue) => unknownKeysIn(issue));
    if (unknown.length === 0) throw error;
    for (const { path, keys } of unknown)
      for (const key of keys) if (removeKey(copy, path, key)) ignored.push([...path, key].map(String).join('.'));
  }
  return { data: schema.parse(copy), ignored };
}

/** For a union, returns the keys of a branch that has no other errors. */
function unknownKeysIn(issue: Issue, above: PropertyKey[] = []): UnknownKeys[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return [{ path, keys: issue.keys }];
  if (issue.code !== 'invalid_union') return [];
  for (const branch of issue.errors) {
    const found = branch.map((inner) => unknownKeysIn(inner, path));
    if (found.length > 0 && found.every((unknownKeys) => unknownKeys.length > 0)) return found.flat();
  }
  return [];
}

/** Returns false if the key is already gone, or not at the given path. */
function removeKey(root: unknown, path: readonly PropertyKey[], key: string): boolean {
  let at: unknown = root;
  for (const step of path) at = isRecord(at) ? at[step] : undefined;
  return isRecord(at) && Object.hasOwn(at, key) && delete at[key];
}

const isRecord = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;
