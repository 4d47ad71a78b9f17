/** Matches a version or commit against pinned versions, by the same rules as Firebreak itself. */

/** A full or abbreviated commit. Shorter abbreviations are ambiguous. */
const COMMIT = /^[0-9a-f]{7,64}$/;

/** A full commit hash: SHA-1 or SHA-256. */
const FULL_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** A version that is told apart from others of the same name by its commit: `6.4 (3f2a91c)`. */
const WITH_COMMIT = /^(.+) \(([0-9a-f]{7,64})\)$/is;

/** @param {string} version @returns {{ name: string, commit: string | undefined }} */
export function partsOf(version) {
  const [, name = version, commit] = WITH_COMMIT.exec(version) ?? [];
  return { name, commit };
}

/** Compares names of versions: `v42` is `42`. @param {string} one @param {string} other */
export const isSameVersionName = (one, other) => spelling(one) === spelling(other);

/** @param {string} name */
const spelling = (name) => name.replace(/^v(?=\d)/i, '');

/**
 * Returns whether a version is a pinned one: the same name, unless both commits are known and differ.
 *
 * @param {{ version: string, commit?: string | undefined }} requested
 * @param {{ version: string, commit: string | null }} pin
 */
export function isPinned(requested, pin) {
  const [asked, known] = [partsOf(requested.version), partsOf(pin.version)];
  if (!isSameVersionName(asked.name, known.name)) return false;
  const [commit, pinned] = [requested.commit ?? asked.commit, pin.commit ?? known.commit];
  return commit === undefined || pinned === undefined || isSameCommit(commit, pinned);
}

/**
 * Returns whether a name other than that of the version, such as a commit, is pinned.
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
