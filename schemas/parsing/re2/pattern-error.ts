/** Thrown for a regular expression that Go refuses, or that is too large. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}
