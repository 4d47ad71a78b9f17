/** A regular expression that Go would refuse, or that is too large. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}
