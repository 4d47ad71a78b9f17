import { z } from 'zod';
import { CheckedChange } from './freeze-check.ts';

/** Parts of a budget, 0 to 1 and beyond; `75%` is 0.75. */
const Share = z.union([
  z.number().min(0).max(10),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*%$/, 'a share looks like 75% or 0.75')
    .transform((text) => Number.parseFloat(text) / 100),
]);

/** An identity token is accepted that has all of `claims`; a value may hold `*` for any text. */
const Identity = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }),
  audience: z.string().min(1),
  claims: z.record(z.string(), z.string()).default({}),
});
export type Identity = z.infer<typeof Identity>;

/** What a policy may say; what it leaves out, the one before it or the default says. */
export const FreezeRules = z.strictObject({
  /** Shares of the budget that are spent. `liftBelow` is under `freeze`, so that a freeze does not come and go. */
  budget: z
    .strictObject({ warn: Share.optional(), freeze: Share.optional(), liftBelow: Share.optional() })
    .or(z.literal('off'))
    .optional(),
  /** The slowest burn that freezes. */
  burn: z.enum(['page', 'ticket', 'off']).optional(),
  /** A freeze by budget or burn lasts at least so long. */
  minimumMinutes: z
    .number()
    .min(0)
    .max(7 * 24 * 60)
    .optional(),
  /** Kinds that a freeze lets pass. A rollback passes only to a version that is known as earlier and good. */
  passes: z.array(CheckedChange).optional(),
  /**
   * Whose word is taken for kinds other than a rollback: identity tokens (OpenID Connect) of a CI system with these
   * claims. Nobody's, where there is none.
   */
  identities: z.array(Identity).optional(),
  /** What the freeze of something that the service depends on does to it. */
  dependants: z.enum(['off', 'warn', 'on']).optional(),
  /** An open incident of this severity freezes. */
  incidents: z.enum(['off', 'critical', 'warning']).optional(),
  /** What is known is stale when it is older; then deploys are allowed, with a warning, or not. */
  stale: z
    .strictObject({ afterMinutes: z.number().min(1).max(1440).optional(), then: z.enum(['allow', 'deny']).optional() })
    .optional(),
  /** For clients that cannot reach Firebreak: how old the last signed state may be, and what without one. */
  outage: z
    .strictObject({
      maxAgeMinutes: z
        .number()
        .min(0)
        .max(7 * 24 * 60)
        .optional(),
      then: z.enum(['allow', 'deny']).optional(),
    })
    .optional(),
  overrides: z
    .strictObject({
      /** 2: a second person, who is not the one who asks. */
      people: z.union([z.literal(1), z.literal(2)]).optional(),
      maxHours: z
        .number()
        .min(1)
        .max(24 * 14)
        .optional(),
    })
    .optional(),
});
export type FreezeRules = z.infer<typeof FreezeRules>;

const Names = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((names) => (typeof names === 'string' ? [names] : names));

/** For whom a policy is. What is absent is anything; all that is there has to hold. */
const PolicyMatch = z.strictObject({
  service: Names.optional(),
  team: Names.optional(),
  environment: Names.optional(),
  tier: z
    .union([z.number().int(), z.array(z.number().int()).min(1)])
    .transform((tiers) => (typeof tiers === 'number' ? [tiers] : tiers))
    .optional(),
});

/** `config/freeze.yaml`. */
export const FreezeFile = z.strictObject({
  /** Of every service. */
  defaults: FreezeRules.prefault({}),
  /** In order: of two that match, the later one says it. */
  policies: z.array(z.strictObject({ match: PolicyMatch, ...FreezeRules.shape })).default([]),
  /** A service that the catalogue does not know. */
  unknownService: z.enum(['allow', 'deny']).default('allow'),
});
export type FreezeFile = z.infer<typeof FreezeFile>;
