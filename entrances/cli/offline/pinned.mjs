/** Matches a version or commit against pinned versions, by the same rules as Firebreak itself. */

/** A full or abbreviated commit. Shorter abbreviations are ambiguous. */
const COMMIT = /^[0-9a-f]{7,64}$/;

/** A full commit hash: SHA-1 or SHA-256. */
const FULL_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Returns whether a version or commit is pinned.
 *
 * @param {string} name a version or a commit
 * @param {{ versions: readonly string[], commits: readonly { commit: string }[] }} pinned
 */
export const isPinnedAs = (name, { versions, commits }) =>
  versions.some(
    (version) => name === version || (FULL_COMMIT.test(version.toLowerCase()) && isSameCommit(name, version)),
  ) || commits.some(({ commit }) => isSameCommit(name, commit));

/**
 * Compares commits. Either can be abbreviated to at least seven digits; case does not count.
 *
 * @param {string} one @param {string} other
 */
export function isSameCommit(one, other) {
  const [short = '', long = ''] = [one, other]
    .map((name) => name.trim().toLowerCase())
    .sort((a, b) => a.length - b.length);
  if (short === '' || short === long) return short === long && short !== '';
  return COMMIT.test(short) && COMMIT.test(long) && long.startsWith(short);
}
