import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { byStart, GOOD_AFTER_SECONDS, putsVersionLive } from '../../changes/versions.ts';
import type { CheckInputs } from '../check-inputs.ts';
import { moment } from '../words.ts';

/**
 * Checks whether a rollback may go to this version during a freeze: it ran in this service and environment before the
 * current version, for at least half an hour, and was never rolled back. The caller's claim that the change is a
 * rollback is not sufficient.
 *
 * @param changes newest changes of the service and environment, oldest first
 * @param version version, or its commit if the CD system has no version
 */
export function earlierAndGood(
  changes: readonly Change[],
  { version, commit }: { version: string | null; commit: string | null },
): NonNullable<CheckInputs['rollback']> {
  if (version === null && commit === null) return no('the target version is missing; send "version"');
  const named = version ?? commit ?? '';
  const isNamed = (change: Change): boolean =>
    version === null ? change.commit === commit : change.version === version;
  const live = changes
    .filter((change) => putsVersionLive(change) && (change.status === 'succeeded' || change.status === 'started'))
    .toSorted(byStart);
  const own = live.filter(isNamed);
  if (own.length === 0) return no(whyNeverLive(named, changes.filter(isNamed)));
  if (own.every((change) => change === live.at(-1))) return no(`${named} is running now, so this is not a rollback`);
  const undone = changes.find(
    (change) => change.rolled_back_by !== null && own.some((one) => one.version === change.version),
  );
  if (undone !== undefined) return no(undoneInWords(named, undone));
  const good = own.findLast((change) => {
    const next = live[live.indexOf(change) + 1];
    return change.status === 'succeeded' && next !== undefined && secondsLive(change, next) >= GOOD_AFTER_SECONDS;
  });
  return good === undefined
    ? no(`${named} was replaced here after less than 30 minutes`)
    : {
        kind: 'known_good',
        text: `${named} ran here without problems, starting ${moment(good.finished_at ?? good.started_at)}`,
      };
}

/** @param records changes of this version, none of which put it live */
function whyNeverLive(named: string, records: readonly Change[]): string {
  const undone = records.find(({ rolled_back_by }) => rolled_back_by !== null);
  if (undone !== undefined) return undoneInWords(named, undone);
  const newest = records.toSorted(byStart).findLast(putsVersionLive);
  if (newest === undefined) return `${named} was never recorded here`;
  const how = newest.status === 'failed' ? 'failed' : 'was cancelled';
  return `${named} never ran here: its deployment ${how} at ${moment(newest.finished_at ?? newest.started_at)}`;
}

const undoneInWords = (named: string, { rolled_back_by }: Change): string =>
  `${named} was itself rolled back, in incident ${rolled_back_by ?? ''}`;

const no = (text: string): NonNullable<CheckInputs['rollback']> => ({ kind: 'not_known', text });

const secondsLive = (change: Change, next: Change): number =>
  (millisOf(next.started_at) - millisOf(change.finished_at ?? change.started_at)) / 1000;
