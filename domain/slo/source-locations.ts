import type { Slo } from '../../schemas/slo/slo.ts';
import type { Problem } from '../runbooks/problem.ts';

/** Location in a file. Lines count from 1. */
export type SourceLocation = { file: string; line: number };

/** A value read from a file. `at` returns the location of a path, or of its deepest existing parent. */
export type Located<T> = { value: T; at: (path: readonly PropertyKey[]) => SourceLocation };

/** Returns a part of a value, with its locations. */
export const locatedPart = <T>(source: Located<unknown>, path: readonly PropertyKey[], value: T): Located<T> => ({
  value,
  at: (rest) => source.at([...path, ...rest]),
});

/** An objective with the locations of its parts. */
export type LocatedSlo = {
  slo: Slo;
  name: SourceLocation;
  service: SourceLocation;
  environment: SourceLocation;
  window: SourceLocation;
  target: SourceLocation;
  /** Locations of the indicator's queries, in the order of `queriesOf`. */
  queries: readonly SourceLocation[];
};

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
