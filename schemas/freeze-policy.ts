import * as z from 'zod';
import { CalendarEntry, oneOrMore, PassingChange } from './calendar.ts';
import { whyTooWide } from './identity-claims.ts';
import { oneOf } from './synonyms.ts';

const SHARE = 'a share looks like 75% or 0.75, and is at most 1000%';
const SHARE_MAX = 10;

/** Parts of a budget, above 0, to 1 and beyond; `75%` is 0.75. */
const Share = z.union([
  z.number({ error: SHARE }).gt(0, SHARE).max(SHARE_MAX, SHARE),
  z
    .string()
    .regex(/^\s*\d+(\.\d+)?\s*%\s*$/, SHARE)
    .transform((text) => Number.parseFloat(text) / 100)
    .refine((share) => share > 0 && share <= SHARE_MAX, SHARE),
]);

/** As YAML 1.1 reads a bare `off`, too. */
const Off = z.union([z.literal('off'), z.literal(false)]).transform(() => 'off' as const);
const On = z.union([z.literal('on'), z.literal(true)]).transform(() => 'on' as const);

const Budget = z
  .strictObject({
    /** From here on the answer warns. */
    warn: Share.optional(),
    freeze: Share.optional(),
    /** Below `freeze`, so that a freeze does not come and go. */
    liftBelow: Share.optional(),
  })
  .superRefine(({ warn, freeze, liftBelow }, context) => {
    if (freeze !== undefined && liftBelow !== undefined && liftBelow >= freeze)
      context.addIssue({
        code: 'custom',
        path: ['liftBelow'],
        message: `it has to be below "freeze" (${percent(freeze)}), or freezes come and go`,
      });
    if (freeze !== undefined && warn !== undefined && warn > freeze)
      context.addIssue({
        code: 'custom',
        path: ['warn'],
        message: `a warning above "freeze" (${percent(freeze)}) never comes`,
      });
  });

const percent = (share: number): string => `${Number((share * 100).toFixed(4))}%`;

/**
 * An identity token is accepted that has all of `claims`; a value may hold `*` for any text. Claims have to narrow it: an
 * issuer signs tokens for everybody who uses it, and the audience is chosen by whoever asks for the token.
 */
const Identity = z
  .strictObject({
    issuer: z.url({ protocol: /^https?$/, error: 'an issuer is an http or https URL' }),
    audience: z.string().min(1),
    claims: z.record(z.string(), z.string()).default({}),
  })
  .superRefine(({ issuer, claims }, context) => {
    const problem = whyTooWide(issuer, claims);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['claims'], message: problem });
  });
export type Identity = z.infer<typeof Identity>;

const minutes = (min: number, max: number) =>
  z.number().min(min, `at least ${min} minutes`).max(max, `at most ${max} minutes`);

const A_WEEK = 7 * 24 * 60;

/** What a policy may say; what it leaves out, the one before it or the default says. */
export const FreezeRules = z.strictObject({
  /** Shares of the budget that are spent. */
  budget: z.union([Budget, Off]).optional(),
  /** The slowest burn that freezes. */
  burn: z.union([z.enum(['page', 'ticket']), Off]).optional(),
  /** A freeze by budget or burn lasts at least so long. */
  minimumMinutes: minutes(0, A_WEEK).optional(),
  /** Kinds that a freeze lets pass, besides a rollback to a version that is known as earlier and good: it always does. */
  passes: z.union([z.array(PassingChange), PassingChange.transform((kind) => [kind])]).optional(),
  /**
   * Whose word is taken for kinds other than a rollback: identity tokens (OpenID Connect) of a CI system with these
   * claims. Nobody's, where there is none.
   */
  identities: z.array(Identity).optional(),
  /** What the freeze of something that the service depends on does to it. */
  dependants: z.union([z.literal('warn'), On, Off]).optional(),
  /** An open incident of this severity, or of a higher one, freezes. */
  incidents: z.union([z.enum(['critical', 'warning']), Off]).optional(),
  /** What is known is stale when it is older; then deploys are allowed, with a warning, or not. */
  stale: z
    .strictObject({ afterMinutes: minutes(1, 24 * 60).optional(), deploys: z.enum(['allow', 'deny']).optional() })
    .optional(),
  /** For clients that cannot reach Firebreak: how old the last signed state may be, and what without one. */
  outage: z
    .strictObject({ maxAgeMinutes: minutes(0, A_WEEK).optional(), deploys: z.enum(['allow', 'deny']).optional() })
    .optional(),
  overrides: z
    .strictObject({
      /** 2: a second person, who is not the one who asks. */
      people: z.union([z.literal(1), z.literal(2)], { error: '1, or 2: who asks, and somebody else' }).optional(),
      maxHours: z
        .number()
        .min(1, 'at least 1 hour')
        .max(24 * 14, 'at most 336 hours, two weeks')
        .optional(),
    })
    .optional(),
});
export type FreezeRules = z.infer<typeof FreezeRules>;

const Names = oneOrMore(z.string().min(1)).optional();
const Tiers = oneOrMore(z.number().int().min(1, 'tiers are 1 to 4').max(4, 'tiers are 1 to 4')).optional();

type PolicyMatch = { service?: string[]; team?: string[]; environment?: string[]; tier?: number[] };

/** For whom a policy is. What is absent is anything; all that is there has to hold. */
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
    const service = oneOf({ service: match.service, services: match.services }, context);
    const team = oneOf({ team: match.team, teams: match.teams }, context);
    const environment = oneOf({ environment: match.environment, environments: match.environments }, context);
    const tier = oneOf({ tier: match.tier, tiers: match.tiers }, context);
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

/** `config/freeze.yaml`. What is parsed reads the same when it is parsed again. */
export const FreezeFile = z
  .strictObject({
    /** Of every service. */
    defaults: FreezeRules.nullish().transform((rules) => rules ?? {}),
    /** In order: of two that match, the later one says it. */
    policies: z
      .array(Policy)
      .nullish()
      .transform((policies) => policies ?? []),
    /** Freezes that are planned. */
    calendar: z
      .array(CalendarEntry)
      .nullish()
      .transform((entries) => entries ?? []),
    /** A service that the catalogue does not know. */
    unknownService: z.enum(['allow', 'deny']).default('allow'),
    /** An environment that nobody knows of a service. As `unknownService`, unless it is said. */
    unknownEnvironment: z.enum(['allow', 'deny']).optional(),
    /** Deployments that wait at GitHub for a freeze to end: after so long they are rejected. A day, unless said otherwise. */
    gates: z
      .strictObject({
        rejectAfterHours: z
          .number()
          .min(1, 'at least 1 hour')
          .max(24 * 29, 'at most 696 hours: GitHub itself gives up after 30 days'),
      })
      .optional(),
  })
  .superRefine(({ calendar }, context) => {
    for (const [index, { name }] of calendar.entries())
      if (calendar.findIndex((entry) => entry.name === name) < index)
        context.addIssue({
          code: 'custom',
          path: ['calendar', index, 'name'],
          message: `another entry is called ${JSON.stringify(name)}, and a freeze is known by the name of its entry`,
        });
  });
export type FreezeFile = z.infer<typeof FreezeFile>;
