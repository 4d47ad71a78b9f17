import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { digits, type Key, serviceEnvironmentKey } from '../../core/stores/keys/parts.ts';
import type { CanaryId } from './canary.ts';

/** Keys of canaries. */
export const keys = {
  /** The record of a canary. */
  canary: (id: CanaryId): Key => ({ pk: `CANARY#${id}`, sk: 'CANARY' }),
  canaryEvent: (id: CanaryId, n: number): Key => ({ pk: `CANARY#${id}`, sk: `EVENT#${digits(n)}` }),
  canaryCheck: (id: CanaryId, n: number): Key => ({ pk: `CANARY#${id}`, sk: `CHECK#${digits(n)}` }),
  /** The canary in progress of a service and environment. */
  canaryAt: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `CANARYAT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'CANARYAT',
  }),
  /** Canaries in progress. */
  canaryRunning: (id: CanaryId): Key => ({ pk: 'CANARYRUNNING', sk: id }),
  canariesRunning: (): Pick<Key, 'pk'> => ({ pk: 'CANARYRUNNING' }),
};

/** The list of canaries, newest first. */
export const LIST = 'CANARIES';
