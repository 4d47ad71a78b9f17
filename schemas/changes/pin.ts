import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';
import { Artifact } from './change.ts';

/** A version known to be bad, because it was rolled back. */
export const Pin = z.object({
  id: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** The commit of the version. Null or absent: not known, so the pin is of every commit of this name, or of the artifact. */
  commit: z.string().nullable().optional(),
  artifact: Artifact.optional(),
  /** The version that was restored, which is therefore not a newer one. Absent in pins of older versions. */
  rolled_back_to: Version.optional(),
  /** The incident in which it was rolled back. Null: none was open. */
  incident_id: IncidentId.nullable(),
  reason: z.string(),
  pinned_at: Timestamp,
  lifted_at: Timestamp.nullable(),
  lifted_by: z.string().nullable(),
});
export type Pin = z.infer<typeof Pin>;

/** A pin as shown. */
export const PinView = Pin.extend({
  state: z.enum(['pinned', 'lifted']),
  /** A version that was deployed after the pin, and runs. Null: none. The pin stays in force beside it. */
  newer_version: Version.nullable(),
});
export type PinView = z.infer<typeof PinView>;
