import type { Change } from '../../../schemas/changes/change.ts';
import { NAME_MAX_CHARS, type Version } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  commitOf,
  hasSameRevision,
  haveDifferentRevisions,
  isCommit,
  isOfDeployRepository,
  isSameCommit,
  isSameName,
  isSameVersion,
  partsOf,
  SHOWN_DIGITS,
  shownArtifact,
  spelling,
  tellsRevision,
  type VersionReference,
} from './version-identity.ts';
import { byStart, putsVersionLive, sameVersion } from './versions.ts';

/**
 * Returns the changes with the versions by which they are compared and shown. Names that differ only in a leading `v` are one
 * version, written as at first, and so are a name and its commit, which another system uses instead. A name that was seen with
 * several commits or artifacts is a branch, or a tag that moves: then each of them is a version of its own, `6.4 (3f2a91c)`. The
 * name that the deploying system uses stays in `reported_version`.
 *
 * @param changes changes of one service and environment
 * @param stays versions that have a revision in their text keep it, although no other one is among the changes
 */
export function withIdentities(changes: readonly Change[], { stays }: { stays: boolean }): Change[] {
  const live = changes.filter(putsVersionLive);
  const names = namesOfCommits(live);
  const groups = Map.groupBy(live, (change) => spelling(names.get(change.id) ?? reportedName(change)));
  const identified = new Map<string, Change>();
  for (const alike of groups.values()) {
    const named = alike.filter(({ id }) => !names.has(id));
    const [first] = (named.length > 0 ? named : alike).toSorted(byStart);
    if (first === undefined) continue;
    const name = first.reported_version === undefined ? first.version : partsOf(first.version).name;
    const hasSeveral = isBranch(alike) || (stays && alike.some(isToldApart));
    for (const change of alike) identified.set(change.id, withIdentity(change, name, hasSeveral));
  }
  return changes.map((change) => identified.get(change.id) ?? change);
}

/**
 * Returns the names of versions that their senders call by the commit, by the ID of the change: the only other name with which this
 * commit was deployed.
 */
function namesOfCommits(live: readonly Change[]): Map<string, Version> {
  const [called, named] = [live.filter(isNamedByCommit), live.filter((change) => !isNamedByCommit(change))];
  const deployed = called.length === 0 ? [] : named.filter(tellsCommit);
  return new Map(
    called.flatMap((change): [string, Version][] => {
      const alike = deployed.filter(({ commit }) => commit !== null && isSameCommit(commit, reportedName(change)));
      const [name, another] = new Set(alike.map(reportedName));
      return name === undefined || another !== undefined ? [] : [[change.id, name]];
    }),
  );
}

const isNamedByCommit = (change: Change): boolean => isCommit(reportedName(change));

/** Returns whether a name was seen with several revisions. @param alike changes with this name */
function isBranch(alike: readonly Change[]): boolean {
  const telling = alike.filter(tellsCommit);
  return telling.some((one) => telling.some((other) => haveDifferentRevisions(one, other)));
}

/**
 * Returns whether the commit of a change belongs to its name. A rollback from another name can be reported with the commit of its
 * own run, or of a revert.
 */
const tellsCommit = (change: Change): boolean =>
  change.kind !== 'rollback' ||
  (change.previous_version !== null && isSameName(partsOf(change.previous_version).name, reportedName(change)));

/** Returns whether a version has its revision in its text, because its name was seen with several. */
const isToldApart = ({ version, reported_version: reported }: Change): boolean =>
  reported !== undefined && partsOf(version).name !== version;

/** Returns the changes whose versions depend on the name of a change: those with this name, and those with a name of these. */
export function withOneName(changes: readonly Change[], change: Change): Change[] {
  const near = [change, ...changes.filter((other) => haveOneName(other, change))];
  return changes.filter((other) => near.some((one) => haveOneName(other, one)));
}

/** Returns whether two changes have one name, possibly in two spellings, or one has the commit of the other as its name. */
const haveOneName = (one: Change, other: Change): boolean =>
  isSameName(reportedName(one), reportedName(other)) ||
  [
    [one, other],
    [other, one],
  ].some(([named, called]) => named?.commit != null && called && isSameCommit(named.commit, reportedName(called)));

/** Returns whether its sender calls a version by the commit, and others have a name for it. */
const isCalledByCommit = (change: Change): boolean => change.reported_version !== undefined && isNamedByCommit(change);

/** Returns what the deploying system calls the version. */
export const reportedName = ({ version, reported_version: reported }: Change): Version => reported ?? version;

function withIdentity(change: Change, name: string, hasSeveral: boolean): Change {
  const suffix = hasSeveral ? suffixOf(change) : '';
  const version = `${name.slice(0, NAME_MAX_CHARS - suffix.length)}${suffix}` as Version;
  if (version === change.version) return change;
  return { ...change, version, reported_version: reportedName(change) };
}

/** Returns what tells a version apart. The artifact was known first, and stays in the text when the commit is reported, too. */
function suffixOf(change: Change): string {
  if (change.artifact !== undefined) return ` (${shownArtifact(change.artifact.id)})`;
  const commit = isOfDeployRepository(change) ? null : change.commit;
  const shown = commit ?? (isCalledByCommit(change) ? reportedName(change) : null);
  return shown === null ? '' : ` (${shown.slice(0, SHOWN_DIGITS).toLowerCase()})`;
}

/** Returns the newest change of a version, preferably one whose commit is that of the version. */
export function newestOf(changes: readonly Change[], version: string | null): Change | undefined {
  const alike = changes.filter((change) => change.version === version);
  return alike.findLast(tellsCommit) ?? alike.at(-1);
}

/**
 * Returns the newest change of a version as its deploying system reported it: others can write its name and commit otherwise. If
 * that system has reported none, the newest one of any.
 *
 * @param system kind of the deployer. Undefined: there is none
 */
export const newestReportedBy = (
  changes: readonly Change[],
  version: string | null,
  system: string | undefined,
): Change | undefined =>
  newestOf(
    changes.filter(({ reported_by: by }) => by !== undefined && by === system),
    version,
  ) ??
  newestOf(
    changes.filter((change) => !isCalledByCommit(change)),
    version,
  ) ??
  newestOf(changes, version);

/**
 * Returns the recorded versions that a name can mean, such as one that a person or a CD system sends: the version with this
 * text, those with this name, and the commit if it is given, or those of this commit.
 *
 * @param changes changes of one service and environment
 */
export function versionsNamed(changes: readonly Change[], name: string, commit: string | null = null): Version[] {
  const live = changes.filter(putsVersionLive);
  const reference = { version: name, commit };
  const versions = (some: readonly Change[]): Version[] => [...new Set(some.map(({ version }) => version))];
  const exact = commit === null ? live.find(({ version }) => version === name) : undefined;
  if (exact !== undefined) return [exact.version];
  const found = versions(live.filter((change) => isSameVersion(change, reference)));
  if (found.length > 0 || !isCommit(name)) return found;
  // A commit names one of several versions of a branch.
  return versions(
    live.filter((change) => change.reported_version !== undefined && isSameCommit(commitOf(change) ?? '', name)),
  );
}

/** Returns the only recorded version that a name can mean. Otherwise the name itself. */
export function versionNamed(changes: readonly Change[], name: string, commit: string | null = null): string {
  const [found, another] = versionsNamed(changes, name, commit);
  return found !== undefined && another === undefined ? found : name;
}

/**
 * Returns a version as the changes name it now: since it was stored, its name can have been seen with another commit, and then
 * the versions of both have their commits.
 *
 * @param commit as its deployer knows it
 */
export function currentVersion(changes: readonly Change[], version: Version, commit: string | null): Version {
  const ofCommit = changes.findLast(
    (change) =>
      putsVersionLive(change) &&
      commit !== null &&
      isSameName(reportedName(change), partsOf(version).name) &&
      [change.commit, change.deploy_commit].includes(commit),
  );
  if (ofCommit !== undefined) return ofCommit.version;
  const isText = changes.some((change) => change.version === version);
  return isText ? version : (versionNamed(changes, version, commit) as Version);
}

/**
 * Returns whether a change has brought a version, as far as its report tells: systems report the name of a branch without a
 * commit.
 *
 * @param options.byName its commit can be another one, such as that of a revert
 */
export const bringsVersion = (change: Change, version: Version, { byName }: { byName: boolean }): boolean =>
  change.version === version ||
  (byName ? isSameName(reportedName(change), partsOf(version).name) : isSameVersion(change, { version }));

/**
 * Returns the newest deploy under the name of a version, if the name means another revision since then: a rollback moves neither a
 * branch nor a tag. If the name was seen with several revisions, one that is not known can be any. Undefined: the name still
 * means the version.
 *
 * @param change the newest one of the version
 */
export function nameMovedTo(changes: readonly Change[], change: Change): Change | undefined {
  const alike = changes.filter(
    (other) => putsVersionLive(other) && isSameName(reportedName(other), reportedName(change)),
  );
  const newest = alike
    .filter(({ kind }) => kind !== 'rollback')
    .toSorted(byStart)
    .at(-1);
  if (newest === undefined || newest.id === change.id) return undefined;
  if (!isBranch(alike) && !alike.some(isToldApart)) return undefined;
  return hasSameRevision(change, newest) === true ? undefined : newest;
}

/** Says that the name of a version means another commit now, or possibly so, as a clause. @param moved the newest change of the name */
export function movedText(change: Change, moved: Change): string {
  const [commit, artifact] = [commitOf(moved), moved.artifact];
  const meaning =
    commit !== null
      ? `the commit ${commit.slice(0, SHOWN_DIGITS)}`
      : artifact === undefined
        ? 'a commit that is not known'
        : `the ${artifact.id.startsWith('chart') ? '' : 'digest '}${shownArtifact(artifact.id)}`;
  return !tellsRevision(change)
    ? `${change.version} was deployed with several commits, and which of them is to be restored is not known; the name now means ${meaning}`
    : `the deploying system knows ${change.version} as ${reportedName(change)}, which now means ${meaning}`;
}

/**
 * Returns why the deploying system could restore another commit than that of a version, as a clause. Null: the system knows the
 * version by its name.
 *
 * @param options.namesOnly the system knows no commits, and chooses one by itself if several have the name
 */
export function whyNameUnclear(
  changes: readonly Change[],
  version: Version,
  { namesOnly }: { namesOnly: boolean },
): string | null {
  const change = newestOf(changes, version);
  if (change === undefined) return null;
  const moved = nameMovedTo(changes, change);
  if (moved !== undefined) return movedText(change, moved);
  return namesOnly && isToldApart(change)
    ? `the deploying system knows ${version} only as ${reportedName(change)}, which was deployed with several commits`
    : null;
}

/**
 * Returns whether a change has a version that a report calls by this name, such as the previous version of another one. A commit
 * can be abbreviated.
 */
export const isCalled = (change: Change, name: string | null): boolean =>
  name !== null && (sameVersion(change.version, name) || sameVersion(reportedName(change), name));

type PinnedVersion = VersionReference & { pinned_at?: Timestamp; incident_id?: string | null };

/**
 * Returns a pin with its commit. Pins of earlier releases have none: then it is that of the version that their incident rolled back,
 * or else of the version that ran until then.
 */
export function withPinnedCommit<P extends PinnedVersion>(pin: P, changes: readonly Change[]): P {
  if (commitOf(pin) !== null) return pin;
  const { pinned_at: at, incident_id: incident = null } = pin;
  const ran = changes
    // A rollback to another commit of the same name restored what is not pinned.
    .filter((change) => putsVersionLive(change) && change.kind !== 'rollback' && isSameVersion(pin, change))
    .filter(({ started_at }) => at !== undefined && started_at <= at)
    .filter(({ status, rolled_back_by: by }) => status === 'succeeded' || status === 'started' || by !== null)
    .toSorted(byStart);
  const pinned = ran.findLast(({ rolled_back_by: by }) => incident !== null && by === incident) ?? ran.at(-1);
  const commit = pinned && commitOf(pinned);
  return commit == null ? pin : { ...pin, commit };
}

/** Returns the pinned versions, as the changes write them. A pin whose commit is not known pins every commit of its name. */
export const pinnedVersions = (pins: readonly PinnedVersion[], changes: readonly Change[]): string[] => [
  ...new Set(
    pins.flatMap((pin) => {
      const reference = withPinnedCommit(pin, changes);
      const found = changes.filter((change) => putsVersionLive(change) && isSameVersion(reference, change));
      return found.length === 0 ? [pin.version] : found.map(({ version }) => version);
    }),
  ),
];
