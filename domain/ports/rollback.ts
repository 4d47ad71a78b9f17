import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import type { ServiceEnvironment } from './common.ts';

/** Rollback requests for targets that poll for them; only the newest one of each service and environment is kept. */
export type RollbackGates = {
  /** Stores a request; it replaces the previous one. */
  store(request: RollbackGateRequest): Promise<void>;
  /** Reads strongly consistently. */
  get(serviceEnvironment: ServiceEnvironment): Promise<RollbackGateRequest | undefined>;
  /** Records that the target asked about another roll-out than the requested one. */
  recordMismatch(serviceEnvironment: ServiceEnvironment, key: string, checksum: string): Promise<void>;
  /** Ends the request of this action if it is still the newest. */
  clear(serviceEnvironment: ServiceEnvironment, key: string): Promise<void>;
};
