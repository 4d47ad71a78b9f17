import * as z from 'zod';

/** How a component of the status page is doing, in the words of Statuspage. */
export const ComponentStatus = z.enum([
  'operational',
  'degraded_performance',
  'partial_outage',
  'major_outage',
  'under_maintenance',
]);
export type ComponentStatus = z.infer<typeof ComponentStatus>;

/** Where a public incident stands, in the words of Statuspage. */
export const PublicStatus = z.enum(['investigating', 'identified', 'monitoring', 'resolved']);
export type PublicStatus = z.infer<typeof PublicStatus>;
