import { AHEAD_MAX_SECONDS, type Change, type ChangePatch } from '../../schemas/changes/change.ts';
import type { Pin, PinView } from '../../schemas/changes/pin.ts';
import type { Version } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';

/** Minimum time in seconds, by recorded times, that a known good version was live. */
export const GOOD_AFTER_SECONDS = 30 * 60;

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

/** Returns the time from which on a recorded start is ignored as a clock error until that time has come. */
export const aheadFrom = (now: Timestamp): Timestamp => plusSeconds(now, AHEAD_MAX_SECONDS);

/**
 * Returns whether the recorded start is further in the future than clock differences explain. Such records are
 * rejected, and older ones are ignored when read.
 */
export const isAhead = ({ started_at }: Pick<Change, 'started_at'>, now: Timestamp): boolean =>
  started_at > aheadFrom(now);

/**
 * Returns the newest record of a version that is live or rolling out. Failed and cancelled changes put nothing live.
 */
export const liveChange = (changes: readonly Change[]): Change | undefined => liveChanges(changes).at(-1);

/**
 * Returns the change that put another version live after `version`, if any: that version is running. A failed deploy
 * put nothing live, so the running version is unknown; the version before it does not count as newer.
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

/** Target of a rollback, or the reason why there is none. `undoes`: all changes that it would undo, oldest first. */
export type RollbackTarget =
  | { kind: 'version'; version: Version; undoes: readonly Change[] }
  | { kind: 'none_known_good' }
  /** The newest good version is older than the safe version of `by`. */
  | { kind: 'unsafe'; version: Version; by: Change };

/**
 * Returns the target for a rollback of `suspect`: the newest known good version before it. Known good means recorded as
 * succeeded, live for 30 minutes before its successor, never rolled back, not pinned, and not the suspect's own
 * version. After an earlier rollback, the search continues from the change that it restored. The target must not be
 * older than `rollback_safe_to` of any undone change.
 *
 * @param pinned known bad versions
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
  return good === undefined ? { kind: 'none_known_good' } : rollbackTo(changes, good);
}

/**
 * Returns the earlier change whose version a rollback restored: changes between the two are newer and not valid
 * targets. Undefined: it is not recorded, so it is older than all recorded changes.
 *
 * @param live oldest first
 */
export const broughtBackFrom = (live: readonly Change[], change: Change): Change | undefined =>
  change.kind === 'rollback'
    ? live.findLast(
        (one) => one.kind !== 'rollback' && one.version === change.version && one.started_at < change.started_at,
      )
    : change;

/** Evaluates a rollback to the version of this change, unless an undone change declares that it is not safe. */
export function rollbackTo(
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

/**
 * Returns whether `good` is the safe version of `undone`, or was put live after it. An unrecorded version counts as
 * older.
 */
function isSafe(good: Change, undone: Change, live: readonly Change[]): boolean {
  const floor = undone.rollback_safe_to;
  if (floor === null || good.version === floor) return true;
  const allowed = live.find((change) => change.version === floor);
  return allowed !== undefined && byStart(good, allowed) > 0;
}

/** Returns the records that put versions live, oldest first. */
export const liveChanges = (changes: readonly Change[]): Change[] =>
  changes
    .filter((change) => putsVersionLive(change) && (change.status === 'succeeded' || change.status === 'started'))
    .toSorted(byStart);

/** Compares by start time, with a stable order for equal starts. */
export const byStart = (a: Change, b: Change): number =>
  a.started_at === b.started_at ? (a.id < b.id ? -1 : Number(a.id > b.id)) : a.started_at < b.started_at ? -1 : 1;

/** Returns the seconds from its end to the start of its successor. */
export const liveFor = (change: Change, next: Change): number => secondsBetween(endOf(change), next.started_at);

/** Returns the recorded end: from then on the version was live, or the change had failed. */
export const endOf = (change: Change): Timestamp => change.finished_at ?? change.started_at;

/**
 * Returns the changes with a migration, and those without that information. A change that names its safe version
 * (`rollback_safe_to`) has considered migrations.
 */
export function migrationsIn(undoes: readonly Change[]): { known: Change[]; unknown: Change[] } {
  const open = undoes.filter((change) => change.rollback_safe_to === null && change.kind !== 'rollback');
  return {
    known: open.filter((change) => change.has_migration === true || change.kind === 'migration'),
    unknown: open.filter((change) => putsVersionLive(change) && change.has_migration === null),
  };
}

/**
 * Returns a pin with its state. It is superseded while a newer version runs that was deployed after the pin; when that
 * is rolled back, the pin is active again. Pipelines report a rollback like any deployment, so it is recognized by its
 * version.
 *
 * @param live change that brought the running version, if known
 */
export function pinView(pin: Pin, live: Change | undefined): PinView {
  const newer =
    live !== undefined &&
    live.kind !== 'rollback' &&
    live.version !== pin.version &&
    live.version !== pin.rolled_back_to &&
    live.started_at > pin.pinned_at &&
    // A change reported with a future start says nothing about the order.
    !isAhead(live, live.recorded_at);
  const state = pin.lifted_at !== null ? 'lifted' : newer ? 'superseded' : 'pinned';
  return { ...pin, state, superseded_by: newer ? live.version : null };
}

/**
 * Returns a change after a report about it: its end is now, unless reported otherwise.
 *
 * @returns `ended` if the report says that a change is in progress that has ended
 */
export function patchedChange(change: Change, patch: ChangePatch, now: Timestamp): Change | 'ended' {
  if (patch.status === 'started' && change.status !== 'started') return 'ended';
  const told = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<Change>;
  const next = { ...change, ...told };
  const ends = next.status !== 'started' && next.finished_at === null;
  const end = next.started_at > now ? next.started_at : now;
  return { ...next, commits: next.commits ?? [], finished_at: ends ? end : next.finished_at };
}
