import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { CanaryId } from '../canary.ts';
import type { EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';

/** Two versions of a service between which its traffic is distributed. */
export type TrafficPair = {
  service: ServiceName;
  environment: EnvironmentName;
  canary: Version;
  stable: Version;
};

/**
 * An order to a router. `set`: the canary gets `weight` percent. `promote`: the canary becomes the stable version and gets
 * all. `abort`: the stable version gets all. `key` is the same in each attempt at the same order; a router must not apply
 * an order after one of the same canary with a higher `sequence`.
 */
export type TrafficCall = TrafficPair & {
  action: 'set' | 'promote' | 'abort';
  /** In percent. */
  weight: number;
  id: CanaryId;
  sequence: number;
  key: string;
  reason: string;
};

/** What a router reports. `canary`: null if one version has all traffic. `weight`: percent of the canary. */
export type TrafficReading =
  | { kind: 'split'; stable: string; canary: string | null; weight: number }
  | { kind: 'unknown'; detail: string };

/**
 * Client of the system that distributes traffic. Every method is one attempt of at most 15 seconds and never throws for
 * errors of the other side; the workflow waits and retries.
 */
export type TrafficRouter = {
  /** Description of the router for people. */
  readonly target: string;
  /** The resource that it changes, with the same name as for a deployer of the same resource. */
  readonly resource: string;
  readonly effectClass: Effect['class'];
  /** The router is a stand-in of the sandbox, which texts about its actions say. */
  readonly standIn?: boolean;
  read(pair: TrafficPair): Promise<TrafficReading>;
  /** Makes the change, unless it is made already. `superseded`: other versions have the traffic. */
  apply(call: TrafficCall): Promise<TargetResponse>;
};

/** Difference of two weights in percent that counts as none: routers round. */
const WEIGHT_TOLERANCE = 0.5;

export const isSameWeight = (a: number, b: number): boolean => Math.abs(a - b) < WEIGHT_TOLERANCE;
