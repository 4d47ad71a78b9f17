import * as z from 'zod';
import { CalendarEntry, oneOrMore, PassingChange } from './calendar.ts';
import { Identity } from '../../../schemas/access/identity-claims.ts';
import { valueOfAliases } from '../../../schemas/parsing/aliases.ts';

const SHARE = 'must be a share such as 75% or 0.75, at most 1000%';
const SHARE_MAX = 10;

/** A share of a budget, above 0 and possibly above 1; `75%` is 0.75. */
const Share = z.union([
  z.number({ error: SHARE }).gt(0, SHARE).max(SHARE_MAX, SHARE),
  z
    .string()
    .regex(/^\s*\d+(\.\d+)?\s*%\s*$/, SHARE)
    .transform((text) => Number.parseFloat(text) / 100)
    .refine((share) => share > 0 && share <= SHARE_MAX, SHARE),
]);

/** Also accepts `false`, because YAML 1.1 reads a bare `off` as that. */
const Off = z.union([z.literal('off'), z.literal(false)]).transform(() => 'off' as const);
const On = z.union([z.literal('on'), z.literal(true)]).transform(() => 'on' as const);

const Budget = z
  .strictObject({
    /** The answer warns from this share on. */
    warn: Share.optional(),
    freeze: Share.optional(),
    /** Must be below `freeze`, so that a freeze does not flap. */
    liftBelow: Share.optional(),
  })
  .superRefine(({ warn, freeze, liftBelow }, context) => {
    if (freeze !== undefined && liftBelow !== undefined && liftBelow >= freeze)
      context.addIssue({
        code: 'custom',
        path: ['liftBelow'],
        message: `must be below "freeze" (${percent(freeze)}), otherwise freezes flap`,
      });
    if (freeze !== undefined && warn !== undefined && warn > freeze)
      context.addIssue({
        code: 'custom',
        path: ['warn'],
        message: `must be at most "freeze" (${percent(freeze)}), otherwise it never warns`,
      });
  });

const percent = (share: number): string => `${Number((share * 100).toFixed(4))}%`;

const minutes = (min: number, max: number) =>
  z
    .number()
    .min(min, `must be at least ${min} ${min === 1 ? 'minute' : 'minutes'}`)
    .max(max, `must be at most ${max} minutes`);

const WEEK_MINUTES = 7 * 24 * 60;

/** Settings of a policy; omitted settings come from the previous matching policy or from the defaults. */
export const FreezeRules = z.strictObject({
  /** Shares of the budget that are spent. */
  budget: z.union([Budget, Off]).optional(),
  /** The slowest burn rate that freezes. */
  burn: z.union([z.enum(['page', 'ticket']), Off]).optional(),
  /** Minimum duration of a freeze by budget or burn rate. */
  minimumMinutes: minutes(0, WEEK_MINUTES).optional(),
  /**
   * Changes that a freeze allows, in addition to a rollback to an earlier version known to be good, which is always
   * allowed.
   */
  passes: z.union([z.array(PassingChange), PassingChange.transform((kind) => [kind])]).optional(),
  /**
   * Identity tokens (OpenID Connect) of CI systems that prove kinds of changes other than a rollback. Absent: such
   * changes are not accepted.
   */
  identities: z.array(Identity).optional(),
  /** Effect of a dependency's freeze on the service. */
  dependants: z.union([z.literal('warn'), On, Off]).optional(),
  /** An open incident of this severity or a higher one freezes. */
  incidents: z.union([z.enum(['critical', 'warning']), Off]).optional(),
  /** Budget data older than this is stale; deployments are then allowed with a warning, or denied. */
  stale: z
    .strictObject({ afterMinutes: minutes(1, 24 * 60).optional(), deploys: z.enum(['allow', 'deny']).optional() })
    .optional(),
  /** For clients that cannot reach Firebreak: the maximum age of the last signed state, and the answer without one. */
  outage: z
    .strictObject({ maxAgeMinutes: minutes(0, WEEK_MINUTES).optional(), deploys: z.enum(['allow', 'deny']).optional() })
    .optional(),
  overrides: z
    .strictObject({
      /** 2: requires a second person, who is not the requester. */
      people: z
        .union([z.literal(1), z.literal(2)], { error: 'must be 1, or 2 (the requester and a second person)' })
        .optional(),
      maxHours: z
        .number()
        .min(1, 'must be at least 1 hour')
        .max(24 * 14, 'must be at most 336 hours (two weeks)')
        .optional(),
    })
    .optional(),
});
export type FreezeRules = z.infer<typeof FreezeRules>;

const Names = oneOrMore(z.string().min(1)).optional();
const Tiers = oneOrMore(
  z.number().int().min(1, 'must be a tier from 1 to 4').max(4, 'must be a tier from 1 to 4'),
).optional();

type PolicyMatch = { service?: string[]; team?: string[]; environment?: string[]; tier?: number[] };

/** Selects services of a policy. An absent key matches anything; all given keys must match. */
const PolicyMatch = z
  .strictObject({
    service: Names,
    services: Names,
    team: Names,
    teams: Names,
    environment: Names,
    environments: Names,
    tier: Tiers,
    tiers: Tiers,
  })
  .transform((match, context): PolicyMatch => {
    const service = valueOfAliases({ service: match.service, services: match.services }, context);
    const team = valueOfAliases({ team: match.team, teams: match.teams }, context);
    const environment = valueOfAliases({ environment: match.environment, environments: match.environments }, context);
    const tier = valueOfAliases({ tier: match.tier, tiers: match.tiers }, context);
    return {
      ...(service !== undefined && { service }),
      ...(team !== undefined && { team }),
      ...(environment !== undefined && { environment }),
      ...(tier !== undefined && { tier }),
    };
  });

const Policy = z.strictObject({
  /** For people. */
  name: z.string().min(1).optional(),
  match: PolicyMatch,
  ...FreezeRules.shape,
});

/** `config/freeze.yaml`. Parsed output parses to the same value again. */
export const FreezeFile = z
  .strictObject({
    /** For every service. */
    defaults: FreezeRules.nullish().transform((rules) => rules ?? {}),
    /** In order: a later matching policy overrides an earlier one. */
    policies: z
      .array(Policy)
      .nullish()
      .transform((policies) => policies ?? []),
    /** Planned freezes. */
    calendar: z
      .array(CalendarEntry)
      .nullish()
      .transform((entries) => entries ?? []),
    /** Applies to services that are not in the catalogue. */
    unknownService: z.enum(['allow', 'deny']).default('allow'),
    /** Applies to environments that are not known for a service. Absent: same as `unknownService`. */
    unknownEnvironment: z.enum(['allow', 'deny']).optional(),
    /** Deployments that wait at GitHub for the end of a freeze are rejected after this time. Default: one day. */
    gates: z
      .strictObject({
        rejectAfterHours: z
          .number()
          .min(1, 'must be at least 1 hour')
          .max(24 * 29, 'must be at most 696 hours: GitHub itself gives up after 30 days'),
      })
      .optional(),
  })
  .superRefine(({ calendar }, context) => {
    for (const [index, { name }] of calendar.entries())
      if (calendar.findIndex((entry) => entry.name === name) < index)
        context.addIssue({
          code: 'custom',
          path: ['calendar', index, 'name'],
          message: `another entry has the name ${JSON.stringify(name)}; names of entries must be unique`,
        });
  });
export type FreezeFile = z.infer<typeof FreezeFile>;
