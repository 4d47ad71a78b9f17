import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/**
 * A request to roll back a rollout, for targets that poll: Flagger cannot be called, it polls its gate. Written by the
 * deployer, read by the gate.
 */
export const RollbackGateRequest = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  /** `namespace/name` of the canary. */
  canary: z.string(),
  incident_id: IncidentId,
  /** Key of the action that made the request. */
  key: z.string(),
  from: Version,
  to: Version,
  /** The rollout as the cluster shows it. Another rollout is another request. */
  rollout: z.string(),
  /** The rollout as Flagger's request names it. */
  checksum: z.string(),
  /** The checksum of Flagger's last request if it differed: the gate stays closed until that is resolved. */
  other_checksum: z.string().nullable(),
  at: Timestamp,
  /** `over`: nothing is rolled back any more; kept to know what caused the end. */
  state: z.enum(['open', 'over']),
});
export type RollbackGateRequest = z.infer<typeof RollbackGateRequest>;
