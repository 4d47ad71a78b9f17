import type { GateRequest } from '../../schemas/freeze/gate.ts';
import type { ServiceEnvironment } from './common.ts';

/** Rollback requests for targets that poll for them; only the newest one of each service and environment is kept. */
export type Gates = {
  /** Stores a request; it replaces the previous one. */
  store(request: GateRequest): Promise<void>;
  /** Reads strongly consistently. */
  get(serviceEnvironment: ServiceEnvironment): Promise<GateRequest | undefined>;
  /** Records that the target asked about another roll-out than the requested one. */
  mistaken(serviceEnvironment: ServiceEnvironment, key: string, checksum: string): Promise<void>;
  /** Ends the request of this action if it is still the newest. */
  clear(serviceEnvironment: ServiceEnvironment, key: string): Promise<void>;
};
