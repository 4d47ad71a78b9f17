import type { Problem } from '../../../../core/domain/lint/problem.ts';
import { warningAt, type Located, errorAt } from '../../../../core/domain/lint/source-locations.ts';

export type Path = readonly (string | number)[];

/** Reasons why fields are not carried over, keyed by path without list indices: `slos.alerting`. */
export type Reasons = Readonly<Record<string, readonly [message: string, suggestion: string | null]>>;

/**
 * A document of another tool, read field by field. Unread fields are reported at the end, so that nothing is dropped
 * silently.
 */
export type Fields = {
  /** Reads a string. Undefined: absent, or not a string, which is reported. */
  text: (...path: Path) => string | undefined;
  number: (...path: Path) => number | undefined;
  /** Reports a missing value. */
  required: <T>(value: T | undefined, ...path: Path) => T | undefined;
  /** Reads a map of strings, such as labels. */
  texts: (...path: Path) => Record<string, string>;
  /** Returns the length of a list. */
  count: (...path: Path) => number;
  has: (...path: Path) => boolean;
  /** Marks a field as read, so that it is not reported. */
  ignore: (...path: Path) => void;
  error: (path: Path, message: string, suggestion?: string) => undefined;
  warning: (path: Path, message: string, suggestion?: string) => undefined;
  problems: (reasons: Reasons) => Problem[];
};

export function fieldsOf({ value, at }: Located<unknown>): Fields {
  const read = new Set<string>();
  const problems: Problem[] = [];
  const error = (path: Path, message: string, suggestion?: string): undefined => {
    problems.push(errorAt(at(path), message, suggestion ?? null));
  };
  const valueOf = (path: Path): unknown => valueAt(value, path) ?? undefined;
  const typed = <T>(path: Path, is: (given: unknown) => given is T, what: string): T | undefined => {
    const given = valueOf(path);
    if (given === undefined || is(given)) return given;
    read.add(keyOf(path));
    return error(path, `${path.join('.')}: ${JSON.stringify(given).slice(0, 80)} is not a ${what}`);
  };
  const leaf = <T>(path: Path, is: (given: unknown) => given is T, what: string): T | undefined => {
    read.add(keyOf(path));
    return typed(path, is, what);
  };
  const text = (...path: Path) => leaf(path, (given) => typeof given === 'string', 'text');
  return {
    text,
    number: (...path) => leaf(path, (given) => typeof given === 'number', 'number'),
    required: (given, ...path) =>
      given ?? (valueOf(path) === undefined ? error(path, `"${path.join('.')}" is missing`) : undefined),
    texts: (...path) => {
      const names = Object.keys(typed(path, isMap, 'map of names and texts') ?? {});
      return Object.fromEntries(
        names.flatMap((name) => {
          const item = text(...path, name);
          return item === undefined ? [] : [[name, item]];
        }),
      );
    },
    count: (...path) => typed(path, (given) => Array.isArray(given), 'list')?.length ?? 0,
    has: (...path) => valueOf(path) !== undefined,
    ignore: (...path) => void read.add(keyOf(path)),
    error,
    warning: (path, message, suggestion) => void problems.push(warningAt(at(path), message, suggestion ?? null)),
    problems: (reasons) => [
      ...problems,
      ...unread(value, [], read).map((path) => {
        const names = path.filter((step) => typeof step === 'string').join('.');
        const [message, suggestion] = reasons[names] ?? ['Firebreak has no equivalent', null];
        return warningAt(at(path), `${path.join('.')} is not imported: ${message}`, suggestion);
      }),
    ],
  };
}

const keyOf = (path: Path): string => JSON.stringify(path.map(String));

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<PropertyKey, unknown>)[key];
  }
  return inner;
}

/** Returns the topmost fields of which no part was read. Empty fields are skipped. */
function unread(value: unknown, path: Path, read: ReadonlySet<string>): Path[] {
  if (read.has(keyOf(path)) || isEmpty(value)) return [];
  const below = `${keyOf(path).slice(0, -1)},`;
  const partly = path.length === 0 || [...read].some((key) => key.startsWith(below));
  if (!partly) return [path];
  if (Array.isArray(value)) return value.flatMap((child: unknown, index) => unread(child, [...path, index], read));
  return Object.entries(value as object).flatMap(([key, child]) => unread(child, [...path, key], read));
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
