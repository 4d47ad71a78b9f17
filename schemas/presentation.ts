import * as z from 'zod';
import { TimeZone } from './time-zone.ts';

/** `config/slack.yaml`: how incidents look in Slack. */
export const SlackFile = z.strictObject({
  /** Channels are called so, then the day as YYMMDD, then a number. */
  channelPrefix: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/, 'lower-case letters, digits, - and _')
    .default('incident-'),
  /** Where the days of the channels' names begin and end. */
  timeZone: TimeZone.default('UTC'),
  /** How long a channel stays open after its incident was resolved; `never`: people archive. */
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

/** Words for customers. `{components}` stands for the names of the components; nothing else can get in. */
const Words = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => /^(?:[^{}]|\{components\})*$/.test(text), 'the only placeholder is {components}');

/** `config/status-page.yaml`: what the public is told. Alerts' own words never are. */
export const StatusPageFile = z.strictObject({
  /** Environments that customers use. */
  environments: z.array(z.string().min(1)).min(1).default(['production']),
  /** From which severity on. */
  from: z.enum(['critical', 'warning']).default('critical'),
  /** What a component is while its incident is open, by the incident's severity, and once it has been mitigated. */
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
