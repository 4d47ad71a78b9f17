/** Shorter hexadecimal words are too often something else. */
const COMMIT_MIN_CHARS = 7;

const COMMIT = /^[0-9a-f]{7,64}$/;

/** Texts that have hexadecimal words, but no commits. */
const OTHER_HEXADECIMAL = /sha256:[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Returns the words that can be commits, also with the prefix `g` of `git describe`. */
const hexadecimalWords = (text: string): string[] =>
  (
    text
      .toLowerCase()
      .replaceAll(OTHER_HEXADECIMAL, ' ')
      .match(/[0-9a-z]+/g) ?? []
  )
    .map((word) => word.replace(/^g(?=[0-9a-f]{7})/, ''))
    .filter((word) => COMMIT.test(word));

/** Returns whether a text contains a commit, in full or abbreviated to at least 7 digits, between any other characters. */
export function showsCommit(text: string, commit: string | null): boolean {
  if (commit === null || commit.length < COMMIT_MIN_CHARS) return false;
  const full = commit.toLowerCase();
  return hexadecimalWords(text).some((word) => full.startsWith(word) || word.startsWith(full));
}

/**
 * Returns the commits that the texts of a version show, such as the tag of its image, besides those in the names of versions. A
 * short word is a commit if it has letters and digits: others are dates, build numbers, or words.
 */
export function shownCommits(texts: readonly string[], names: readonly string[]): string[] {
  const inNames = new Set(names.flatMap(hexadecimalWords));
  return texts
    .flatMap(hexadecimalWords)
    .filter((word) => !inNames.has(word) && (word.length >= 40 || (/[a-f]/.test(word) && /\d/.test(word))));
}

/** Returns whether versions of the same name show commits that differ. @param shown the commits that each of them shows */
export const showDifferentCommits = (shown: readonly (readonly string[])[]): boolean => {
  const [first, ...others] = shown.flatMap(([commit]) => commit ?? []);
  return first !== undefined && others.some((commit) => !commit.startsWith(first) && !first.startsWith(commit));
};

/** Says why a version is not chosen by its name. */
export const severalCommits = (name: string): string =>
  `${name} was deployed with several commits, and which of them is to be restored is not known`;
