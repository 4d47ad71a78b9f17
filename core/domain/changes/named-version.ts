import type { Change } from '../../../schemas/changes/change.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { list, formatDuration } from '../correlation/words.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { editDistance } from '../../../schemas/parsing/similar-names.ts';
import { newestReportedBy, reportedName, versionsNamed, whyNameUnclear } from './identified-versions.ts';
import { isSameName, isSameVersion } from './version-identity.ts';
import {
  restoredChange,
  byStart,
  endOf,
  GOOD_AFTER_SECONDS,
  liveChanges,
  secondsLive,
  migrationsIn,
  putsVersionLive,
  type RollbackTarget,
  rollbackTo,
} from './versions.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Whether a rollback to a version named by a person is possible, or why not. */
export type NamedTarget =
  | Exclude<RollbackTarget, { kind: 'none_known_good' }>
  /** It is the current version. */
  | { kind: 'runs'; version: Version }
  /** No deployment of it is recorded; `known`: recorded versions, most similar first. */
  | { kind: 'unknown'; version: Version; known: readonly Version[] }
  /** Several recorded versions have this name or commit; `among`: the newest first. */
  | { kind: 'several'; version: Version; among: readonly Version[] }
  /** No deployment of it succeeded. */
  | { kind: 'never_ran'; version: Version }
  /** It is pinned as known bad. */
  | { kind: 'pinned'; version: Version }
  /** The deploying system cannot tell it from the version that it would replace. `why`: as a clause. */
  | { kind: 'indistinct'; version: Version; why: string };

/**
 * Evaluates a rollback of the current version to a version named by a person. People may know better than the records
 * which version was good, so it need not have run for a minimum time; a known bad version, or one that is no longer
 * safe, is refused nevertheless.
 *
 * @param live current version
 * @param pinned known bad versions
 */
export function namedTarget(
  changes: readonly Change[],
  live: Change,
  named: Version,
  pinned: readonly string[] = [],
): NamedTarget {
  const [version = named, ...others] = versionsNamed(changes, named);
  if (others.length > 0) return { kind: 'several', version: named, among: [version, ...others].toReversed() };
  if (version === live.version) return { kind: 'runs', version };
  const records = changes.filter((change) => putsVersionLive(change) && change.version === version);
  if (records.length === 0) return { kind: 'unknown', version, known: mostSimilarVersions(version, changes, live) };
  if (pinned.includes(version)) return { kind: 'pinned', version };
  const lastRunChange = lastRun(changes, version);
  return lastRunChange === undefined ? { kind: 'never_ran', version } : rollbackTo(changes, lastRunChange);
}

const lastRun = (changes: readonly Change[], version: Version): Change | undefined =>
  liveChanges(changes).findLast((change) => change.version === version && change.status === 'succeeded');

/** Maximum number of known versions to suggest for an unknown name. */
const SUGGESTIONS_MAX = 4;

/** Returns the most similar rollback targets; the newer one first in case of a tie. */
function mostSimilarVersions(version: string, changes: readonly Change[], live: Change): Version[] {
  const newestFirst = liveChanges(changes)
    .filter((change) => change.status === 'succeeded' && change.version !== live.version)
    .map((change) => change.version)
    .toReversed();
  return [...new Set(newestFirst)]
    .map((known) => ({ known, distance: editDistance(version.toLowerCase(), known.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ known }) => known);
}

/**
 * Returns the target, unless the deploying system could not tell its version from the one that it replaces.
 *
 * @param options.namesOnly the deploying system knows no commits
 */
export function distinctTarget(
  target: RollbackTarget | NamedTarget,
  { changes, from, namesOnly }: { changes: readonly Change[]; from: Change; namesOnly: boolean },
): RollbackTarget | NamedTarget {
  if (target.kind !== 'version') return target;
  const why = whyAlike(changes, { from: from.version, to: target.version, namesOnly });
  return why === null ? target : { kind: 'indistinct', version: target.version, why };
}

function whyAlike(
  changes: readonly Change[],
  { from, to, namesOnly }: { from: Version; to: Version; namesOnly: boolean },
): string | null {
  const [running, restored] = [from, to].map((version) => newestReportedBy(changes, version, undefined));
  if (!running || !restored || !isSameName(reportedName(running), reportedName(restored))) return null;
  const name = reportedName(restored);
  if (namesOnly)
    return `the CD system knows ${from} and ${to} only as ${name}, so it could only restart the running version; if it restores versions by their commits, set \`commits: true\` in the deployer`;
  const hasCommit = (version: Version): boolean =>
    changes.some(
      (change) => change.version === version && (change.commit !== null || change.deploy_commit !== undefined),
    );
  return hasCommit(from) && hasCommit(to)
    ? null
    : `the target knows ${from} and ${to} as ${name}, and their commits are not known, so a rollback could change nothing`;
}

/** Explains why the rollback is not possible, as a sentence without its end. */
export function whyNotTo(
  target: Exclude<NamedTarget, { kind: 'version' }>,
  { service, environment }: ServiceEnvironment,
): string {
  const { version } = target;
  const serviceText = `${service} in ${environment}`;
  switch (target.kind) {
    case 'runs':
      return `${version} is already running for ${serviceText}`;
    case 'unknown':
      return target.known.length === 0
        ? `no recent deployment of ${version} for ${serviceText} is recorded, and no other version is available for a rollback`
        : `no recent deployment of ${version} for ${serviceText} is recorded; available versions: ${target.known.join(', ')}`;
    case 'several':
      return `${version} means several versions of ${serviceText}: name one of ${target.among.join(', ')}`;
    case 'never_ran':
      return `no deployment of ${version} for ${serviceText} has succeeded, so it has never run there`;
    case 'pinned':
      return `${version} is pinned as known bad for ${serviceText}; if it is good after all, lift the pin first: firebreak pins list, firebreak pins lift ID`;
    case 'indistinct':
      return target.why;
    case 'unsafe':
      return `${safeLimitText(target.by)}, and ${version} is older`;
  }
}

/**
 * Effect of a rollback to a version on the current one. `alreadyUndone`: changes that an earlier rollback undid; their data
 * may remain.
 */
export type RollbackEffect = {
  direction: 'back' | 'forward';
  undoes: readonly Change[];
  alreadyUndone: readonly Change[];
};

/** @param undoes all changes that were put live since that version */
export function effectOfRollback(changes: readonly Change[], live: Change, undoes: readonly Change[]): RollbackEffect {
  if (live.kind !== 'rollback') return { direction: 'back', undoes: undoes, alreadyUndone: [] };
  const restored = restoredChange(liveChanges(changes), live);
  const others = undoes.filter(({ id }) => id !== live.id);
  const undone = restored === undefined ? [] : others.filter((change) => byStart(change, restored) <= 0);
  return {
    direction: undone.length === 0 ? 'forward' : 'back',
    undoes: undone,
    alreadyUndone: others.filter((change) => !undone.includes(change)),
  };
}

/** Facts that a person should know before a rollback to a version, each as a sentence without its end. */
export type VersionFacts = {
  /** When it last ran, and for how long. */
  ran: string;
  /** Concerns and unknowns, the most serious first. */
  doubts: string[];
  /** Statements about how far back a rollback is safe, where this one is within the limit. */
  safe: string[];
  /** Why the deploying system could restore another commit, which is one of the doubts. Null: it could not. */
  unclear: string | null;
};

/**
 * Returns the recorded facts about a rollback target. Undefined: it never ran.
 * @param chosen default target if no version is named; null: none
 * @param undoes changes that the rollback would undo
 * @param live current version
 * @param namesOnly the deployer knows no commits
 */
export function versionFacts(
  changes: readonly Change[],
  version: Version,
  {
    chosen,
    undoes,
    live,
    namesOnly,
  }: { chosen: Version | null; undoes: readonly Change[]; live: Change; namesOnly: boolean },
): VersionFacts | undefined {
  const lastRunChange = lastRun(changes, version);
  if (lastRunChange === undefined) return undefined;
  const next = liveChanges(changes).find((change) => byStart(change, lastRunChange) > 0);
  const seconds = next === undefined ? null : Math.max(0, secondsLive(lastRunChange, next));
  const wasRolledBack = changes.some((change) => change.version === version && change.rolled_back_by !== null);
  const unclear = whyNameUnclear(changes, version, { namesOnly });
  const isBrief = seconds !== null && seconds < GOOD_AFTER_SECONDS;
  const until =
    next === undefined || seconds === null ? '' : ` until ${minuteText(next.started_at)}, for ${durationText(seconds)}`;
  return {
    ran: `${version} last ran from ${minuteText(endOf(lastRunChange))}${until}${wasRolledBack || isBrief ? '' : ', without known problems'}`,
    doubts: [
      ...(effectOfRollback(changes, live, undoes).direction === 'forward'
        ? [`${version} is newer than ${live.version}, which is running after a rollback, so this is a roll-forward`]
        : []),
      ...(unclear === null ? [] : [unclear]),
      ...(wasRolledBack ? [`${version} was already rolled back as bad`] : []),
      ...migrationTexts(undoes),
      ...(isBrief ? [`${version} ran too briefly to be known to be good`] : []),
      ...(chosen !== null && chosen !== version ? [`the newest version known to be good is ${chosen}`] : []),
    ],
    unclear,
    safe: undoes
      .filter((change) => change.rollback_safe_to !== null)
      .map(
        (change) =>
          `${safeLimitText(change)}${change.rollback_safe_to !== null && isSameVersion({ version }, { version: change.rollback_safe_to }) ? '' : `, and ${version} is newer`}`,
      ),
  };
}

/** Says what is known about the migrations in the changes that a rollback undoes. Empty: they have none. */
export function migrationTexts(undoes: readonly Change[]): string[] {
  const { known, unknown } = migrationsIn(undoes);
  const names = (migrations: readonly Change[]): string =>
    list([...new Set(migrations.map((change) => change.version))]);
  const haveMigrations = (migrations: readonly Change[]): string =>
    migrations.length === 1 ? 'has a migration' : 'have migrations';
  return [
    ...(known.length === 0
      ? []
      : [`${names(known)} ${haveMigrations(known)}, so the old version may not work with the migrated data`]),
    ...(unknown.length === 0 ? [] : [`it is unknown whether ${names(unknown)} ${haveMigrations(unknown)}`]),
  ];
}

/** Says how far a change can be rolled back, as a clause. Its `rollback_safe_to` must not be null. */
export const safeLimitText = ({ version, rollback_safe_to: oldestSafe }: Change): string =>
  `${version} can be rolled back no further than ${oldestSafe}`;

const HOUR_SECONDS = 3600;

const durationText = (seconds: number): string =>
  seconds < 2 * HOUR_SECONDS
    ? formatDuration(seconds)
    : seconds < 48 * HOUR_SECONDS
      ? `${Math.round(seconds / HOUR_SECONDS)} hours`
      : `${Math.round(seconds / (24 * HOUR_SECONDS))} days`;
