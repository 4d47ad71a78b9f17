import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { showsCommit, shownCommits } from '../shared/shown-commits.ts';

/** The two versions of a rollback and their commits. */
export type Names = Pick<RollbackCall, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/**
 * Returns which of the two versions the texts of a version name. A commit decides before a name, because several commits can have
 * the same name: texts that show another commit than the known one of a version do not name it. Otherwise, the first text that
 * names exactly one of them decides. Undefined if no text does.
 */
export function whichOf(texts: readonly (string | undefined)[], names: Names): 'from' | 'to' | undefined {
  const known = texts.filter((text) => text !== undefined);
  const byCommit = firstOf(known, (text) =>
    exactlyOne(showsCommit(text, names.fromCommit), showsCommit(text, names.toCommit)),
  );
  if (byCommit !== undefined) return byCommit;
  const byName = firstOf(known, (text) => exactlyOne(mentions(text, names.from), mentions(text, names.to)));
  if (byName === undefined) return undefined;
  const commit = byName === 'from' ? names.fromCommit : names.toCommit;
  const isOther =
    commit !== null && !known.some((text) => showsCommit(text, commit)) && commitsIn(known, names).length > 0;
  return isOther ? undefined : byName;
}

/** Returns the commits that the texts of a version show, besides those in the names of the versions. */
export const commitsIn = (texts: readonly string[], { from, to }: Names): string[] => shownCommits(texts, [from, to]);

function firstOf<T>(texts: readonly string[], decide: (text: string) => T | undefined): T | undefined {
  for (const text of texts) {
    const decided = decide(text);
    if (decided !== undefined) return decided;
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
  showsCommit(text, isCommit(version) ? version : null);

const isCommit = (text: string): boolean => /^[0-9a-f]{7,40}$/.test(text);
