import * as z from 'zod';
import { channelName } from '../../alerts/routes.ts';
import { HttpWith } from './http.ts';
import { Duration, Expression, Template, WholeTemplate } from './values.ts';
import { Repository } from '../../config/endpoint.ts';

/** Upper limit of instances for all runbooks. */
const MAX_INSTANCES = 10_000;

const NoParameters = z.strictObject({}).prefault({});

const Flag = z.strictObject({ flag: Template });

const Count = z.union([z.number().int().min(1).max(MAX_INSTANCES), WholeTemplate]);

const Scale = z
  .strictObject({
    to: Count.optional(),
    /** Number of instances to add. */
    by: Count.optional(),
    /** Multiplies the number of instances; rounded up. */
    factor: z.union([z.number().gt(1).max(10), WholeTemplate]).optional(),
    /** Upper limit of the result. A literal number, so that no expression can raise it. */
    ceiling: z.number().int().min(1).max(MAX_INSTANCES),
  })
  .refine(({ to, by, factor }) => [to, by, factor].filter((given) => given !== undefined).length === 1, {
    message: 'set exactly one of "to", "by", and "factor"',
  });

/** Percent of the traffic. */
const Percent = z.number().gt(0).max(100);

const Reroute = z.strictObject({
  /** Name of the traffic route in the catalogue. Absent: the only one of the environment. */
  route: Template.optional(),
  /** The target that gets less traffic. */
  from: Template,
  /** The target that gets more traffic. */
  to: Template,
  /** How much of the whole traffic is shifted; never more than `from` has. */
  percent: z.union([Percent, WholeTemplate]),
  /** Upper limit of the share of `to` afterwards. A literal number, so that no expression can raise it. */
  ceiling: Percent,
});

const Channel = z.union([
  WholeTemplate,
  z
    .string()
    .transform(channelName)
    .refine((name) => /^#?[^\s#.,@<>&:"'`/$]{1,80}$/.test(name), 'must be a channel, such as #payments'),
]);

const SlackPost = z.strictObject({
  /** Default: the incident's channel, otherwise the service's. */
  channel: Channel.optional(),
  text: Template,
});

const Ticket = z.strictObject({
  title: Template,
  text: Template,
  /** Default: the service's repository. */
  repository: Repository.optional(),
  labels: z.array(z.string().min(1)).default([]),
});

const Limit = z.union([z.number(), WholeTemplate]);

const WaitUntil = z
  .strictObject({
    promql: Template.optional(),
    /** Every series must be at or below this value, in the query's unit. */
    max: Limit.optional(),
    /** Every series must be at or above this value. */
    min: Limit.optional(),
    /** How long the condition must hold without interruption. */
    for: Duration.optional(),
    cel: Expression.optional(),
  })
  .superRefine(({ promql, cel, max, min }, context) => {
    if ((promql === undefined) === (cel === undefined))
      context.addIssue({ code: 'custom', message: 'set either "promql" or "cel"' });
    if (promql !== undefined && max === undefined && min === undefined)
      context.addIssue({ code: 'custom', message: '"promql" requires "max" or "min"' });
    if (cel !== undefined && (max !== undefined || min !== undefined))
      context.addIssue({ code: 'custom', message: '"max" and "min" require "promql"' });
  });

const Approve = z.strictObject({
  text: Template,
  /** Default: everyone who may approve. */
  people: z.array(z.string().min(1)).min(1).optional(),
});

/** Parameters of each kind of step under `with`. */
export const WITH = {
  rollback: NoParameters,
  'flag.disable': Flag,
  'flag.enable': Flag,
  scale: Scale,
  restart: NoParameters,
  reroute: Reroute,
  page: z.strictObject({ note: Template.optional() }).prefault({}),
  'slack.post': SlackPost,
  ticket: Ticket,
  http: HttpWith,
  wait: z.strictObject({ for: Duration }),
  'wait.until': WaitUntil,
  approve: Approve,
  verify: NoParameters,
  note: z.strictObject({ text: Template }),
} as const;

export type StepKind = keyof typeof WITH;

/** Validated parameters of a kind of step. */
export type With<Kind extends StepKind> = z.infer<(typeof WITH)[Kind]>;

/** A step that reverts an action. */
export const Inverse = z.discriminatedUnion('uses', [
  z.strictObject({ uses: z.literal('flag.disable'), with: WITH['flag.disable'] }),
  z.strictObject({ uses: z.literal('flag.enable'), with: WITH['flag.enable'] }),
  z.strictObject({ uses: z.literal('scale'), with: WITH.scale }),
  z.strictObject({ uses: z.literal('restart'), with: WITH.restart }),
  z.strictObject({ uses: z.literal('http'), with: WITH.http }),
]);
export type Inverse = z.infer<typeof Inverse>;
