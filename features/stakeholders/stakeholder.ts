import * as z from 'zod';
import { ChannelName } from '../../schemas/alerts/routes.ts';
import { ServiceName } from '../../schemas/config/names.ts';
import { Addresses, HAS_RECEIVER } from '../../schemas/people/weekly-report.ts';

/** A person who wants updates but does not work on the incident. */
export const Stakeholder = z
  .strictObject({
    email: Addresses.optional(),
    slack: ChannelName.optional(),
    /** Lowest severity. */
    from: z.enum(['critical', 'warning']).default('critical'),
    /** Absent: all services. */
    services: z.array(ServiceName).min(1).optional(),
    teams: z.array(z.string().min(1)).min(1).optional(),
    /**
     * Interval while the incident is open. `changes`: only when its status or severity changes, or someone posts an
     * update.
     */
    everyMinutes: z
      .union([
        z
          .number()
          .int()
          .min(5)
          .max(24 * 60),
        z.literal('changes'),
      ])
      .default('changes'),
  })
  .refine(...HAS_RECEIVER);
export type Stakeholder = z.infer<typeof Stakeholder>;
