import type { Slo } from '../../schemas/slo.ts';
import type { Problem } from '../runbooks/problem.ts';

/** Lines count from 1. */
export type Where = { file: string; line: number };

/** Something as it was read from a file. `at`: where the part at this path stands, or the deepest part before it. */
export type Written<T> = { value: T; at: (path: readonly PropertyKey[]) => Where };

/** A part of what was read. */
export const inside = <T>(written: Written<unknown>, path: readonly PropertyKey[], value: T): Written<T> => ({
  value,
  at: (rest) => written.at([...path, ...rest]),
});

/** An objective, and where its parts are written. */
export type WrittenSlo = {
  slo: Slo;
  name: Where;
  service: Where;
  environment: Where;
  window: Where;
  target: Where;
  /** Of `queriesOf` its indicator, in that order. */
  queries: readonly Where[];
};

export const wrong = (where: Where, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'error',
  message,
  suggestion,
});

/** Right, but hardly meant, or not as useful as it could be. */
export const doubtful = (where: Where, message: string, suggestion: string | null = null): Problem => ({
  ...where,
  level: 'warning',
  message,
  suggestion,
});
