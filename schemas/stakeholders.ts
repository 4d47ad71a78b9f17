import * as z from 'zod';
import { TimeOfDay, WEEKDAYS } from './hours.ts';
import { ServiceName } from './names.ts';
import { ChannelName } from './routes.ts';
import { TimeZone } from './time-zone.ts';

const Addresses = z.union([z.email().transform((address) => [address]), z.array(z.email()).min(1).max(50)]);

/** Somebody who wants to know how it goes, and does not work on it. */
export const Stakeholder = z
  .strictObject({
    email: Addresses.optional(),
    slack: ChannelName.optional(),
    /** From which severity on. */
    from: z.enum(['critical', 'warning']).default('critical'),
    /** Absent: of all services. */
    services: z.array(ServiceName).min(1).optional(),
    teams: z.array(z.string().min(1)).min(1).optional(),
    /** While it goes on. `changes`: only when its status or severity has changed, or somebody has given an update. */
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
  .refine(({ email, slack }) => email !== undefined || slack !== undefined, {
    message: 'an "email" or a channel of "slack" is missing: nobody would be told',
  });
export type Stakeholder = z.infer<typeof Stakeholder>;

/** Who gets the report of shadow mode, and when: once a week, about the last 30 days. */
export const WeeklyShadowReport = z
  .strictObject({
    email: Addresses.optional(),
    slack: ChannelName.optional(),
    day: z.enum(WEEKDAYS).default('mon'),
    /** `HH:MM`, up to `23:59`. */
    at: TimeOfDay.refine((at) => at !== '24:00', 'the latest time is 23:59').default('09:00'),
    timeZone: TimeZone.default('UTC'),
  })
  .refine(({ email, slack }) => email !== undefined || slack !== undefined, {
    message: 'an "email" or a channel of "slack" is missing: nobody would get the report',
  });
export type WeeklyShadowReport = z.infer<typeof WeeklyShadowReport>;
