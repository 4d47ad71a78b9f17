import * as z from 'zod';
import { Repository } from '../deployers.ts';
import { channelName } from '../routes.ts';
import { HttpWith } from './http.ts';
import { Duration, Expression, Template, WholeTemplate } from './values.ts';

/** More instances than this are never asked for, whatever a runbook says. */
const MAX_INSTANCES = 10_000;

const Nothing = z.strictObject({}).prefault({});

const Flag = z.strictObject({ flag: Template });

const Count = z.union([z.number().int().min(1).max(MAX_INSTANCES), WholeTemplate]);

const Scale = z
  .strictObject({
    to: Count.optional(),
    /** So many more than there are. */
    by: Count.optional(),
    /** So many times as many as there are, rounded up. */
    factor: z.union([z.number().gt(1).max(10), WholeTemplate]).optional(),
    /** Never more than this, whatever the rest says. Written out: nothing can raise it. */
    ceiling: z.number().int().min(1).max(MAX_INSTANCES),
  })
  .refine(({ to, by, factor }) => [to, by, factor].filter((given) => given !== undefined).length === 1, {
    message: 'say one of "to", "by" and "factor"',
  });

const Channel = z.union([
  WholeTemplate,
  z
    .string()
    .transform(channelName)
    .refine((name) => /^#?[^\s#.,@<>&:"'`/$]{1,80}$/.test(name), 'a channel is written #payments'),
]);

const SlackPost = z.strictObject({
  /** Absent: the incident's own, else the service's. */
  channel: Channel.optional(),
  text: Template,
});

const Ticket = z.strictObject({
  title: Template,
  text: Template,
  /** Absent: the service's. */
  repository: Repository.optional(),
  labels: z.array(z.string().min(1)).default([]),
});

const Limit = z.union([z.number(), WholeTemplate]);

const WaitUntil = z
  .strictObject({
    promql: Template.optional(),
    /** In the query's own unit; every series has to be at or below. */
    max: Limit.optional(),
    /** Every series has to be at or above. */
    min: Limit.optional(),
    /** How long it has to hold without a break. */
    for: Duration.optional(),
    cel: Expression.optional(),
  })
  .superRefine(({ promql, cel, max, min }, context) => {
    if ((promql === undefined) === (cel === undefined))
      context.addIssue({ code: 'custom', message: 'say one of "promql" and "cel"' });
    if (promql !== undefined && max === undefined && min === undefined)
      context.addIssue({ code: 'custom', message: 'with "promql" goes "max" or "min"' });
    if (cel !== undefined && (max !== undefined || min !== undefined))
      context.addIssue({ code: 'custom', message: '"max" and "min" go with "promql"' });
  });

const Approve = z.strictObject({
  text: Template,
  /** Absent: whoever may approve. */
  people: z.array(z.string().min(1)).min(1).optional(),
});

/** What each kind of step takes under `with`. */
export const WITH = {
  rollback: Nothing,
  'flag.disable': Flag,
  'flag.enable': Flag,
  scale: Scale,
  restart: Nothing,
  page: z.strictObject({ note: Template.optional() }).prefault({}),
  'slack.post': SlackPost,
  ticket: Ticket,
  http: HttpWith,
  wait: z.strictObject({ for: Duration }),
  'wait.until': WaitUntil,
  approve: Approve,
  verify: Nothing,
  note: z.strictObject({ text: Template }),
} as const;

export type StepKind = keyof typeof WITH;

/** What goes with a step of this kind, as it was checked. */
export type With<Kind extends StepKind> = z.infer<(typeof WITH)[Kind]>;

/** By which an act is taken back. */
export const Inverse = z.discriminatedUnion('uses', [
  z.strictObject({ uses: z.literal('flag.disable'), with: WITH['flag.disable'] }),
  z.strictObject({ uses: z.literal('flag.enable'), with: WITH['flag.enable'] }),
  z.strictObject({ uses: z.literal('scale'), with: WITH.scale }),
  z.strictObject({ uses: z.literal('restart'), with: WITH.restart }),
  z.strictObject({ uses: z.literal('http'), with: WITH.http }),
]);
export type Inverse = z.infer<typeof Inverse>;
