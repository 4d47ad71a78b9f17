/** What is shorter could be of many commits. */
const SHORT_OR_FULL = /^[0-9a-f]{7,64}$/;

/** SHA-1, or SHA-256. */
const FULL = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether two names are of the same commit: either may be shortened, to seven digits at least, and case does not count. */
export function isSameCommit(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other]
    .map((name) => name.trim().toLowerCase())
    .toSorted((a, b) => a.length - b.length);
  if (short === '' || short === long) return short === long && short !== '';
  return SHORT_OR_FULL.test(short) && SHORT_OR_FULL.test(long) && long.startsWith(short);
}

/** Whether a name is of this version: to the letter, or, where the version is a commit, as a commit. */
export const isVersionNamed = (version: string, name: string): boolean =>
  name === version || (FULL.test(version.toLowerCase()) && isSameCommit(name, version));
