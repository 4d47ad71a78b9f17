import * as z from 'zod';
import { EnvironmentName, ServiceName, Version } from './names.ts';
import { InstantIn, Timestamp } from './time.ts';

/** Why deploys are not allowed. */
export const FreezeCause = z.enum(['budget', 'burn', 'calendar', 'incident', 'pin', 'person']);
export type FreezeCause = z.infer<typeof FreezeCause>;

/** What a freeze holds for. Null is all of them; a team's services are those that the catalogue gives it. */
export const FreezeScope = z.object({
  service: ServiceName.nullable(),
  environment: EnvironmentName.nullable(),
  team: z.string().nullable(),
});
export type FreezeScope = z.infer<typeof FreezeScope>;

/** Whoever did something, as the API knows them. */
const Who = z.string();

/** A permission to deploy during one freeze. */
export const Override = z.object({
  id: z.string(),
  reason: z.string(),
  requested_by: Who,
  requested_at: Timestamp,
  /** A second person, never the one who asked, where policy wants one: until then the override is of no use. */
  needs_approval: z.boolean(),
  approved_by: Who.nullable(),
  approved_at: Timestamp.nullable(),
  withdrawn_by: Who.nullable(),
  withdrawn_at: Timestamp.nullable(),
  /** Absent: none was given. */
  withdrawn_because: z.string().optional(),
  expires_at: Timestamp,
  /** How many deployments may use it. Null: any number until it expires. */
  uses: z.number().int().positive().nullable(),
  /** The deployments that have: each counts once, however often it asks. */
  used_by: z.array(z.object({ deployment: z.string(), at: Timestamp, by: Who })),
  /** Null: any version. */
  version: Version.nullable(),
});
export type Override = z.infer<typeof Override>;

/**
 * A freeze on record. It holds from `starts_at` until `ended_at`, or until `until` where that is earlier; whether it
 * holds is seen at read, never written.
 */
export const Freeze = z.object({
  id: z.string(),
  cause: FreezeCause,
  ...FreezeScope.shape,
  /** In words, for whoever is refused. */
  reason: z.string(),
  /** When it ends, in words. */
  ends_when: z.string(),
  starts_at: Timestamp,
  /** The planned end. Null: it ends when its cause does, or by a person. */
  until: Timestamp.nullable(),
  /** Of budget and burn: not lifted by evaluation before this, so that it does not flap. */
  not_before: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  /** A person, `evaluation`, or `calendar`. */
  ended_by: Who.nullable(),
  end_reason: z.string().nullable(),
  /**
   * When its cause was seen to be over. A person may lift a freeze before that; then the same cause does not freeze again
   * until it was over once.
   */
  settled_at: Timestamp.nullable(),
  opened_by: Who,
  opened_at: Timestamp,
  /** What caused it, by cause: the objective, the incident, the entry of the calendar. */
  slo: z.string().nullable(),
  incident_id: z.string().nullable(),
  calendar: z.string().nullable(),
  overrides: z.array(Override),
});
export type Freeze = z.infer<typeof Freeze>;

/** As it is shown. `over`: it has ended, by its time or otherwise. */
export const FreezeView = Freeze.extend({ state: z.enum(['scheduled', 'in_force', 'over']) });
export type FreezeView = z.infer<typeof FreezeView>;

/** Something besides blanks, control characters, and what is not seen at all. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Why something is done, as a person says it. */
export const SaidReason = z.string().trim().regex(VISIBLE, 'say why; whoever is refused reads it').max(2000);

/** Before this nothing has begun that can still hold: it is another time than the one that was meant. */
const EARLIEST_START = '2000-01-01T00:00:00.000Z';

const StartIn = InstantIn.refine(
  (at) => at >= EARLIEST_START,
  `a beginning before ${EARLIEST_START} is a slip of the pen`,
);

/** What `POST /v1/freezes` takes. Without a scope it holds for everything. */
export const NewFreeze = z
  .strictObject({
    service: ServiceName.nullish().transform((name) => name ?? null),
    environment: EnvironmentName.nullish().transform((name) => name ?? null),
    team: z
      .string()
      .min(1)
      .max(256)
      .nullish()
      .transform((name) => name ?? null),
    reason: SaidReason,
    starts_at: StartIn.nullish().transform((at) => at ?? null),
    until: InstantIn.nullish().transform((at) => at ?? null),
  })
  .refine((scope) => ![scope.service, scope.environment, scope.team].includes('*'), {
    message: 'leave it out instead of *: a freeze without a service is of all of them',
  })
  .refine(({ service, team }) => service === null || team === null, {
    path: ['team'],
    message: 'a freeze is of a service or of a team, not of both',
  });
export type NewFreeze = z.infer<typeof NewFreeze>;

/** What `POST /v1/freezes/{id}/overrides` takes. */
export const NewOverride = z.strictObject({
  reason: SaidReason,
  expires_at: InstantIn,
  uses: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .nullish()
    .transform((uses) => uses ?? null),
  version: Version.nullish().transform((version) => version ?? null),
});
export type NewOverride = z.infer<typeof NewOverride>;
