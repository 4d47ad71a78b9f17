import { ENDED_MARKS } from '../../features/names.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { accessKeys } from './keys/access.ts';
import { changeKeys } from './keys/changes.ts';
import { deliveryKeys } from './keys/delivery.ts';
import { freezeKeys } from './keys/freezes.ts';
import { incidentKeys } from './keys/incidents.ts';
import { projectionKeys } from './keys/projections.ts';
import { sharedKeys } from './keys/shared.ts';
import { type Key, shardOf, SHARDS, shardsOf } from './keys/parts.ts';

export type { Key };

/** Keys of the table; docs/reference/data-model.md describes who reads and writes what. */
export const keys = {
  ...incidentKeys,
  ...changeKeys,
  ...deliveryKeys,
  ...freezeKeys,
  ...accessKeys,
  ...projectionKeys,
  ...sharedKeys,
};

/** Returns the marks that an incident has ended, each for a feature. */
export const endedMarks = (id: IncidentId): Key[] => ENDED_MARKS.map((pk) => ({ pk, sk: id }));

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
  canaries: 'CANARIES',
  watches: 'WATCHES',
  freezes: 'FREEZELIST',
};

/** Lists with many writes, each spread over `shards`. */
export const shardedLists = {
  incidents: shardedList('INCIDENTS'),
  changes: shardedList('CHANGES'),
  recorded: shardedList('RECORDED'),
  muted: shardedList('MUTED'),
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
