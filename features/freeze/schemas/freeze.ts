import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { readAs } from '../../../schemas/parsing/read-as.ts';
import { EARLIEST_REPORTED, InstantIn, Timestamp, TOO_EARLY } from '../../../schemas/time/time.ts';
import { requiredText } from '../../../schemas/parsing/free-text.ts';

/** The cause of a freeze. */
export const FreezeCause = z.enum(['budget', 'burn', 'calendar', 'incident', 'pin', 'person']);
export type FreezeCause = z.infer<typeof FreezeCause>;

/** The scope of a freeze. Null means all; the catalogue defines a team's services. */
export const FreezeScope = z.object({
  service: ServiceName.nullable(),
  environment: EnvironmentName.nullable(),
  team: z.string().nullable(),
});
export type FreezeScope = z.infer<typeof FreezeScope>;

/** Name of the caller, as in the API. */
const ActorName = z.string();

/** A permission to deploy during one freeze. */
export const Override = z.object({
  id: z.string(),
  reason: z.string(),
  requested_by: ActorName,
  requested_at: Timestamp,
  /**
   * The override needs the approval of a second person, never the requester, if the policy requires it; until then it
   * is not usable.
   */
  needs_approval: z.boolean(),
  approved_by: ActorName.nullable(),
  approved_at: Timestamp.nullable(),
  withdrawn_by: ActorName.nullable(),
  withdrawn_at: Timestamp.nullable(),
  /** Absent: no reason was given. */
  withdrawn_because: z.string().optional(),
  expires_at: Timestamp,
  /** Number of deployments that may use it. Null: any number until it expires. */
  uses: z.number().int().positive().nullable(),
  /** The deployments that used it; each counts once, however often it asks. */
  used_by: z.array(z.object({ deployment: z.string(), at: Timestamp, by: ActorName })),
  /** Null: any version. */
  version: Version.nullable(),
});
export type Override = z.infer<typeof Override>;

/**
 * A recorded freeze. It is in force from `starts_at` until `ended_at`, or until `until` if that is earlier. This is
 * computed on read, never stored.
 */
export const Freeze = z.object({
  id: z.string(),
  cause: FreezeCause,
  ...FreezeScope.shape,
  /** For people whose deployment is refused. */
  reason: z.string(),
  /** For people: when it ends. */
  ends_when: z.string(),
  starts_at: Timestamp,
  /** The planned end. Null: it ends with its cause, or when a person ends it. */
  until: Timestamp.nullable(),
  /** For budget and burn rate: evaluation does not lift it before this time, so that it does not flap. */
  not_before: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  /** A person, `evaluation`, or `calendar`. */
  ended_by: ActorName.nullable(),
  end_reason: z.string().nullable(),
  /**
   * When its cause was found to be over. A person can lift a freeze earlier; then the same cause does not freeze again
   * until it has been over once.
   */
  settled_at: Timestamp.nullable(),
  opened_by: ActorName,
  opened_at: Timestamp,
  /** The cause: the objective, the incident, or the calendar entry. */
  slo: z.string().nullable(),
  incident_id: IncidentId.nullable(),
  calendar: z.string().nullable(),
  overrides: z.array(Override),
});
export type Freeze = z.infer<typeof Freeze>;

/**
 * As stored. A newer version may have written an unknown cause: the freeze then holds until a person lifts it. Overrides keep
 * unknown fields, because all of them are written back with their freeze.
 */
export const StoredFreeze = Freeze.extend({
  cause: readAs(FreezeCause, 'person'),
  overrides: z.array(Override.loose()),
});

/** As shown. `over`: it has ended by time or otherwise. */
export const FreezeView = Freeze.extend({ state: z.enum(['scheduled', 'in_force', 'over']) });
export type FreezeView = z.infer<typeof FreezeView>;

/** The reason that a person gives. */
export const RequiredReason = requiredText(
  2000,
  'must give a reason; it is shown to everyone whose deployment is refused',
);

/** Nothing that began earlier can still be in force. */
const StartIn = InstantIn.refine((at) => at >= EARLIEST_REPORTED, TOO_EARLY);

/** The body of `POST /v1/freezes`. Without a scope, it applies to everything. */
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
    reason: RequiredReason,
    starts_at: StartIn.nullish().transform((at) => at ?? null),
    until: InstantIn.nullish().transform((at) => at ?? null),
  })
  .refine((scope) => ![scope.service, scope.environment, scope.team].includes('*'), {
    message: 'must not be *; omit it to freeze all services',
  })
  .refine(({ service, team }) => service === null || team === null, {
    path: ['team'],
    message: 'a freeze cannot have both a service and a team',
  });
export type NewFreeze = z.infer<typeof NewFreeze>;

/** The body of `POST /v1/freezes/{id}/overrides`. */
export const NewOverride = z.strictObject({
  reason: RequiredReason,
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
