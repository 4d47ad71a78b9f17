/** Commit hash, abbreviated or full. Shorter abbreviations are ambiguous. */
const SHORT_OR_FULL = /^[0-9a-f]{7,64}$/;

/** Full SHA-1 or SHA-256 hash. */
const FULL = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Returns whether two names refer to the same commit. Either may be abbreviated to at least seven digits; case is
 * ignored.
 */
export function isSameCommit(commit: string, otherCommit: string): boolean {
  const [short = '', long = ''] = [commit, otherCommit]
    .map((name) => name.trim().toLowerCase())
    .toSorted((a, b) => a.length - b.length);
  if (short === '' || short === long) return short === long && short !== '';
  return SHORT_OR_FULL.test(short) && SHORT_OR_FULL.test(long) && long.startsWith(short);
}

/** Returns whether a name refers to this version: exactly, or, if the version is a commit, as a commit. */
export const isVersionNamed = (version: string, name: string): boolean =>
  name === version || (FULL.test(version.toLowerCase()) && isSameCommit(name, version));
