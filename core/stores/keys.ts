import type { ServiceEnvironment } from '../domain/ports/common.ts';
import { CHANGE_MARKS, ENDED_MARKS } from '../../features/names.ts';
import type { ChangeId, IncidentId } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { accessKeys } from './keys/access.ts';
import { changeKeys } from './keys/changes.ts';
import { incidentKeys } from './keys/incidents.ts';
import { projectionKeys } from './keys/projections.ts';
import { sharedKeys } from './keys/shared.ts';
import { type Key, serviceEnvironmentKey, shardOf, SHARDS, shardsOf } from './keys/parts.ts';

export type { Key };

/** Keys of the table; docs/reference/data-model.md describes who reads and writes what. */
export const keys = {
  ...incidentKeys,
  ...changeKeys,
  ...accessKeys,
  ...projectionKeys,
  ...sharedKeys,
};

/** Returns the marks that an incident has ended, each for a job of the sweep. @param isMeasured samples of its health are due */
export const endedMarks = (id: IncidentId, isMeasured = true): Key[] =>
  [...(isMeasured ? [keys.allSamplesDue().pk] : []), ...ENDED_MARKS].map((pk) => ({ pk, sk: id }));

type MarkedChange = ServiceEnvironment & { id: ChangeId; started_at: Timestamp };

/** Returns the sort key of the marks that a change was written: by its day. */
export const changeMarkSort = ({ id, started_at, ...serviceEnvironment }: MarkedChange): string =>
  `${started_at.slice(0, 10)}#${serviceEnvironmentKey(serviceEnvironment)}#${id}`;

/** Returns the marks that a change was written, each for a feature. */
export const changeMarks = (change: MarkedChange): Key[] =>
  CHANGE_MARKS.map((pk) => ({ pk, sk: changeMarkSort(change) }));

/** The partitions of `keys.logWaiting`. */
export const logWaitingShards = shardsOf('LOGWAITING');

/** The partitions of `keys.pending`. */
export const pendingShards = shardsOf('PENDING');

/** The partitions of `keys.unfinished`. */
export const unfinishedShards = shardsOf('UNFINISHED');

/** Returns all keys of `keys.counts` for a group. */
export const countsOf = (group: string): Key[] =>
  Array.from({ length: SHARDS }, (_, shard) => keys.counts(group, shard));

/** Lists across partitions, newest first, by the index `list` (eventually consistent). */
export const lists = {
  pins: 'PINS',
  drills: 'DRILLS',
  watches: 'WATCHES',
};

/** Lists with many writes, each spread over `shards`. */
export const shardedLists = {
  incidents: shardedList('INCIDENTS'),
  changes: shardedList('CHANGES'),
  recorded: shardedList('RECORDED'),
  muted: shardedList('MUTED'),
  held: shardedList('HELD'),
  runbookRuns: shardedList('RUNBOOKRUNS'),
};

export type ShardedList = ReturnType<typeof shardedList>;

/** A list with many writes, which is spread over `shards`. */
export function shardedList(name: string) {
  return {
    name,
    shards: shardsOf(name),
    /**
     * Returns the attributes that put an item into the list.
     *
     * @param id determines the shard, so it must never change
     * @param key sorts the list; must be unique within it
     */
    attributes: (id: string, key: string) => ({ list: `${name}#${shardOf(id)}`, list_key: key }),
  };
}
