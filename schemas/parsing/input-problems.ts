import * as z from 'zod';
import { didYouMean } from './similar-names.ts';
import { truncated } from './text.ts';

/** What is wrong with a part of an input. `key`: an unknown key of that part. */
export type InputProblem = { path: PropertyKey[]; key?: string; text: string };

type Issue = z.core.$ZodIssue;

/** A text, with facts about it that become fields of its issue, because a schema's own text could read the same. */
type Explanation = { text: string } & Facts;
type Facts = {
  /** The value is missing. */
  missing?: true;
  /** What is wrong with a union is inside one of its alternatives. */
  inside?: true;
  /** What is wrong with each unknown key; of many, with the first ones. */
  keyTexts?: string[];
  /** The text without the word that was probably meant. */
  plain?: string;
};
const factsOf = (issue: Issue): Facts => issue as Facts;

/** Limits of a text: problems, and characters of a problem and of a name that it repeats. */
const PROBLEMS_MAX = 10;
const PROBLEM_MAX_CHARS = 1000;
const NAME_MAX_CHARS = 60;

// All texts come from here, so this holds wherever one is read: in each thread, function, and program.
z.config({
  customError(issue) {
    const said = explain(issue);
    if (typeof said === 'string') return said;
    const { text, ...facts } = said;
    Object.assign(issue, facts satisfies Facts);
    return text;
  },
});

/** Returns all problems as one text: `service: is required; limit: must be a whole number from 1 to 500`. */
export function inputProblemText(error: Pick<z.ZodError, 'issues'>): string {
  const problems = inputProblems(error);
  const more = problems.length - PROBLEMS_MAX;
  return [...problems.slice(0, PROBLEMS_MAX).map(placedText), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Returns a problem with the place where it is: `service: is required`. */
export const placedText = ({ path, text }: InputProblem): string =>
  truncated([...(path.length === 0 ? [] : [path.map(nameText).join('.')]), text].join(': '), PROBLEM_MAX_CHARS);

/** Returns where a problem is: the value, or the unknown key. */
export const locationOf = ({ path, key }: InputProblem): PropertyKey[] => (key === undefined ? path : [...path, key]);

/** Returns each problem: of an object with unknown keys one for each key, of a union those of the alternative that was probably meant. */
export const inputProblems = ({ issues }: Pick<z.ZodError, 'issues'>): InputProblem[] =>
  issues.flatMap((issue) => problemsOf(issue, []));

function problemsOf(issue: Issue, above: readonly PropertyKey[]): InputProblem[] {
  const path = [...above, ...issue.path];
  const { inside, keyTexts } = factsOf(issue);
  if (issue.code === 'unrecognized_keys') {
    const textOf = (key: string, index: number): string =>
      keyTexts === undefined ? issue.message : (keyTexts[index] ?? unknownText(key));
    return issue.keys.map((key, index) => ({ path, key, text: textOf(key, index) }));
  }
  if (issue.code !== 'invalid_union' || inside !== true) return [{ path, text: issue.message }];
  return alternativeMeant(issue.errors)?.flatMap((inner) => problemsOf(inner, path)) ?? [];
}

/** Returns the problems inside the alternative that was probably meant; undefined if the value is of no alternative's type. */
function alternativeMeant(alternatives: readonly Issue[][]): Issue[] | undefined {
  const possible = alternatives.filter((issues) => issues.length > 0 && !issues.some(isOfOtherType));
  return possible.toSorted((a, b) => mismatch(a) - mismatch(b))[0];
}

/** Returns whether the whole value is of another type, or not among the listed values. */
function isOfOtherType(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.length > 0 && alternativeMeant(issue.errors) === undefined;
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

/** Returns how far a value is from an alternative: keys that it does not know, or that are missing, weigh more than problems inside. */
const mismatch = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => {
    if (issue.path.length === 0 && 'keys' in issue) return sum + 200 * issue.keys.length;
    if (issue.path.length !== 1 || factsOf(issue).missing !== true) return sum + 1;
    return sum + (issue.code === 'invalid_union' ? 90 : 100); // a missing kind is reported only if no other alternative fits better
  }, 0);

/** Says in the words of an author what zod says in those of a programmer. Repeats no value: it can be a secret. */
function explain(issue: z.core.$ZodRawIssue): string | Explanation {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? missing() : typeText(issue);
    case 'invalid_value':
      return listText(issue.values, issue);
    case 'invalid_union':
      return unionText(issue);
    case 'unrecognized_keys':
      return explainKeys(issue);
    case 'invalid_key':
    case 'invalid_element':
      return joined(issue.issues.map(({ message }) => message));
    case 'too_small':
      return sizeText(issue, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return sizeText(issue, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatText(issue);
    case 'custom':
      return 'is not valid';
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object (key: value)',
  record: 'an object (key: value)',
};

function typeText({ expected, input, inst }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidType>): string {
  if (expected === 'never' || expected === 'undefined') return 'must not be set';
  if (expected !== 'number') return `must be ${TYPES[expected] ?? expected}`;
  const kind = `must be a ${numberText(inst as Partial<z.ZodNumber>, input)}`;
  const [, digits, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(typeof input === 'string' ? input.trim() : '') ?? [];
  if (digits === undefined) return kind;
  if (percent === '') return `${kind} (remove the quotes)`;
  const share = Number((Number(digits) / 100).toPrecision(12));
  return `${kind} (write ${share} for a share, ${digits} for a percentage)`;
}

/** Says which number a schema expects. */
function numberText({ format, minValue, maxValue }: Partial<z.ZodNumber>, input: unknown): string {
  const [least, most] = [minValue, maxValue].map((limit) =>
    limit == null || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? null : limit,
  );
  const isInfinite = input === Infinity || input === -Infinity;
  const kind = `${format === 'safeint' ? 'whole ' : isInfinite ? 'finite ' : ''}number`;
  if (least == null) return most == null ? kind : `${kind} of at most ${most}`;
  return most == null ? `${kind} of at least ${least}` : `${kind} from ${least} to ${most}`;
}

const missing = (what = ''): Explanation => ({ text: `is required${what}`, missing: true });

function listText(
  values: readonly unknown[],
  { input, path }: Pick<z.core.$ZodRawIssue, 'input' | 'path'>,
): Explanation {
  const words = values.map((value) =>
    typeof value === 'string' && /^[^\s,;"]+$/.test(value) ? value : (JSON.stringify(value) ?? String(value)),
  );
  const list = `${words.length === 1 ? '' : 'one of '}${words.join(', ')}`;
  if (input === undefined) return missing(`: ${list}`);
  const plain = `must be ${list}`;
  return { text: `${plain}${words.length === 1 ? '' : suggestion(input, words, path)}`, plain };
}

function unionText({
  input,
  errors,
  path,
  ...issue
}: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | Explanation {
  if (input === undefined) return missing();
  if (Array.isArray(issue.options))
    return listText(issue.options, { input: valueOf(input, issue.discriminator ?? ''), path });
  if (alternativeMeant(errors) !== undefined) return { text: 'fits none of the alternatives', inside: true };
  const alternatives = errors.flat().filter((one) => one.path.length === 0);
  const texts = alternatives.map((one) => factsOf(one).plain ?? one.message);
  const words = alternatives.flatMap((one) => (one.code === 'invalid_value' ? one.values.map(String) : []));
  return joined([...new Set(texts)]) + suggestion(input, words, path);
}

/** Joins what is acceptable: `must be text or a list`. */
const joined = (texts: readonly string[]): string =>
  texts.map((text, index) => (index === 0 ? text : text.replace(/^must be /, ''))).join(' or ');

function explainKeys({ keys, inst, path }: z.core.$ZodRawIssue<z.core.$ZodIssueUnrecognizedKeys>): Explanation {
  const { shape = {}, keyType } = inst as Partial<Pick<z.ZodObject, 'shape'> & Pick<z.ZodRecord<z.ZodEnum>, 'keyType'>>;
  const known = [...Object.keys(shape), ...(keyType?.options ?? []).map(String)];
  const keyTexts = keys.slice(0, PROBLEMS_MAX).map((key) => `${unknownText(key)}${suggestion(key, known, path)}`);
  return { text: keyTexts.join('; '), keyTexts };
}

const unknownText = (key: string): string => `unknown key ${shown(key)}`;

const SIZED: Readonly<Record<string, string>> = { string: 'character', array: 'item', set: 'item' };

function sizeText(
  { origin, exact, input }: Pick<z.core.$ZodIssueTooBig, 'origin' | 'exact' | 'input'>,
  limit: number | bigint,
  relation: string,
): string {
  const unit = SIZED[origin];
  if (unit === undefined) return `must be ${relation} ${limit}`;
  if (relation === 'at least' && limit === 1) return 'must not be empty';
  const { length } = input as { length?: number };
  const units = limit === 1 ? unit : `${unit}s`;
  return `must have ${exact === true ? 'exactly' : relation} ${limit} ${units}${length === undefined ? '' : `, not ${length}`}`;
}

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL, such as https://example.com',
  email: 'an email address',
  datetime: 'a time, such as 2026-11-30T12:00:00Z',
  date: 'a date, such as 2026-11-30',
  hostname: 'a host name',
  base64: 'base64',
};

function formatText(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string {
  const { format, prefix, suffix, includes, pattern } = issue as Partial<Record<string, string>>;
  if (format === 'starts_with') return `must start with ${prefix}`;
  if (format === 'ends_with') return `must end with ${suffix}`;
  if (format === 'includes') return `must contain ${includes}`;
  if (format === 'regex') return `must have the form ${pattern}`;
  return `must be ${FORMATS[format ?? ''] ?? `a valid ${format}`}`;
}

const isFarDown = (key: PropertyKey): boolean => typeof key === 'number' && key >= 100;

/** Returns the word that was probably meant. In a long list, only for the first items: each takes up to 0.1 ms. */
function suggestion(given: unknown, words: readonly string[], path: readonly PropertyKey[] = []): string {
  if (typeof given !== 'string' || given.length > NAME_MAX_CHARS || path.some(isFarDown)) return '';
  const text = didYouMean(given, words);
  return text === null ? '' : ` (${text})`;
}

const valueOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;

const shown = (name: string): string => JSON.stringify(truncated(name, NAME_MAX_CHARS));

/** Returns a name of a path. Names in maps, such as labels, can be any text. */
const nameText = (name: PropertyKey): string =>
  /^[\p{L}\p{N}_.-]{1,60}$/u.test(String(name)) ? String(name) : shown(String(name));
