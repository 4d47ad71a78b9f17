import { AHEAD_MAX_SECONDS, type Change } from '../schemas/change.ts';
import type { Version } from '../schemas/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../schemas/time.ts';

/** A version counts as known good once it was live for this long by its own times. */
export const GOOD_AFTER_SECONDS = 30 * 60;

/** Kinds by which a version comes to run. A flag or a migration changes production, but not what version runs. */
const PUTS_A_VERSION_LIVE: ReadonlySet<string> = new Set(['deploy', 'rollback', 'hotfix']);

export const putsVersionLive = (change: Pick<Change, 'kind'>): boolean => PUTS_A_VERSION_LIVE.has(change.kind);

/** What begins after this is told by a clock that is wrong, and counts for nothing until that time has come. */
export const aheadFrom = (now: Timestamp): Timestamp => plusSeconds(now, AHEAD_MAX_SECONDS);

/** It is told to begin later than clocks differ. Such records are refused, and older ones are left out of what is read. */
export const isAhead = ({ started_at }: Pick<Change, 'started_at'>, now: Timestamp): boolean =>
  started_at > aheadFrom(now);

/** The newest record by which a version runs or is about to run. Failed and cancelled ones put nothing live. */
export const liveChange = (changes: readonly Change[]): Change | undefined => liveChanges(changes).at(-1);

/**
 * What has been put live since `version` was last begun, if anything has: then that is what runs. A deploy that failed
 * put nothing live, and what runs since is not known; the version before it is no newer one.
 */
export function shippedSince(changes: readonly Change[], version: Version): Change | undefined {
  const live = liveChange(changes);
  if (live === undefined || live.version === version) return undefined;
  const own = changes
    .filter((change) => putsVersionLive(change) && change.version === version)
    .toSorted(byStart)
    .at(-1);
  return own === undefined || byStart(live, own) > 0 ? live : undefined;
}

/** Where a rollback may go, or why nowhere. `undoes`: every change that it would take back with it, oldest first. */
export type RollbackTarget =
  | { kind: 'version'; version: Version; undoes: readonly Change[] }
  | { kind: 'none_known_good' }
  /** The newest good one is older than what `by` says is still safe. */
  | { kind: 'unsafe'; version: Version; by: Change };

/**
 * Where a rollback of `suspect` may go: the newest version known good before it. Known good means recorded as
 * succeeded, live for 30 minutes before the next one replaced it, never rolled back, not pinned, and not the suspect's
 * own. From what a rollback has brought back it goes further back. It must not be older than any change that it would undo allows by `rollback_safe_to`.
 *
 * @param pinned versions known bad
 */
export function rollbackTarget(
  changes: readonly Change[],
  suspect: Change,
  pinned: readonly string[] = [],
): RollbackTarget {
  const live = liveChanges(changes);
  const bad = new Set<string>(pinned);
  for (const change of changes) if (change.rolled_back_by !== null) bad.add(change.version);
  const first = broughtBackFrom(live, suspect);
  if (first === undefined) return { kind: 'none_known_good' };
  const before = live.filter((change) => change.started_at < first.started_at && change.id !== suspect.id);
  const good = before
    .filter(
      (change, index) =>
        change.status === 'succeeded' && liveFor(change, before[index + 1] ?? first) >= GOOD_AFTER_SECONDS,
    )
    .findLast((change) => change.version !== suspect.version && !bad.has(change.version));
  return good === undefined ? { kind: 'none_known_good' } : wayBack(changes, good);
}

/**
 * What a rollback runs was put live by an earlier change: what came between the two is newer, and no way back.
 * Undefined: that one is not recorded, so it is older than all that is.
 *
 * @param live oldest first
 */
export const broughtBackFrom = (live: readonly Change[], change: Change): Change | undefined =>
  change.kind === 'rollback'
    ? live.findLast(
        (one) => one.kind !== 'rollback' && one.version === change.version && one.started_at < change.started_at,
      )
    : change;

/** Back to what this change has put live, unless something that it would undo says that so far back is not safe. */
export function wayBack(
  changes: readonly Change[],
  good: Change,
): Exclude<RollbackTarget, { kind: 'none_known_good' }> {
  const undoes = changes
    .filter((change) => change.status !== 'cancelled' && byStart(change, good) > 0)
    .toSorted(byStart);
  const live = liveChanges(changes);
  const by = undoes.find((change) => !isSafe(good, change, live));
  return by === undefined
    ? { kind: 'version', version: good.version, undoes }
    : { kind: 'unsafe', version: good.version, by };
}

/** Whether `good` is what `undone` says is still safe, or was put live after that. What is not recorded is older. */
function isSafe(good: Change, undone: Change, live: readonly Change[]): boolean {
  const floor = undone.rollback_safe_to;
  if (floor === null || good.version === floor) return true;
  const allowed = live.find((change) => change.version === floor);
  return allowed !== undefined && byStart(good, allowed) > 0;
}

/** The records by which versions came to run, oldest first. */
export const liveChanges = (changes: readonly Change[]): Change[] =>
  changes
    .filter((change) => putsVersionLive(change) && (change.status === 'succeeded' || change.status === 'started'))
    .toSorted(byStart);

/** In the order in which they began. Of changes that began together one is always the later, whichever it is. */
export const byStart = (a: Change, b: Change): number =>
  a.started_at === b.started_at ? (a.id < b.id ? -1 : Number(a.id > b.id)) : a.started_at < b.started_at ? -1 : 1;

/** Seconds from its end to the beginning of what replaced it. */
export const liveFor = (change: Change, next: Change): number => secondsBetween(endOf(change), next.started_at);

/** When it ended, as far as that was told: from then on its version was live, or it had failed. */
export const endOf = (change: Change): Timestamp => change.finished_at ?? change.started_at;
