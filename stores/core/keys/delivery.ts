import type { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Push } from '../../../schemas/delivery/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Key, digits, part, serviceEnvironmentKey } from './parts.ts';

/** Keys of delivery figures. */
export const deliveryKeys = {
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
  /** A person's statement of the cause of an incident. */
  attribution: (id: IncidentId): Key => ({ pk: 'ATTRIBUTIONS', sk: id }),
  attributions: (): Pick<Key, 'pk'> => ({ pk: 'ATTRIBUTIONS' }),
  /** The deploys of a day of a service and environment. */
  rollup: (serviceEnvironment: ServiceEnvironment, day: string): Key => ({
    pk: `DEPLOYDAY#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: day,
  }),
  /** A change that the rollup of its day does not include yet. */
  rollupMark: (serviceEnvironment: ServiceEnvironment, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: 'DEPLOYMARKS',
    sk: `${startedAt.slice(0, 10)}#${serviceEnvironmentKey(serviceEnvironment)}#${id}`,
  }),
  rollupMarks: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYMARKS' }),
  /** The services and environments that have rollups. */
  rollupScope: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'DEPLOYSCOPES',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  rollupScopes: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYSCOPES' }),
  /** How far changes that were recorded before rollups existed are marked. */
  rollupState: (): Key => ({ pk: 'DEPLOYBACKFILL', sk: 'DEPLOYBACKFILL' }),
};
