import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from './names.ts';
import { Timestamp } from './time.ts';

/**
 * That a roll-out be taken back by whoever asks whether it should be: Flagger can't be told anything, it asks. Written
 * by the deployer, read by the gate.
 */
export const Wish = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  /** `namespace/name` of the canary. */
  canary: z.string(),
  incident_id: IncidentId,
  /** Of the act that it is for. */
  key: z.string(),
  from: Version,
  to: Version,
  /** The roll-out, as the cluster shows it. Another one is another wish. */
  rollout: z.string(),
  /** The roll-out, as the question calls it. */
  checksum: z.string(),
  /** The question that came last, where it called the roll-out something else: nothing is open until that is clear. */
  asked: z.string().nullable(),
  at: Timestamp,
  /** `over`: nothing is taken back any more; it is kept to know whose doing the end was. */
  state: z.enum(['open', 'over']),
});
export type Wish = z.infer<typeof Wish>;
