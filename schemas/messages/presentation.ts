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

/** Texts for customers. `{components}` is replaced by the names of the components; other placeholders are refused. */
const Words = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => /^(?:[^{}]|\{components\})*$/.test(text), 'unknown placeholder; only {components} is allowed');

/** `config/status-page.yaml`: what the status page shows. It never shows texts of alerts. */
export const StatusPageFile = z.strictObject({
  /** Environments that customers use. */
  environments: z.array(z.string().min(1)).min(1).default(['production']),
  /** Lowest severity that is published. */
  from: z.enum(['critical', 'warning']).default('critical'),
  /** Status of a component while its incident is open, by severity, and after its mitigation. */
  components: z
    .strictObject({
      critical: z.enum(['degraded_performance', 'partial_outage', 'major_outage']).default('major_outage'),
      warning: z.enum(['degraded_performance', 'partial_outage', 'major_outage']).default('degraded_performance'),
      mitigated: z.enum(['operational', 'degraded_performance', 'partial_outage']).default('degraded_performance'),
    })
    .prefault({}),
  title: Words.default('Problems with {components}'),
  updates: z
    .strictObject({
      investigating: Words.default('We are seeing problems with {components} and are looking into them.'),
      identified: Words.default('We know what causes the problems with {components} and are undoing it.'),
      monitoring: Words.default('A fix for {components} is in place. We are watching whether it holds.'),
      resolved: Words.default('{components} works as usual again. We are sorry for the trouble.'),
    })
    .prefault({}),
});
export type StatusPageFile = z.infer<typeof StatusPageFile>;
