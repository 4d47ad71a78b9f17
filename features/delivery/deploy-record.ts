import * as z from 'zod';
import { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';

/**
 * The part of a change that delivery figures need. Only finished changes that put a version live, and finished changes of
 * the infrastructure, have one.
 */
export const DeployRecord = z.object({
  id: ChangeId,
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  kind: z.enum(['deploy', 'hotfix', 'rollback', 'infrastructure']),
  status: z.enum(['succeeded', 'failed']),
  started_at: Timestamp,
  /** The reported end. */
  at: Timestamp,
  /** Commits with a known time, by SHA or, for a single commit without one, by version. */
  commits: z.array(z.tuple([z.string(), Timestamp])),
  /** SHAs of commits without a known time. Absent: none. */
  undated: z.array(z.string()).optional(),
  previous_version: z.string().nullable(),
  /** The incident in which this version was rolled back. */
  rolled_back_by: z.string().nullable(),
});
export type DeployRecord = z.infer<typeof DeployRecord>;

/** A person's statement of which deploy caused an incident. It replaces the engine's suspect. */
export const AttributionCorrection = z.object({
  incident_id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  /** Null: no deploy caused it. */
  deployment_id: ChangeId.nullable(),
  reason: z.string(),
  by: z.string(),
  at: Timestamp,
});
export type AttributionCorrection = z.infer<typeof AttributionCorrection>;
