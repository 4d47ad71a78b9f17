import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { type Key, part, serviceEnvironmentKey } from '../../core/stores/keys/parts.ts';

/** Keys of objectives: their counts, statuses, corrections, and burn alerts. */
export const keys = {
  /** Events of an objective on one day (UTC), in buckets of five minutes. */
  sloDay: (id: string, day: string): Key => ({ pk: `SLODAY#${part(id)}`, sk: day }),
  /** Result of the last evaluation of a service's objectives in an environment. */
  sloStatus: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'SLOSTATUS',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  sloStatuses: (): Pick<Key, 'pk'> => ({ pk: 'SLOSTATUS' }),
  /** When objectives were last evaluated. */
  sloEvaluation: (): Key => ({ pk: 'SLOEVALUATION', sk: 'SLOEVALUATION' }),
  /** A correction of an objective, also when it is withdrawn. */
  sloCorrection: (slo: string, id: string): Key => ({ pk: `SLOCORRECTION#${part(slo)}`, sk: part(id) }),
  /** Corrections in effect, of all objectives. */
  activeCorrection: (slo: string, id: string): Key => ({ pk: 'SLOCORRECTIONS', sk: `${part(slo)}#${part(id)}` }),
  activeCorrections: (): Pick<Key, 'pk'> => ({ pk: 'SLOCORRECTIONS' }),
  /** Last state received for a burn alert of an objective. */
  sloAlert: (id: string, report: string): Key => ({ pk: 'SLOALERTS', sk: `${part(id)}#${part(report)}` }),
  sloAlerts: (): Pick<Key, 'pk'> => ({ pk: 'SLOALERTS' }),
};
