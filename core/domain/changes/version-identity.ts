import type { Change } from '../../../schemas/changes/change.ts';
import type { Version } from '../../../schemas/config/names.ts';

/**
 * What identifies a version: the name that the deploying system uses, and the commit or the artifact, if it is known.
 * `reported_version`: the name, if `version` is not that name itself. The other fields of a change tell whether its commit is
 * one of the application.
 */
export type VersionReference = {
  version: string;
  reported_version?: string | undefined;
  commit?: string | null | undefined;
} & Partial<Pick<Change, 'reported_by' | 'deploy_commit' | 'artifact'>>;

/** A version that is told apart from others of the same name: `6.4 (3f2a91c)`, `stable (sha256:3f2a91c)`, `2.0 (0.1.4)`. */
const WITH_REVISION = /^(.+) \(((?:sha256:)?[0-9a-f]{7,64}|v?\d+\.\d+\.\d+[\w.+-]*)\)$/is;

/** Digits of a commit that are shown, as by `git log --abbrev-commit`. */
export const SHOWN_DIGITS = 7;

/** Returns the name that the deploying system uses for a version. */
export const nameOf = ({ version, reported_version: reported }: VersionReference): Version =>
  (reported ?? partsOf(version).name) as Version;

/** Systems that apply a repository for deployments, whose commits are not those of the application. */
const APPLIES_REPOSITORY: ReadonlySet<string | undefined> = new Set(['argo-cd', 'flux']);

/** Returns whether a system applies a repository for deployments, so that its commits are those of this repository. */
export const appliesRepository = (reportedBy: string | undefined): boolean => APPLIES_REPOSITORY.has(reportedBy);

/** Returns whether the commit of a change is one of a repository for deployments. */
export const isOfDeployRepository = ({ commit, reported_by: by, deploy_commit: applied }: VersionReference): boolean =>
  applied === undefined ? appliesRepository(by) : applied === commit;

/**
 * Returns what a version consists of, whatever its name: its commit, or else its artifact, possibly shortened. Null: not known. A
 * commit of a repository for deployments says nothing: one version of the application has several of them, and those who name
 * the version know the commit of the application.
 */
export const revisionOf = (reference: VersionReference): string | null =>
  reportedRevision(reference) ?? partsOf(reference.version).revision;

/** Returns the revision beside the text of the version. */
export const reportedRevision = (reference: VersionReference): string | null =>
  (isOfDeployRepository(reference) ? null : reference.commit) ?? reference.artifact ?? null;

/** Returns the name and the revision that the text of a version has. */
export function partsOf(version: string): { name: string; revision: string | null } {
  const [, name, revision] = WITH_REVISION.exec(version) ?? [];
  return name === undefined || revision === undefined ? { name: version, revision: null } : { name, revision };
}

/** Returns a revision as it is shown: commits and digests are shortened. */
export const shownRevision = (revision: string): string =>
  isCommit(digitsOf(revision))
    ? revision.slice(0, revision.length - digitsOf(revision).length + SHOWN_DIGITS).toLowerCase()
    : revision;

const digitsOf = (revision: string): string => revision.replace(/^sha256:/i, '');

/** Compares names of versions as tools write them: `v42` is `42`. */
export const isSameName = (one: string, other: string): boolean => spelling(one) === spelling(other);

/** Returns the name as it is compared. */
export const spelling = (name: string): string => name.replace(/^v(?=\d)/i, '');

/** Returns whether a name is a commit, possibly abbreviated. Case does not count. */
export const isCommit = (name: string): boolean => /^[0-9a-f]{7,64}$/i.test(name);

/** Returns whether two names are the same commit: either can be abbreviated to at least seven digits; case does not count. */
export function isSameCommit(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other]
    .map((name) => name.trim().toLowerCase())
    .toSorted((a, b) => a.length - b.length);
  if (short === '' || short === long) return short === long && short !== '';
  return isCommit(short) && isCommit(long) && long.startsWith(short);
}

/**
 * Returns whether two references mean the same version: the same name, unless their revisions are known to differ. A branch, a
 * tag that moves, or the version of the application in several charts is one name of several revisions.
 */
export const isSameVersion = (one: VersionReference, other: VersionReference): boolean =>
  isSameName(nameOf(one), nameOf(other)) && !haveDifferentRevisions(one, other);

/** Returns whether two references are known to mean the same: with the same revision, or both with any. */
export function isSameReference(one: VersionReference, other: VersionReference): boolean {
  const isAny = [one, other].map((reference) => revisionOf(reference) === null);
  return isAny[0] === isAny[1] && isSameVersion(one, other);
}

/** Returns whether the revisions of two references are known to differ. A commit says nothing about an artifact. */
export function haveDifferentRevisions(one: VersionReference, other: VersionReference): boolean {
  const [revision, otherRevision] = [revisionOf(one), revisionOf(other)];
  if (revision === null || otherRevision === null || isCommit(revision) !== isCommit(otherRevision)) return false;
  return !isSameRevision(revision, otherRevision);
}

/** Returns whether two revisions are the same: commits and digests can be shortened. */
export const isSameRevision = (one: string, other: string): boolean =>
  isCommit(one) === isCommit(other) && isSameCommit(digitsOf(one), digitsOf(other));
