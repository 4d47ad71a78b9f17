import type { FreezeScope } from './schemas/freeze.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { type Key, part } from '../../core/stores/keys/parts.ts';

/** A scope never has both a service and a team. */
const scopeOf = ({ service, team, environment }: FreezeScope): string =>
  [
    service === null ? (team === null ? '*' : `team:${part(team)}`) : `service:${part(service)}`,
    environment === null ? '*' : part(environment),
  ].join('#');

/** Name of the list of all freezes. */
export const FREEZE_LIST = 'FREEZELIST';

/** Keys of freezes. */
export const keys = {
  /** The evaluator that currently holds the lease. */
  evaluationLease: (): Key => ({ pk: 'SLOLEASE', sk: 'SLOLEASE' }),
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
  /** A recorded decision whose inputs can be removed, on the day of its entry in the audit log or of its last use. */
  listedDecision: (day: string, id: string): Key => ({ pk: `FREEZEDECS#${day}`, sk: part(id) }),
  listedDecisions: (day: string): Pick<Key, 'pk'> => ({ pk: `FREEZEDECS#${day}` }),
  /** How many bytes of decisions are recorded, and up to which day they are counted and removed. */
  decisionRetention: (): Key => ({ pk: 'FREEZERETENTION', sk: 'FREEZERETENTION' }),
  /** A blob in the bucket whose decision no longer refers to it. */
  unusedBlob: (at: Timestamp, id: string): Key => ({ pk: 'FREEZEBLOBS', sk: `${at}#${part(id)}` }),
  unusedBlobs: (): Pick<Key, 'pk'> => ({ pk: 'FREEZEBLOBS' }),
  /** A deployment in another system that waits for Firebreak's approval. */
  waitingDeployment: (id: string): Key => ({ pk: 'WAITING', sk: part(id) }),
  waitingDeployments: (): Pick<Key, 'pk'> => ({ pk: 'WAITING' }),
};
