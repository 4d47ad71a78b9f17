import * as z from 'zod';
import { TimeOfDay, WEEKDAYS } from '../time/hours.ts';
import { ServiceName } from '../config/names.ts';
import { ChannelName } from '../alerts/routes.ts';
import { TimeZone } from '../time/time-zone.ts';

const Addresses = z.union([z.email().transform((address) => [address]), z.array(z.email()).min(1).max(50)]);

const HAS_RECEIVER = [
  ({ email, slack }: { email?: unknown; slack?: unknown }) => email !== undefined || slack !== undefined,
  { message: 'set "email" or "slack": no recipient is configured' },
] as const;

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

/** Receivers and time of the weekly shadow-mode report, which covers the last 30 days. */
export const WeeklyShadowReport = z
  .strictObject({
    email: Addresses.optional(),
    slack: ChannelName.optional(),
    day: z.enum(WEEKDAYS).default('mon'),
    /** `HH:MM`, up to `23:59`. */
    at: TimeOfDay.refine((at) => at !== '24:00', 'must be at most 23:59').default('09:00'),
    timeZone: TimeZone.default('UTC'),
  })
  .refine(...HAS_RECEIVER);
export type WeeklyShadowReport = z.infer<typeof WeeklyShadowReport>;
