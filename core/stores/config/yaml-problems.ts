import type { z } from 'zod';
import { didYouMean } from '../../../schemas/parsing/similar-names.ts';

/** An error in a value, and its path. */
export type ValueProblem = { path: string; message: string; suggestion: string | null };

/** The parts of the output of `z.toJSONSchema` that are needed to find known keys. */
export type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  const?: unknown;
};

/**
 * Converts zod's issues to messages for the author: each unknown key as a separate problem, with the most similar key;
 * for a union, the problems of the intended branch.
 *
 * @param schema of the whole value, for known keys
 * @param name name of the whole value in messages
 */
export function valueProblems(
  error: z.ZodError,
  value: unknown,
  schema: JsonSchema,
  name = 'the front matter',
): ValueProblem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, [], { name, value, schema }));
}

type Context = { name: string; value: unknown; schema: JsonSchema };

type Path = readonly PropertyKey[];

function problemsOf(issue: z.core.$ZodIssue, prefix: Path, context: Context): ValueProblem[] {
  const { value, schema } = context;
  const path = [...prefix, ...issue.path];
  const at = path.join('.');
  const where = at || context.name;
  const given = valueAt(value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: at === '' ? key : `${at}.${key}`,
        message: `unknown key "${key}" in ${where}`,
        suggestion: didYouMean(key, keysAt(schema, path, value)),
      }));
    case 'invalid_union':
      return unionProblems(issue, path, context);
    case 'invalid_value': {
      const message = given === undefined ? missing(path, context) : `${where}: unknown value ${shown(given)}`;
      return [{ path: at, message, suggestion: nearestOf(given, issue.values) }];
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path: at, message: `${where}: ${message}`, suggestion: null }));
    case 'invalid_type':
      if (given === undefined) return [{ path: at, message: missing(path, context), suggestion: null }];
      return [
        {
          path: at,
          message: `${where}: ${typeMismatch(issue.expected, given)}`,
          suggestion: numberSuggestion(issue.expected, given),
        },
      ];
    case 'too_big':
    case 'too_small':
    case 'not_multiple_of':
    case 'invalid_format':
    case 'invalid_element':
    case 'custom':
      return [{ path: at, message: `${where}: ${issue.message}`, suggestion: null }];
  }
}

function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: Path, context: Context): ValueProblem[] {
  const { value, schema } = context;
  const where = path.join('.') || context.name;
  const given = valueAt(value, path);
  if (issue.errors.length === 0) {
    const kinds = kindsAt(schema, path, value);
    const message = given === undefined ? missing(path, context) : `${where}: unknown kind ${shown(given)}`;
    return [{ path: path.join('.'), message, suggestion: nearestOf(given, kinds) }];
  }
  const branch = intendedBranch(issue.errors, given);
  if (branch !== undefined) return branch.flatMap((inner) => problemsOf(inner, path, context));
  const expected = [...new Set(issue.errors.flat().flatMap(expectedBy))];
  const message = expected.length === 0 ? issue.message : `expected ${expected.join(' or ')}`;
  const words = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []));
  const suggestion = typeof given === 'string' ? didYouMean(given, words) : null;
  return [{ path: path.join('.'), message: `${where}: ${message}`, suggestion }];
}

/** Returns the branch that was probably intended, or undefined if the value matches none of the branches' types. */
function intendedBranch(
  branches: readonly z.core.$ZodIssue[][],
  given: unknown,
): readonly z.core.$ZodIssue[] | undefined {
  const possible = branches.filter(
    (issues) => issues.length > 0 && issues.every((issue) => expectedBy(issue).length === 0),
  );
  return possible.toSorted((a, b) => mismatchScore(a, given) - mismatchScore(b, given))[0];
}

/**
 * Returns how far a value is from a branch: keys that the branch does not know, and required keys that are missing,
 * weigh more than problems inside.
 */
function mismatchScore(issues: readonly z.core.$ZodIssue[], given: unknown): number {
  const weights = issues.map((issue) => {
    if (issue.path.length === 0 && issue.code === 'unrecognized_keys') return 200 * issue.keys.length;
    if (issue.path.length !== 1 || valueAt(given, issue.path) !== undefined) return 1;
    // The discriminator is missing; report that if no other branch fits.
    return issue.code === 'invalid_union' ? 90 : 100;
  });
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/**
 * Returns the types that a branch expects for the whole value. Empty: the type matches, and the problems are inside.
 */
function expectedBy(issue: z.core.$ZodIssue): string[] {
  if (issue.path.length > 0) return [];
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value) ?? '');
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [];
  const inner = issue.errors.map((issues) => issues.flatMap(expectedBy));
  return inner.some((expected) => expected.length === 0) ? [] : inner.flat();
}

/** YAML reads `.nan` and `.inf` as numbers, which no key accepts. */
const typeMismatch = (expected: string, given: unknown): string =>
  typeof given === 'number' && !Number.isFinite(given)
    ? `${given} is not a finite number`
    : `expected ${expected}, got ${shown(given)}`;

/** Returns the number that a text contains, as a suggestion. */
function numberSuggestion(expected: string, given: unknown): string | null {
  const [, digits, percent] = typeof given === 'string' ? (/^(\d+(?:\.\d+)?)\s*(%?)$/.exec(given.trim()) ?? []) : [];
  if (expected !== 'number' || digits === undefined) return null;
  if (percent === '') return `remove the quotes: ${digits}`;
  const share = Number((Number(digits) / 100).toPrecision(12));
  return `write a plain number: ${share} for a share, ${digits} for a percentage`;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

const missing = (path: Path, { name }: Context): string =>
  `"${String(path.at(-1) ?? '')}" is missing in ${path.slice(0, -1).join('.') || name}`;

function nearestOf(given: unknown, values: readonly unknown[]): string | null {
  const words = values.map(String);
  const similar = typeof given === 'string' ? didYouMean(given, words) : null;
  return similar ?? (words.length > 0 ? `one of ${words.join(', ')}` : null);
}

/** Returns the value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[key];
  }
  return inner;
}

/** Returns the keys that the value at `path` can have. */
export const keysAt = (schema: JsonSchema, path: Path, value: unknown): string[] => [
  ...new Set(branchesAt(schema, path, value).flatMap(({ properties }) => Object.keys(properties ?? {}))),
];

/** Returns the valid values of the discriminator at the end of `path`. */
export function kindsAt(schema: JsonSchema, path: Path, value: unknown): unknown[] {
  const key = String(path.at(-1) ?? '');
  const branches = branchesAt(schema, path.slice(0, -1), value, false);
  return [
    ...new Set(
      branches.flatMap(
        ({ properties }) => (properties && Object.hasOwn(properties, key) && properties[key]?.const) || [],
      ),
    ),
  ];
}

/** Returns every schema of the value at `path`; of branches with a discriminator, only the one that the value names. */
function branchesAt(schema: JsonSchema, path: Path, value: unknown, asGiven = true): JsonSchema[] {
  let branches = branchesOf(schema);
  for (const [index, key] of path.entries()) {
    branches = closest(branches, valueAt(value, path.slice(0, index)));
    branches = branches.flatMap((branch) => childBranches(branch, key)).flatMap(branchesOf);
  }
  return asGiven ? closest(branches, valueAt(value, path)) : branches;
}

function childBranches(branch: JsonSchema, key: PropertyKey): JsonSchema[] {
  if (typeof key === 'number') return branch.items === undefined ? [] : [branch.items];
  const property = branch.properties?.[String(key)] ?? branch.additionalProperties;
  return typeof property === 'object' ? [property] : [];
}

const branchesOf = (schema: JsonSchema): JsonSchema[] =>
  schema.anyOf === undefined && schema.oneOf === undefined
    ? [schema]
    : [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(branchesOf);

function closest(branches: readonly JsonSchema[], given: unknown): JsonSchema[] {
  const uses = valueAt(given, ['uses']);
  const matching = branches.filter(({ properties }) => properties?.uses?.const === uses);
  return uses !== undefined && matching.length > 0 ? matching : [...branches];
}
