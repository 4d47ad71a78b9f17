import type { Slo } from '../../schemas/slo/slo.ts';
import type { Problem } from '../runbooks/problem.ts';

/** Location in a file. Lines count from 1. */
export type Where = { file: string; line: number };

/** A value read from a file. `at` returns the location of a path, or of its deepest existing parent. */
export type Written<T> = { value: T; at: (path: readonly PropertyKey[]) => Where };

/** Returns a part of a value, with its locations. */
export const inside = <T>(written: Written<unknown>, path: readonly PropertyKey[], value: T): Written<T> => ({
  value,
  at: (rest) => written.at([...path, ...rest]),
});

/** An objective with the locations of its parts. */
export type WrittenSlo = {
  slo: Slo;
  name: Where;
  service: Where;
  environment: Where;
  window: Where;
  target: Where;
  /** Locations of the indicator's queries, in the order of `queriesOf`. */
  queries: readonly Where[];
};

export const wrong = (where: Where, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'error',
  message,
  suggestion,
});

/** Builds a warning: valid, but probably not intended, or not as useful as it could be. */
export const doubtful = (where: Where, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'warning',
  message,
  suggestion,
});
