import * as z from 'zod';

/** Status of a component on the status page, in Statuspage's terms. */
export const ComponentStatus = z.enum([
  'operational',
  'degraded_performance',
  'partial_outage',
  'major_outage',
  'under_maintenance',
]);
export type ComponentStatus = z.infer<typeof ComponentStatus>;

/** Status of a public incident, in Statuspage's terms. */
export const PublicStatus = z.enum(['investigating', 'identified', 'monitoring', 'resolved']);
export type PublicStatus = z.infer<typeof PublicStatus>;
