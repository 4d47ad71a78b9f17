import type { RollbackGateRequest } from '../../../schemas/rollback/gate-request.ts';
import type { ImageAutomationConfig } from '../../../schemas/rollback/image-automation.ts';
import type { RouteConfig } from '../../../schemas/rollback/reroute.ts';
import type { DeployerConfig, FlagsConfig } from '../../../schemas/rollback/targets.ts';
import type { TrafficRoute } from '../rollback/reroute.ts';
import type { Deployer, Flags, ImageAutomation } from '../rollback/targets.ts';
import type { ServiceEnvironment } from './common.ts';

/** Clients of the systems that can undo changes. Undefined: the configuration is incomplete. */
export type Targets = {
  deployerFor(config: DeployerConfig, serviceEnvironment: ServiceEnvironment): Promise<Deployer | undefined>;
  flagsFor(config: FlagsConfig, serviceEnvironment: ServiceEnvironment): Promise<Flags | undefined>;
  imageAutomationFor(
    config: ImageAutomationConfig,
    serviceEnvironment: ServiceEnvironment,
  ): Promise<(ImageAutomation & { standIn: boolean }) | undefined>;
  trafficRouteFor(config: RouteConfig, serviceEnvironment: ServiceEnvironment): Promise<TrafficRoute | undefined>;
};

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
