import type { RollbackRequest } from '../../domain/targets.ts';

/** The two versions of a rollback, under all of their names. */
export type Names = Pick<RollbackRequest, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/**
 * Which of the two versions the texts are about: the first that names exactly one of them decides. Undefined: none does,
 * or both are in all that names one.
 */
export function whichOf(texts: readonly (string | undefined)[], names: Names): 'from' | 'to' | undefined {
  for (const text of texts) {
    if (text === undefined) continue;
    const which =
      exactlyOne(says(text, names.from), says(text, names.to)) ??
      exactlyOne(saysCommit(text, names.fromCommit), saysCommit(text, names.toCommit));
    if (which !== undefined) return which;
  }
  return undefined;
}

const exactlyOne = (from: boolean, to: boolean): 'from' | 'to' | undefined =>
  from === to ? undefined : from ? 'from' : 'to';

/**
 * Whether a text names a version as a whole word: letters, digits, `_`, `-`, `+` and a `.` inside are parts of words, so
 * that `1.2` is not found in `1.2.3`, nor `v4` in `v4-rc1`. A version that is a commit is also found shortened.
 */
export const says = (text: string, version: string): boolean =>
  new RegExp(`(?<![\\w+-]|\\w\\.)${RegExp.escape(version)}(?![\\w+-]|\\.\\w)`, 'u').test(text) ||
  saysCommit(text, isCommit(version) ? version : null);

/** Shorter ones are too often something else. */
const COMMIT_MIN_CHARS = 7;

const isCommit = (text: string): boolean => /^[0-9a-f]{7,40}$/.test(text);

/** Whether a text names a commit, in full or shortened to at least seven characters, between any other characters. */
function saysCommit(text: string, commit: string | null): boolean {
  if (commit === null || commit.length < COMMIT_MIN_CHARS) return false;
  const words = text.toLowerCase().match(/[0-9a-z]+/g) ?? [];
  const whole = commit.toLowerCase();
  return words.some((word) => isCommit(word) && (whole.startsWith(word) || word.startsWith(whole)));
}
