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

/** What a version has beside its name, to tell it apart from others: its commit, its image, or its chart. */
export const REVISION = /\((?:([0-9a-f]{7,64})|(sha256:[0-9a-f]{7,64}|chart [\w.-]{1,32}))\)/i;

/**
 * A version that is told apart from others of the same name: `6.4 (3f2a91c)`, `stable (sha256:3f2a91c)`, `2.0 (chart 0.1.4)`. People
 * and CI systems also name images by their digest: `stable@sha256:3f2a…`.
 */
const TOLD_APART = new RegExp(`^(.+)(?: ${REVISION.source}|@(sha256:[0-9a-f]{64}))$`, 'is');

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
 * Returns the commit of a version, possibly shortened. Null: not known. A commit of a repository for deployments says nothing:
 * one version of the application has several of them, and those who name the version know the commit of the application.
 */
export const commitOf = (reference: VersionReference): string | null =>
  (isOfDeployRepository(reference) ? null : reference.commit) ?? partsOf(reference.version).commit;

/** Returns the name, and the commit or the artifact, that the text of a version has. */
export function partsOf(version: string): { name: string; commit: string | null; artifact: string | null } {
  const [, name = version, commit = null, shown, digest] = TOLD_APART.exec(version) ?? [];
  const artifact = shown ?? digest ?? null;
  return { name, commit, artifact: artifact && shownArtifact(artifact.toLowerCase()) };
}

/** Returns an artifact as it is shown: a digest is shortened. */
export const shownArtifact = (id: string): string =>
  id.startsWith('sha256:') ? id.slice(0, 'sha256:'.length + SHOWN_DIGITS) : id;

const artifactShownFor = ({ version, artifact }: VersionReference): string | null =>
  artifact === undefined ? partsOf(version).artifact : shownArtifact(artifact.id);

/** Returns whether it is known which commit or artifact a reference means. */
export const tellsRevision = (reference: VersionReference): boolean =>
  commitOf(reference) !== null || artifactShownFor(reference) !== null;

/** Compares names of versions as tools write them: `v42` is `42`. */
export const isSameName = (one: string, other: string): boolean => spelling(one) === spelling(other);

/** Returns the name as it is compared. */
export const spelling = (name: string): string => name.replace(/^v(?=\d)/i, '');

/** Returns whether a name is a commit, possibly abbreviated. Case does not count. */
export const isCommit = (name: string): boolean => /^[0-9a-f]{7,64}$/i.test(name);

/** A number, a date, or a version, possibly after a usual word: `7`, `2026-11-20`, `v2.4.1-rc.1`, `release-5`, `build42`. */
const NUMBERED =
  /^(?:(?:version|ver|v|release|rel|r|build|b|rc|main|master|trunk|develop)[-_./]?){0,3}\d+(?:t\d+z?)?(?:[-+._][0-9a-z]+)*$/i;
/** A version after any name: `orders-v2`, `orders-2.4`, `orders2.4`. Regions and products are none: `eu-west-1`, `ec2`, `node20`. */
const NAMED = /(?:[-_./](?:v\d+(?![a-z])|\d+[._]\d)|^[a-z]+\d+\.\d)/i;
/** Versions of platforms, languages, and systems, on which a service runs: `k8s-1.29`, `python3.11`. */
const OF_PLATFORM =
  /^(?:k8s|k3s|kubernetes|eks|gke|aks|openshift|helm|istio|terraform|docker|node(?:js)?|deno|bun|python|py|java|jdk|jre|kotlin|scala|go(?:lang)?|ruby|rails|php|dotnet|net|rust|elixir|erlang|postgres(?:ql)?|pg|mysql|mariadb|redis|mongo(?:db)?|kafka|nginx|linux|ubuntu|debian|alpine|amzn|rhel)[-_./]?v?\d/i;
/** A commit after any name, possibly as `git describe` writes it: `main-4ae0d6c`, `v1.2-3-g4ae0d6c`. */
const WITH_COMMIT = /[-_./+]g?(?=[a-f]*\d)[0-9a-f]{7,64}$/i;

/** A version of several numbers, possibly with `v`, or a number with `v`, with what follows: `v2`, `2.4.1-rc.1`. */
const STATED = /^(?:v\d+|\d+\.\d+)(?:[-+._][0-9a-z]+)*$/i;
/** A date, with what follows: `2026-11-20`, `20261120T0600Z`. */
const DATED = /^20\d\d-?[01]\d-?[0-3]\d(?:t\d+z?)?(?:[-+._][0-9a-z]+)*$/i;

/** Forms of a version, the clearest first: a number beside `v2.4.1` is that of a build, and a hash is its commit. */
const FORMS: readonly ((word: string) => boolean)[] = [
  (word) => STATED.test(word),
  (word) => DATED.test(word),
  (word) => !OF_PLATFORM.test(word) && [NUMBERED, NAMED, WITH_COMMIT].some((form) => form.test(word)),
  isCommit,
];

/**
 * Returns the words with the form of a version, or those with the clearest one, if they have several. A digit alone is no form, as in
 * `k8s`. Empty: none has one.
 */
export const clearestVersions = (words: readonly string[]): string[] =>
  FORMS.map((hasForm) => words.filter(hasForm)).find((found) => found.length > 0) ?? [];

/** Returns whether a word is clearly a version, and no number of a build, date, or commit. */
export const isStatedVersion = (word: string): boolean => STATED.test(word);

/** Names of tags of images, and of branches, that mean another version each day. */
const MOVING = /^(?:latest|stable|main|master|trunk|develop|head|edge|nightly|snapshot|current|rolling)$/i;

/** Returns whether a name does not tell versions apart, as `latest`. */
export const isMoving = (name: string): boolean => MOVING.test(name);

/** Returns whether two names are the same commit: either can be abbreviated to at least seven digits; case does not count. */
export function isSameCommit(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other]
    .map((name) => name.trim().toLowerCase())
    .toSorted((a, b) => a.length - b.length);
  if (short === '' || short === long) return short === long && short !== '';
  return isCommit(short) && isCommit(long) && long.startsWith(short);
}

/**
 * Returns whether two references mean the same version: the same name, unless their commits or artifacts are known to differ. A
 * branch, a tag that moves, or the version of the application in several charts is one name of several.
 */
export const isSameVersion = (one: VersionReference, other: VersionReference): boolean =>
  isSameName(nameOf(one), nameOf(other)) && !haveDifferentRevisions(one, other);

/** Returns whether two references are known to mean the same: with the same commit or artifact, or both with any. */
export const isSameReference = (one: VersionReference, other: VersionReference): boolean =>
  tellsRevision(one) === tellsRevision(other) && isSameVersion(one, other);

/** Returns whether the commits of two references are known to differ, or else their artifacts. */
export const haveDifferentRevisions = (one: VersionReference, other: VersionReference): boolean =>
  hasSameRevision(one, other) === false;

/**
 * Returns whether two references have the same commit, or else the same artifact. Null: not known. Artifacts of different senders
 * or objects cannot be compared: one names the digest of an image for all platforms, and another that of its own platform.
 */
export function hasSameRevision(one: VersionReference, other: VersionReference): boolean | null {
  const [commit, otherCommit] = [commitOf(one), commitOf(other)];
  if (commit !== null && otherCommit !== null) return isSameCommit(commit, otherCommit);
  const [artifact, otherArtifact] = [one.artifact, other.artifact];
  if (artifact !== undefined && otherArtifact !== undefined)
    return artifact.of === otherArtifact.of ? artifact.id === otherArtifact.id : null;
  const [shown, otherShown] = [artifactShownFor(one), artifactShownFor(other)];
  return shown === null || otherShown === null ? null : shown === otherShown;
}
