import type { RollbackCall } from '../../core/domain/rollback/targets.ts';

/** The two versions of a rollback and their commits. */
export type Names = Pick<RollbackCall, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/**
 * Returns which of the two versions the texts name. The first text that names exactly one of them decides. Undefined if
 * no text does.
 */
export function whichOf(texts: readonly (string | undefined)[], names: Names): 'from' | 'to' | undefined {
  for (const text of texts) {
    if (text === undefined) continue;
    const which =
      exactlyOne(mentions(text, names.from), mentions(text, names.to)) ??
      exactlyOne(mentionsCommit(text, names.fromCommit), mentionsCommit(text, names.toCommit));
    if (which !== undefined) return which;
  }
  return undefined;
}

const exactlyOne = (from: boolean, to: boolean): 'from' | 'to' | undefined =>
  from === to ? undefined : from ? 'from' : 'to';

/**
 * Returns whether a text contains a version as a whole word. Letters, digits, `_`, `-`, `+`, and an inner `.` are parts
 * of words, so `1.2` doesn't match `1.2.3`, nor `v4` `v4-rc1`. A version that is a commit also matches in abbreviated
 * form.
 */
export const mentions = (text: string, version: string): boolean =>
  new RegExp(`(?<![\\w+-]|\\w\\.)${RegExp.escape(version)}(?![\\w+-]|\\.\\w)`, 'u').test(text) ||
  mentionsCommit(text, isCommit(version) ? version : null);

/** Shorter hexadecimal words are too often something else. */
const COMMIT_MIN_CHARS = 7;

const isCommit = (text: string): boolean => /^[0-9a-f]{7,40}$/.test(text);

/**
 * Returns whether a text contains a commit, in full or abbreviated to at least 7 characters, between any other
 * characters.
 */
function mentionsCommit(text: string, commit: string | null): boolean {
  if (commit === null || commit.length < COMMIT_MIN_CHARS) return false;
  const words = text.toLowerCase().match(/[0-9a-z]+/g) ?? [];
  const full = commit.toLowerCase();
  return words.some((word) => isCommit(word) && (full.startsWith(word) || word.startsWith(full)));
}
