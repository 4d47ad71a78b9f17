import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Problem } from './problem.ts';

/** Location in a file. Lines count from 1. */
export type SourceLocation = { file: string; line: number };

/** Locates a part of a file, or its closest existing parent. */
export type Locate = (path: readonly PropertyKey[]) => SourceLocation;

/** A valid file of the configuration. */
export type LintedFile = {
  locate: Locate;
  /** Returns whether it has something at a path. */
  has(path: readonly PropertyKey[]): boolean;
  now: Timestamp;
};

/** A value read from a file. `at` returns the location of a path, or of its deepest existing parent. */
export type Located<T> = { value: T; at: (path: readonly PropertyKey[]) => SourceLocation };

/** Returns a part of a value, with its locations. */
export const locatedPart = <T>(source: Located<unknown>, path: readonly PropertyKey[], value: T): Located<T> => ({
  value,
  at: (rest) => source.at([...path, ...rest]),
});

/** Builds an error: the objective can't be used. */
export const errorAt = (where: SourceLocation, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'error',
  message,
  suggestion,
});

/** Builds a warning: valid, but probably not intended, or not as useful as it could be. */
export const warningAt = (where: SourceLocation, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'warning',
  message,
  suggestion,
});
