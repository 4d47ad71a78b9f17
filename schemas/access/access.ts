import * as z from 'zod';
import { FEATURE_ACTIONS } from '../../features/names.ts';
import { Mode, NAME_MAX_CHARS } from '../config/names.ts';
import { InstantIn, Timestamp } from '../time/time.ts';
import { freeText } from '../parsing/free-text.ts';

/** Actions that tokens and roles can allow. Every route declares the one that it needs. */
export const Action = z.enum([
  'alerts:write',
  'rollback:request',
  'deployments:read',
  'deployments:write',
  'incidents:read',
  'incidents:write',
  'incidents:act',
  'automation:read',
  'automation:write',
  'versions:read',
  'versions:write',
  'slos:read',
  'slos:write',
  'freezes:check',
  'freezes:read',
  'freezes:write',
  'freezes:override',
  'audit:read',
  'drills:read',
  'drills:write',
  'quarantine:read',
  'quarantine:replay',
  'flagger:gate',
  'canary:judge',
  ...FEATURE_ACTIONS,
  'health:read',
  'metrics:read',
  'tokens:read',
  'tokens:write',
]);
export type Action = z.infer<typeof Action>;

/** What a token or role allows: an action, or `*`, which is each one. */
export const GrantedAction = z.enum([...Action.options, '*']);

/** Permissions of a token. An absent list means no limit. */
const Grant = {
  name: z.string().min(1).max(128),
  actions: z.array(GrantedAction).min(1),
  sources: z
    .array(z.string().max(NAME_MAX_CHARS))
    .nullish()
    .transform((list) => list ?? null),
  services: z
    .array(z.string().max(NAME_MAX_CHARS))
    .nullish()
    .transform((list) => list ?? null),
  environments: z
    .array(z.string().max(NAME_MAX_CHARS))
    .nullish()
    .transform((list) => list ?? null),
};

export const NewToken = z.strictObject({ ...Grant, expires_at: InstantIn.nullish().transform((at) => at ?? null) });
export type NewToken = z.infer<typeof NewToken>;

/** A token as stored: its hash, never the token itself. */
export const TokenRecord = z.object({
  ...Grant,
  id: z.string(),
  expires_at: Timestamp.nullable(),
  created_at: Timestamp,
  created_by: z.string(),
  /** Absent: not revoked. */
  revoked_at: Timestamp.optional(),
  revoked_by: z.string().optional(),
});
export type TokenRecord = z.infer<typeof TokenRecord>;

/** The caller: a token, a person, or a CI identity. */
export type Principal = Pick<TokenRecord, 'name' | 'actions' | 'sources' | 'services' | 'environments' | 'expires_at'>;

/** Mode limits of one service; `environments` holds those of environments that differ. `null` removes a limit. */
const ServiceCaps = z.strictObject({
  mode: Mode.nullish(),
  environments: z.record(z.string().max(NAME_MAX_CHARS), Mode.nullable()).nullish(),
});

/** The body of `PUT /v1/automation`. Omitted settings, services, and environments stay as they are. */
export const AutomationInput = z.strictObject({
  paused: z.boolean().optional(),
  reason: freeText(2000).nullish(),
  /** Limits every service; `null` removes the limit. */
  mode: Mode.nullish(),
  /** `null` removes all limits of a service. */
  services: z.record(z.string().max(NAME_MAX_CHARS), ServiceCaps.nullable()).optional(),
});
export type AutomationInput = z.infer<typeof AutomationInput>;

/** The kill switch and the modes in force. */
export const Automation = z.object({
  paused: z.boolean(),
  reason: z.string().nullable(),
  by: z.string().nullable(),
  at: Timestamp.nullable(),
  mode: Mode.nullable(),
  services: z.record(z.string(), z.object({ mode: Mode.nullable(), environments: z.record(z.string(), Mode) })),
  /** Services whose automation was wrong too often: they are limited to `approve` until a person sets their mode. */
  demoted: z.record(z.string(), z.object({ at: Timestamp, reason: z.string() })).default({}),
});
export type Automation = z.infer<typeof Automation>;

export const untouchedAutomation: Automation = {
  paused: false,
  reason: null,
  by: null,
  at: null,
  mode: null,
  services: {},
  demoted: {},
};
