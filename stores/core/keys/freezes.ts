import type { FreezeScope } from '../../../schemas/freeze/freeze.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import { type Key, part, serviceEnvironmentKey } from './parts.ts';

/** A scope never has both a service and a team. */
const scopeOf = ({ service, team, environment }: FreezeScope): string =>
  [
    service === null ? (team === null ? '*' : `team:${part(team)}`) : `service:${part(service)}`,
    environment === null ? '*' : part(environment),
  ].join('#');

/** Keys of SLOs and freezes. */
export const freezeKeys = {
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
  /** The evaluator that currently holds the lease. */
  sloLease: (): Key => ({ pk: 'SLOLEASE', sk: 'SLOLEASE' }),
  /** A correction of an objective, also when it is withdrawn. */
  sloCorrection: (slo: string, id: string): Key => ({ pk: `SLOCORRECTION#${part(slo)}`, sk: part(id) }),
  /** Corrections in effect, of all objectives. */
  activeCorrection: (slo: string, id: string): Key => ({ pk: 'SLOCORRECTIONS', sk: `${part(slo)}#${part(id)}` }),
  activeCorrections: (): Pick<Key, 'pk'> => ({ pk: 'SLOCORRECTIONS' }),
  /** Last state received for a burn alert of an objective. */
  sloAlert: (id: string, report: string): Key => ({ pk: 'SLOALERTS', sk: `${part(id)}#${part(report)}` }),
  sloAlerts: (): Pick<Key, 'pk'> => ({ pk: 'SLOALERTS' }),
  /** The record of a freeze. */
  freeze: (id: string): Key => ({ pk: `FREEZE#${part(id)}`, sk: 'FREEZE' }),
  /** A deployment that an override has allowed. */
  freezeUse: (id: string, override: string, deployment: string): Key => ({
    pk: `FREEZE#${part(id)}`,
    sk: `USE#${part(override)}#${part(deployment)}`,
  }),
  /** The unfinished freezes of one scope, for checks. */
  freezeScope: (scope: FreezeScope): Key => ({ pk: `FREEZES#${scopeOf(scope)}`, sk: 'FREEZES' }),
  /** Freezes that are scheduled, in force, or not settled. */
  freezing: (id: string): Key => ({ pk: 'FREEZING', sk: part(id) }),
  freezings: (): Pick<Key, 'pk'> => ({ pk: 'FREEZING' }),
  /** The cause of a freeze, so that it opens only one. */
  freezeCause: (cause: string): Key => ({ pk: `FREEZECAUSE#${part(cause)}`, sk: 'FREEZECAUSE' }),
  /** A decision of the freeze check. */
  freezeDecision: (id: string): Key => ({ pk: `FREEZEDEC#${part(id)}`, sk: 'FREEZEDEC' }),
  /** A deployment in another system that waits for Firebreak's approval. */
  waitingDeployment: (id: string): Key => ({ pk: 'WAITING', sk: part(id) }),
  waitingDeployments: (): Pick<Key, 'pk'> => ({ pk: 'WAITING' }),
};
