import type { IncidentId } from '../../schemas/config/names.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { changeMarkSort } from '../../core/stores/keys.ts';
import { type Key, serviceEnvironmentKey } from '../../core/stores/keys/parts.ts';

/** Keys of delivery figures. */
export const keys = {
  /** A person's statement of the cause of an incident. */
  attribution: (id: IncidentId): Key => ({ pk: 'ATTRIBUTIONS', sk: id }),
  attributions: (): Pick<Key, 'pk'> => ({ pk: 'ATTRIBUTIONS' }),
  /** The deploys of a day of a service and environment. */
  rollup: (serviceEnvironment: ServiceEnvironment, day: string): Key => ({
    pk: `DEPLOYDAY#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: day,
  }),
  /** A change that the rollup of its day does not include yet: `changeMarks` in names.ts. */
  rollupMark: (change: Parameters<typeof changeMarkSort>[0]): Key => ({
    pk: 'DEPLOYMARKS',
    sk: changeMarkSort(change),
  }),
  rollupMarks: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYMARKS' }),
  /** The services and environments that have rollups. */
  rollupScope: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'DEPLOYSCOPES',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  rollupScopes: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYSCOPES' }),
  /** What the metrics of deploys count of a service and environment. */
  deployCounts: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'DEPLOYCOUNTS',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  deployCountsOfAll: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYCOUNTS' }),
  /** How far changes that were recorded before rollups existed are marked. */
  rollupState: (): Key => ({ pk: 'DEPLOYBACKFILL', sk: 'DEPLOYBACKFILL' }),
};
