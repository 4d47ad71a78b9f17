import * as z from 'zod';

/** Status of a component. @see https://developer.statuspage.io/ (Components; read 2026-11) */
export const ComponentStatus = z.enum([
  'operational',
  'degraded_performance',
  'partial_outage',
  'major_outage',
  'under_maintenance',
]);
export type ComponentStatus = z.infer<typeof ComponentStatus>;

/** Status of an incident that is no maintenance. @see https://developer.statuspage.io/ (Incidents; read 2026-11) */
export const PublicStatus = z.enum(['investigating', 'identified', 'monitoring', 'resolved']);
