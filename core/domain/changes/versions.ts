import { AHEAD_MAX_SECONDS, type Change, type ChangePatch, STEPS_MAX } from '../../../schemas/changes/change.ts';
import type { Pin, PinView } from '../../../schemas/changes/pin.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { isCommit, isSameName, isSameVersion, nameOf, partsOf } from './version-identity.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

/** Minimum time in seconds, by recorded times, that a known good version was live. */
export const GOOD_AFTER_SECONDS = 30 * 60;

/** The same of a version that a person can choose: most errors of a deploy would have shown. */
const SEEN_AFTER_SECONDS = 120;

/** Kinds that put a version live. A flag or a migration changes production, but not the running version. */
const PUTS_A_VERSION_LIVE: Readonly<Record<Change['kind'], boolean>> = {
  deploy: true,
  rollback: true,
  hotfix: true,
  flag: false,
  config: false,
  migration: false,
  infrastructure: false,
  experiment: false,
};

export const putsVersionLive = (change: Pick<Change, 'kind'>): boolean => PUTS_A_VERSION_LIVE[change.kind];

/** Returns whether a change that started after `change` succeeded and put a version live, or is of the same kind. */
export const succeededSince = (change: Change, recent: readonly Change[]): boolean =>
  recent.some(
    (other) =>
      other.status === 'succeeded' &&
      (putsVersionLive(other) || other.kind === change.kind) &&
      byStart(other, change) > 0,
  );

/** Returns the latest start time that clock differences can explain. Changes with a later start are ignored for now. */
export const latestPlausibleStart = (now: Timestamp): Timestamp => plusSeconds(now, AHEAD_MAX_SECONDS);

/**
 * Returns whether the recorded start is further in the future than clock differences explain. Such records are
 * rejected, and older ones are ignored when read.
 */
export const startsTooFarAhead = ({ started_at }: Pick<Change, 'started_at'>, now: Timestamp): boolean =>
  started_at > latestPlausibleStart(now);

/**
 * Returns a time of a change as it can have been: at the latest when it was reported. A clock that is ahead would
 * otherwise put the change after later ones, and after the problems that it causes.
 */
export const notAhead = (at: Timestamp, now: Timestamp): Timestamp =>
  at > now && at <= latestPlausibleStart(now) ? now : at;

/**
 * Returns the newest record of a version that is live or rolling out. Failed and cancelled changes put nothing live.
 */
export const newestLiveChange = (changes: readonly Change[]): Change | undefined => liveChanges(changes).at(-1);

/**
 * Returns the change that put another version live after `version`, or undefined if there is none. Also undefined if
 * the newest change of `version` failed or was cancelled after the last successful change: nothing newer is live then.
 */
export function newerLiveChange(changes: readonly Change[], version: Version): Change | undefined {
  const live = newestLiveChange(changes);
  if (live === undefined || live.version === version) return undefined;
  const newestOfVersion = changes
    .filter((change) => putsVersionLive(change) && change.version === version)
    .toSorted(byStart)
    .at(-1);
  return newestOfVersion === undefined || byStart(live, newestOfVersion) > 0 ? live : undefined;
}

/** Target of a rollback, or the reason why there is none. `undoes`: all changes that it would undo, oldest first. */
export type RollbackTarget =
  | { kind: 'version'; version: Version; undoes: readonly Change[] }
  | { kind: 'none_known_good' }
  /** The newest good version is older than `rollback_safe_to` of the change `by`, which the rollback would undo. */
  | { kind: 'unsafe'; version: Version; by: Change };

/** The reason of `none_known_good`. */
export const NONE_KNOWN_GOOD =
  'no earlier version is known to be good: succeeded, live for 30 minutes, never rolled back, and not pinned';

/**
 * Returns the target for a rollback of `suspect`: the newest known good version before it. It must not be older than
 * `rollback_safe_to` of any undone change.
 *
 * @param pinned known bad versions
 */
export function rollbackTarget(
  changes: readonly Change[],
  suspect: Change,
  pinned: readonly string[] = [],
): RollbackTarget {
  const knownGood = knownGoodBefore(changes, suspect, pinned).at(-1);
  return knownGood === undefined ? { kind: 'none_known_good' } : rollbackTo(changes, knownGood);
}

/**
 * Returns the changes that put a known good version live before `suspect`, oldest first. Known good means recorded as
 * succeeded, live for 30 minutes before its successor, never rolled back, not pinned, and not the suspect's own
 * version. After an earlier rollback, the search continues from the change that it restored.
 *
 * @param pinned known bad versions
 */
export function knownGoodBefore(changes: readonly Change[], suspect: Change, pinned: readonly string[]): Change[] {
  const live = liveChanges(changes);
  const badVersions = new Set<string>(pinned);
  for (const change of changes) if (change.rolled_back_by !== null) badVersions.add(change.version);
  const restored = restoredChange(live, suspect);
  if (restored === undefined) return [];
  const earlier = live.filter((change) => byStart(change, restored) < 0 && change.id !== suspect.id);
  return earlier.filter(
    (change, index) =>
      change.status === 'succeeded' &&
      secondsLive(change, earlier[index + 1] ?? restored) >= GOOD_AFTER_SECONDS &&
      change.version !== suspect.version &&
      !badVersions.has(change.version),
  );
}

/**
 * Returns the change whose version `suspect` replaced, if that is newer than the target of the rollback only because it was not live for
 * long enough to be known good, and a rollback to it is safe. Undefined: there is none.
 *
 * @param pinned known bad versions
 */
export function skippedFor(
  changes: readonly Change[],
  suspect: Change,
  { version: target }: Pick<Change, 'version'>,
  pinned: readonly string[],
): Change | undefined {
  const before = liveChanges(changes).findLast((change) => byStart(change, suspect) < 0);
  return before !== undefined &&
    before.status === 'succeeded' &&
    suspect.kind !== 'rollback' &&
    secondsLive(before, suspect) >= SEEN_AFTER_SECONDS &&
    secondsLive(before, suspect) < GOOD_AFTER_SECONDS &&
    ![target, suspect.version, ...pinned].includes(before.version) &&
    !changes.some(({ version, rolled_back_by: undone }) => undone !== null && version === before.version) &&
    rollbackTo(changes, before).kind === 'version'
    ? before
    : undefined;
}

/**
 * Returns, for a rollback, the earlier change whose version it restored; otherwise the change itself. Undefined: the
 * earlier change is not recorded, so it is older than all recorded changes.
 *
 * @param live changes that put versions live, oldest first
 */
export function restoredChange(live: readonly Change[], change: Change): Change | undefined {
  if (change.kind !== 'rollback') return change;
  const earlier = live.filter((other) => other.kind !== 'rollback' && byStart(other, change) < 0);
  const { previous_version: removed } = change;
  return (
    earlier.findLast(({ version }) => version === change.version) ??
    // The commit of a revert is not that of the version that it restores.
    earlier.findLast(
      (other) =>
        other.rolled_back_by === null &&
        isSameName(nameOf(other), nameOf(change)) &&
        !(removed !== null && isSameVersion(other, { version: removed })),
    )
  );
}

/** Returns whether a rollback to the version of this change is safe for all changes that it undoes. */
export function rollbackTo(
  changes: readonly Change[],
  knownGood: Change,
): Exclude<RollbackTarget, { kind: 'none_known_good' }> {
  const undoes = changes
    .filter((change) => change.status !== 'cancelled' && byStart(change, knownGood) > 0)
    .toSorted(byStart);
  const live = liveChanges(changes);
  const forbiddingChange = undoes.find((change) => !isSafe(knownGood, change, live));
  return forbiddingChange === undefined
    ? { kind: 'version', version: knownGood.version, undoes }
    : { kind: 'unsafe', version: knownGood.version, by: forbiddingChange };
}

/**
 * Returns whether `good` is the safe version of `undone`, or was put live after it. An unrecorded version counts as
 * older. The name of a branch means the commit that was its newest before `undone`.
 */
function isSafe(knownGood: Change, undone: Change, live: readonly Change[]): boolean {
  const safeVersion = undone.rollback_safe_to;
  if (safeVersion === null || sameVersion(knownGood.version, safeVersion)) return true;
  const safeChange =
    live.find((change) => sameVersion(change.version, safeVersion)) ??
    live.findLast((change) => byStart(change, undone) < 0 && isSameVersion(change, { version: safeVersion }));
  if (safeChange === undefined) return false;
  return knownGood.version === safeChange.version || byStart(knownGood, safeChange) > 0;
}

/** Returns the records that put versions live, oldest first. */
export const liveChanges = (changes: readonly Change[]): Change[] =>
  changes
    .filter((change) => putsVersionLive(change) && (change.status === 'succeeded' || change.status === 'started'))
    .toSorted(byStart);

/** Compares by start time. Of equal starts, what ended last is the last, or is in progress, or was recorded last. */
export const byStart = (a: Change, b: Change): number =>
  order(a.started_at, b.started_at) ||
  order(a.finished_at ?? IN_PROGRESS, b.finished_at ?? IN_PROGRESS) ||
  order(a.recorded_at, b.recorded_at) ||
  order(a.id, b.id);

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Sorts after all times. */
const IN_PROGRESS = '~';

/** Returns the seconds from the end of a change to the start of its successor. */
export const secondsLive = (change: Change, next: Change): number => secondsBetween(endOf(change), next.started_at);

/** Returns the recorded end: from then on the version was live, or the change had failed. */
export const endOf = (change: Change): Timestamp => change.finished_at ?? change.started_at;

/**
 * Returns from when on a change can take effect, of the time after `since`: from its start, or from its end if it began before.
 * Null: it had ended by then.
 */
export const effectSince = (change: Change, since: Timestamp): Timestamp | null =>
  [change.started_at, endOf(change)].find((at) => at > since) ?? null;

/**
 * Returns the changes with a migration, and those without that information. A change that names its safe version
 * (`rollback_safe_to`) has considered migrations.
 */
export function migrationsIn(undoes: readonly Change[]): { known: Change[]; unknown: Change[] } {
  const unassessed = undoes.filter((change) => change.rollback_safe_to === null && change.kind !== 'rollback');
  return {
    known: unassessed.filter((change) => change.has_migration === true || change.kind === 'migration'),
    unknown: unassessed.filter((change) => putsVersionLive(change) && change.has_migration === null),
  };
}

/**
 * Returns a pin with its state. Only a person ends a pin: a newer version says nothing about the pinned one, and can be
 * as bad. Pipelines can report a rollback as an ordinary deployment, so a rollback is also recognized by its version.
 *
 * @param live change that brought the running version, if known
 */
export function pinView(pin: Pin, live: Change | undefined): PinView {
  const isNewer =
    live !== undefined &&
    live.kind !== 'rollback' &&
    !isSameVersion(live, pin) &&
    !(pin.rolled_back_to !== undefined && isSameVersion(live, { version: pin.rolled_back_to })) &&
    live.started_at > pin.pinned_at &&
    // A change reported with a future start says nothing about the order.
    !startsTooFarAhead(live, live.recorded_at);
  return { ...pin, state: pin.lifted_at === null ? 'pinned' : 'lifted', newer_version: isNewer ? live.version : null };
}

/**
 * Applies a report about a change. A change that ends without a reported end time ends now.
 *
 * @returns `ended` if the change has already ended, but the report says that it is in progress
 */
export function patchedChange(change: Change, patch: ChangePatch, now: Timestamp): Change | 'ended' {
  if (patch.status === 'started' && change.status !== 'started') return 'ended';
  const reported = Object.fromEntries(
    Object.entries(patch).filter(([, value]) => value !== undefined),
  ) as Partial<Change>;
  const next = { ...change, ...reported, ...withStep(change, patch, now) };
  if (next.finished_at !== null && next.finished_at !== change.finished_at)
    next.finished_at = notAhead(next.finished_at, now);
  const needsEnd = next.status !== 'started' && next.finished_at === null;
  const end = next.started_at > now ? next.started_at : now;
  return { ...next, commits: next.commits ?? [], finished_at: needsEnd ? end : next.finished_at };
}

/** Adds the step of a canary whose share has changed, or has become known. */
function withStep(
  { canary_weight: before, canary_steps: steps, started_at, status: was }: Change,
  { canary_weight: weight, status = was }: ChangePatch,
  now: Timestamp,
): Pick<Change, 'canary_steps'> {
  if (weight == null || weight === before) return {};
  // Reported together with the end, the share is one that the canary had earlier.
  if (before === null && status !== 'started') return {};
  const known = steps ?? (before === null ? [] : [{ at: started_at, weight: before }]);
  return { canary_steps: [...known, { at: now, weight }].slice(-STEPS_MAX) };
}

/**
 * Compares versions as tools write them: without a leading `v` (`v42`, `42`), and a commit in full, shortened, or as the
 * tag `sha-4c1f0d9`. A version with its commit, `6.4 (3f2a91c)`, is the same as this commit, and not as its name, which means
 * other commits as well.
 */
export function sameVersion(a: string, b: string): boolean {
  const [one, other] = [withoutPrefix(a), withoutPrefix(b)];
  return (
    one === other || isShortened(one, other) || isShortened(other, one) || hasCommit(a, other) || hasCommit(b, one)
  );
}

const hasCommit = (version: string, digits: string): boolean => {
  const { commit } = partsOf(version);
  return commit !== null && isCommit(digits) && digits.toLowerCase().startsWith(commit.toLowerCase());
};

const withoutPrefix = (version: string): string => version.replace(/^(?:v(?=\d)|sha-(?=[0-9a-f]{7,40}$))/i, '');

const FULL_COMMIT = /^[0-9a-f]{40}$/i;
const SHORT_COMMIT = /^[0-9a-f]{7,39}$/i;

const isShortened = (short: string, full: string): boolean =>
  FULL_COMMIT.test(full) && SHORT_COMMIT.test(short) && full.toLowerCase().startsWith(short.toLowerCase());
