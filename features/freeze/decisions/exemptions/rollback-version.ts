import type { Change } from '../../../../schemas/changes/change.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { millisOf, minuteText } from '../../../../schemas/time/time.ts';
import {
  isOfDeployRepository,
  isSameVersion,
  tellsRevision,
} from '../../../../core/domain/changes/version-identity.ts';
import { byStart, GOOD_AFTER_SECONDS, putsVersionLive } from '../../../../core/domain/changes/versions.ts';
import type { CheckInputs } from '../check-inputs.ts';

/** The result of the check. `rolledBackIn`: the incident in which the version was rolled back, which the text does not name. */
type RollbackCheck = NonNullable<CheckInputs['rollback']> & { rolledBackIn?: IncidentId };

/**
 * Checks whether a rollback may go to this version during a freeze: it ran in this service and environment before the
 * current version, for at least half an hour, and was never rolled back. The caller's claim that the change is a
 * rollback is not sufficient.
 *
 * @param changes newest changes of the service and environment, oldest first
 * @param target the version, or its commit if the CD system has no version; null: not sent
 */
export function checkRollbackVersion(
  changes: readonly Change[],
  { version, commit }: { version: string | null; commit: string | null },
): RollbackCheck {
  if (version === null && commit === null) return notKnownGood('the target version is missing; send "version"');
  const target = version ?? commit ?? '';
  const isAlike = (change: Change): boolean =>
    version === null ? change.commit === commit : isSameVersion({ version, commit }, change);
  // If the commit is known, a deploy of the same name without one is another version, if possible.
  const isOfCommit = (change: Change): boolean => isAlike(change) && tellsRevision(change);
  const prefersCommit = version !== null && tellsRevision({ version, commit }) && changes.some(isOfCommit);
  const isTarget = prefersCommit ? isOfCommit : isAlike;
  const live = changes
    .filter((change) => putsVersionLive(change) && (change.status === 'succeeded' || change.status === 'started'))
    .toSorted(byStart);
  const changesOfTarget = live.filter(isTarget);
  if (changesOfTarget.length === 0) return whyNeverLive(target, changes.filter(isTarget));
  if (version !== null && new Set(changesOfTarget.map((change) => change.version)).size > 1)
    return notKnownGood(`${target} was deployed here with several commits; send "commit"`);
  if (changesOfTarget.every((change) => change === live.at(-1)))
    return notKnownGood(`${target} is running now, so this is not a rollback`);
  const rolledBack = changes.find(
    (change) =>
      change.rolled_back_by !== null && changesOfTarget.some((targetChange) => targetChange.version === change.version),
  );
  if (rolledBack !== undefined) return wasRolledBack(target, rolledBack);
  const good = changesOfTarget.findLast((change) => {
    const next = live[live.indexOf(change) + 1];
    return change.status === 'succeeded' && next !== undefined && secondsLive(change, next) >= GOOD_AFTER_SECONDS;
  });
  return good === undefined
    ? notKnownGood(`${target} was replaced here after less than 30 minutes`)
    : {
        kind: 'known_good',
        text: `${target} ran here without problems, starting ${minuteText(good.finished_at ?? good.started_at)}`,
      };
}

/** @param records changes of this version, none of which put it live */
function whyNeverLive(target: string, records: readonly Change[]): RollbackCheck {
  const rolledBack = records.find(({ rolled_back_by }) => rolled_back_by !== null);
  if (rolledBack !== undefined) return wasRolledBack(target, rolledBack);
  const newest = records.toSorted(byStart).findLast(putsVersionLive);
  if (newest === undefined) return notKnownGood(`${target} was never recorded here`);
  const outcome = newest.status === 'failed' ? 'failed' : 'was cancelled';
  const at = minuteText(newest.finished_at ?? newest.started_at);
  return notKnownGood(`${target} never ran here: its deployment ${outcome} at ${at}`);
}

const wasRolledBack = (target: string, { rolled_back_by }: Change): RollbackCheck => ({
  ...notKnownGood(`${target} was itself rolled back`),
  ...(rolled_back_by !== null && { rolledBackIn: rolled_back_by as IncidentId }),
});

const notKnownGood = (text: string): RollbackCheck => ({ kind: 'not_known', text });

const secondsLive = (change: Change, next: Change): number =>
  (millisOf(next.started_at) - millisOf(change.finished_at ?? change.started_at)) / 1000;

/** A version that a rollback may go to. Some clients know it only by its commit. */
export type KnownGood = { version: string; commit: string | null };

/**
 * Returns the versions that a rollback may go to now, newest first: a client lets these through a freeze while it
 * cannot reach the API.
 *
 * @param changes newest changes of the service and environment, oldest first
 * @param pinned known bad versions
 * @param max maximum number of versions; a rollback to an older one needs an answer from the API
 */
export function knownGood(changes: readonly Change[], pinned: readonly string[], max: number): KnownGood[] {
  const found: KnownGood[] = [];
  const seen = new Set<string>(pinned);
  for (const change of changes.filter(putsVersionLive).toSorted(byStart).toReversed()) {
    const { version } = change;
    if (found.length === max) break;
    if (seen.has(version)) continue;
    seen.add(version);
    if (checkRollbackVersion(changes, { version, commit: null }).kind !== 'known_good') continue;
    found.push({ version, commit: isOfDeployRepository(change) ? null : change.commit });
  }
  return found;
}
