import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from './names.ts';
import { Timestamp } from './time.ts';

/** A version known bad: it was rolled back. */
export const Pin = z.object({
  id: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** What was brought back in its place, and so is nothing newer. Absent in pins of older versions. */
  rolled_back_to: Version.optional(),
  incident_id: IncidentId,
  reason: z.string(),
  pinned_at: Timestamp,
  lifted_at: Timestamp.nullable(),
  lifted_by: z.string().nullable(),
});
export type Pin = z.infer<typeof Pin>;

/** As it is shown. */
export const PinView = Pin.extend({
  /** `superseded`: a newer version was deployed since, and runs. */
  state: z.enum(['pinned', 'superseded', 'lifted']),
  /** The newer version. */
  superseded_by: Version.nullable(),
});
export type PinView = z.infer<typeof PinView>;
