import type { WatchId } from '../../../schemas/judge/watch.ts';
import type { DrillId } from '../../../schemas/automation/drill.ts';
import type { Push } from '../../../schemas/changes/code.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Key, digits, part, serviceEnvironmentKey } from './parts.ts';

/** Keys of changes, of the code that they bring, and of what acts on them: rollbacks, drills, and watches. */
export const changeKeys = {
  /** A change of a service and environment, by its start. */
  change: (serviceEnvironment: ServiceEnvironment, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHG#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${startedAt}#${id}`,
  }),
  changes: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `CHG#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  /** All changes of a service in all environments. */
  changeOf: (service: string, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHGOF#${part(service)}`,
    sk: `${startedAt}#${id}`,
  }),
  changesOf: (service: string): Pick<Key, 'pk'> => ({ pk: `CHGOF#${part(service)}` }),
  /** Points to the record of a change. */
  changeById: (id: ChangeId): Key => ({ pk: `CHGID#${id}`, sk: 'CHG' }),
  /** Names the change that an annotation has recorded, by the number that its sender got. */
  annotation: (annotation: number): Key => ({ pk: `ANNOTATION#${annotation}`, sk: 'CHG' }),
  /** What another system has reported of one rollout. */
  rollout: ({ source, key }: { source: string; key: string }): Key => ({
    pk: `ROLLOUT#${part(source)}#${part(key)}`,
    sk: 'ROLLOUT',
  }),
  /** Reports about an object of a sender whose states can come back. */
  objectHistory: ({ source, object }: { source: string; object: string }): Key => ({
    pk: `ROLLOUT#${part(source)}#${part(object)}`,
    sk: 'OBJECT',
  }),
  /** A rollout that no service was found for, by its last event. */
  unmappedRollout: ({ source, key }: { source: string; key: string }, receivedAt: Timestamp): Key => ({
    pk: 'ROLLOUTSUNMAPPED',
    sk: `${receivedAt}#${part(source)}#${part(key)}`,
  }),
  unmappedRollouts: (): Pick<Key, 'pk'> => ({ pk: 'ROLLOUTSUNMAPPED' }),
  /** A rollout of a commit that no push has brought yet. */
  awaitedCommit: (
    { source, key }: { source: string; key: string },
    { repository, commit }: { repository: string; commit: string },
  ): Key => ({
    pk: `ROLLOUTSAWAITING#${part(repository)}`,
    sk: `${part(commit)}#${part(source)}#${part(key)}`,
  }),
  awaitedCommits: (repository: string): Pick<Key, 'pk'> => ({ pk: `ROLLOUTSAWAITING#${part(repository)}` }),
  /** The running version of a service and environment. */
  live: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'LIVE',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  /** A change whose end is not reported. */
  changeInProgress: (id: ChangeId): Key => ({ pk: 'ROLLING', sk: id }),
  changesInProgress: (): Pick<Key, 'pk'> => ({ pk: 'ROLLING' }),
  /** A failed deployment whose alert still fires. */
  failure: (id: ChangeId): Key => ({ pk: 'FAILED', sk: id }),
  failures: (): Pick<Key, 'pk'> => ({ pk: 'FAILED' }),
  /** The record of a pin. */
  pin: (serviceEnvironment: ServiceEnvironment, at: Timestamp, id: string): Key => ({
    pk: `PIN#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${at}#${id}`,
  }),
  pins: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `PIN#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  /** The active pins of a service and environment, in one item. */
  pinned: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `PINNED#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'PINNED',
  }),
  /** A service and environment that has had a pin. */
  pinnedEnvironment: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'PINNEDENVS',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  pinnedEnvironments: (): Pick<Key, 'pk'> => ({ pk: 'PINNEDENVS' }),
  /** Points to the record of a pin. */
  pinById: (id: string): Key => ({ pk: `PINID#${part(id)}`, sk: 'PIN' }),
  /** The requested rollback of a target that polls for it. */
  rollbackGate: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `GATE#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'GATE',
  }),
  /** The lock of a target, which one action at a time holds. */
  lock: (resource: string): Key => ({ pk: `LOCK#${part(resource)}`, sk: 'LOCK' }),
  /** Automatic actions of all services in the last hour. */
  pace: (): Key => ({ pk: 'PACE', sk: 'PACE' }),
  /** Automatic actions of a service: its error budget. */
  automaticAction: (service: string, at: Timestamp, key: string): Key => ({
    pk: `AUTOACTION#${part(service)}`,
    sk: `${at}#${key}`,
  }),
  automaticActions: (service: string): Pick<Key, 'pk'> => ({ pk: `AUTOACTION#${part(service)}` }),
  /** A service whose automation requires approval, because it was wrong too often. */
  demotion: (service: string): Key => ({ pk: 'DEMOTED', sk: part(service) }),
  demotions: (): Pick<Key, 'pk'> => ({ pk: 'DEMOTED' }),
  /** When the error budget of a service's automation began anew. */
  promotion: (service: string): Key => ({ pk: 'PROMOTED', sk: part(service) }),
  /** A rollback of a service and environment; those of the last hour are counted. */
  act: (serviceEnvironment: ServiceEnvironment, at: Timestamp, key: string): Key => ({
    pk: `ACT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${at}#${key}`,
  }),
  acts: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `ACT#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  /** The newest act on a feature flag of a service and environment. */
  flagAct: (serviceEnvironment: ServiceEnvironment, flag: string): Key => ({
    pk: `FLAGACT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: part(flag),
  }),
  /** The record of a drill. */
  drill: (id: DrillId): Key => ({ pk: `DRILL#${id}`, sk: 'DRILL' }),
  /** Drills that are not finished. */
  drilling: (id: DrillId): Key => ({ pk: 'DRILLING', sk: id }),
  drillings: (): Pick<Key, 'pk'> => ({ pk: 'DRILLING' }),
  /** The record of a watch. */
  watch: (id: WatchId): Key => ({ pk: `WATCH#${id}`, sk: 'WATCH' }),
  /** Watches that are not finished, or whose alerts fire. */
  watching: (id: WatchId): Key => ({ pk: 'WATCHING', sk: id }),
  watchings: (): Pick<Key, 'pk'> => ({ pk: 'WATCHING' }),
  /** When the rollback path of a service and environment was last proved. */
  proved: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'PROVED',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  proveds: (): Pick<Key, 'pk'> => ({ pk: 'PROVED' }),
  /** A push to a repository, by the time when it arrived. */
  push: (repository: string, at: Timestamp, id: string): Key => ({
    pk: `PUSHES#${part(repository)}`,
    sk: `${at}#${part(id)}`,
  }),
  pushes: (repository: string): Pick<Key, 'pk'> => ({ pk: `PUSHES#${part(repository)}` }),
  /** Marks that a push is stored, so that a repeated webhook does not store it again. */
  pushOnce: ({ repository, branch, before, after }: Push): Key => ({
    pk: `PUSH#${part(repository)}`,
    sk: `${part(branch)}#${before ?? ''}#${after}`,
  }),
  /** A pull request, by the time when it was opened. */
  pullRequest: (repository: string, openedAt: Timestamp, number: number): Key => ({
    pk: `PULLREQUESTS#${part(repository)}`,
    sk: `${openedAt}#${digits(number)}`,
  }),
  pullRequests: (repository: string): Pick<Key, 'pk'> => ({ pk: `PULLREQUESTS#${part(repository)}` }),
  /** A merged pull request, by the time of its merge. */
  merged: (repository: string, mergedAt: Timestamp, number: number): Key => ({
    pk: `MERGED#${part(repository)}`,
    sk: `${mergedAt}#${digits(number)}`,
  }),
  mergedOf: (repository: string): Pick<Key, 'pk'> => ({ pk: `MERGED#${part(repository)}` }),
  /** A release of a repository. */
  release: (repository: string, publishedAt: Timestamp, tag: string): Key => ({
    pk: `RELEASES#${part(repository)}`,
    sk: `${publishedAt}#${part(tag)}`,
  }),
  releases: (repository: string): Pick<Key, 'pk'> => ({ pk: `RELEASES#${part(repository)}` }),
};
