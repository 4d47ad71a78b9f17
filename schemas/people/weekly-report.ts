import * as z from 'zod';
import { TimeOfDay, WEEKDAYS } from '../time/hours.ts';
import { ChannelName } from '../alerts/routes.ts';
import { TimeZone } from '../time/time-zone.ts';

/** One or more email addresses. */
export const Addresses = z.union([z.email().transform((address) => [address]), z.array(z.email()).min(1).max(50)]);

/** Refuses an entry without a receiver. */
export const HAS_RECEIVER = [
  ({ email, slack }: { email?: unknown; slack?: unknown }) => email !== undefined || slack !== undefined,
  { message: 'set "email" or "slack": no recipient is configured' },
] as const;

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
