import * as z from 'zod';
import { TimeZone } from '../time/time-zone.ts';

/** `config/slack.yaml`: how incidents look in Slack. */
export const SlackFile = z.strictObject({
  /** Prefix of channel names; the day as YYMMDD and a number follow. */
  channelPrefix: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/, 'must consist of lowercase letters, digits, - and _')
    .default('incident-'),
  /** Time zone of the day in channel names. */
  timeZone: TimeZone.default('UTC'),
  /** Hours that a channel stays open after its incident was resolved; `never`: people archive it. */
  archiveAfterHours: z
    .union([
      z
        .number()
        .min(0)
        .max(24 * 365),
      z.literal('never'),
    ])
    .default(72),
});
export type SlackFile = z.infer<typeof SlackFile>;
