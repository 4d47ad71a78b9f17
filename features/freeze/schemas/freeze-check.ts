import * as z from 'zod';
import { KIND_WORDS } from '../../../schemas/changes/words.ts';
import { EnvironmentName, NAME_MAX_CHARS, ServiceName, Version } from '../../../schemas/config/names.ts';
import { spelled } from '../../../schemas/parsing/spelled.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { CheckedChange } from './checked-change.ts';

const CHANGE_WORDS = Object.fromEntries(
  Object.entries(KIND_WORDS).flatMap(([word, kind]) => {
    const { data: checked } = CheckedChange.safeParse(kind);
    return checked === undefined ? [] : [[word, checked] as const];
  }),
);
/** The kind as people and CI systems write it, as for recorded deployments. A blank text counts as absent. */
export const WrittenChange = z.preprocess(
  (written) => (typeof written === 'string' && written.trim() === '' ? undefined : written),
  spelled(CheckedChange, CHANGE_WORDS).nullish(),
);

/** CI systems send unset variables as blank text, which counts as absent, as for recorded deployments. */
const OptionalText = z
  .string()
  .max(NAME_MAX_CHARS)
  .nullish()
  .transform((text) => (text == null || text.trim() === '' ? null : text));

/** The body of a freeze check, sent by a CD system. Only service and environment are required; an empty text counts as absent. */
export const CheckRequest = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  /** Accepts the same versions as `POST /v1/deployments`. */
  version: z
    .union([Version, z.literal('')])
    .nullish()
    .transform((version) => version || null),
  commit: OptionalText,
  /** The CD system's id of this deployment, the same in each retry. */
  deployment_id: OptionalText,
  change: WrittenChange.transform((change) => change ?? ('deploy' as const)),
  /** Someone only looks: no deployment depends on the answer. */
  look: z.literal(true).optional(),
});
export type CheckRequest = z.infer<typeof CheckRequest>;

export const CheckReasonCode = z.enum([
  /** No freeze applies. */
  'clear',
  'unknown_service',
  'unknown_environment',
  /** The given names differ from known ones only in case or spaces; the answer is for the known names. */
  'name_corrected',
  /** The error budget is spent, or nearly spent. */
  'budget_spent',
  'budget_low',
  /** Too little of the window is known to compute a budget, and no more data is available. */
  'budget_partly_known',
  /** Corrections leave periods out of the budget. */
  'budget_corrected',
  'burn_rate',
  /** A budget or burn-rate freeze whose cause is over, kept for its minimum duration. */
  'minimum_duration',
  'calendar',
  'incident',
  'pinned_version',
  'person',
  /** A dependency of this service is frozen. */
  'dependency_frozen',
  /** The budget data is too old, or could not be read. */
  'stale_data',
  /**
   * Allowed by a recorded override, as a rollback to a known good version, or as a kind of change that the policy
   * allows.
   */
  'override',
  'known_good_rollback',
  'exempt_kind',
  /** A rollback that is not to a known good version, or a kind of change that requires an identity token. */
  'not_exempt',
  /** Only at verification: forged, expired, or issued for another deployment. */
  'invalid_token',
]);
export type CheckReasonCode = z.infer<typeof CheckReasonCode>;

/** `text`: one sentence of at most 140 characters. `more`: the rest, each one clause; absent: nothing. */
export const CheckReason = z.object({
  code: CheckReasonCode,
  text: z.string(),
  more: z.array(z.string()).optional(),
});
export type CheckReason = z.infer<typeof CheckReason>;

/** The decision, without fields that are added outside the domain. */
export const Verdict = z.object({
  allowed: z.boolean(),
  verdict: z.enum(['allow', 'warn', 'freeze']),
  reasons: z.array(CheckReason).min(1),
  /** Age of the newest evaluation that the answer is based on. Null: no objective is involved. */
  data_age_s: z.number().nullable(),
  stale: z.boolean(),
  /** When the answer can change by itself: the next start or end of a freeze, an expiry, or a forecast. */
  next_transition_at: Timestamp.nullable(),
  /** For people: what must happen for a refusal to end. Null: nothing is refused. */
  clears_when: z.string().nullable(),
  /**
   * The override that lets the change through. Null: none is needed, or the change is refused. A check of a
   * deployment that starts now counts a use; other checks count none.
   */
  override: z
    .object({
      id: z.string(),
      freeze_id: z.string(),
      reason: z.string(),
      by: z.string(),
      expires_at: Timestamp,
      uses_left: z.number().nullable(),
    })
    .nullable(),
});
export type Verdict = z.infer<typeof Verdict>;

export const CheckAnswer = Verdict.extend({
  evaluated_at: Timestamp,
  decision_id: z.string(),
  /** ES256. Only if the deployment is allowed and has an id. */
  token: z.string().nullable(),
  /** The state that a client stores for times when Firebreak cannot be reached; ES256. Null: no key is configured. */
  signed_state: z.string().nullable(),
});
export type CheckAnswer = z.infer<typeof CheckAnswer>;

/** A recorded decision, as the API returns it. */
export const FreezeDecisionView = z.object({
  id: z.string(),
  at: Timestamp,
  by: z.string(),
  request: CheckRequest,
  verdict: Verdict,
  /** Everything that the verdict was computed from. */
  inputs: z.unknown(),
  /** How often it was requested, and when last. */
  count: z.number(),
  last_at: Timestamp,
  /** It also counts later decisions of the caller on that day, which differ in version, commit, deployment, or times. */
  aggregated: z.boolean(),
});
