import * as z from 'zod';
import { EnvironmentName, NAME_MAX_CHARS, ServiceName, Version } from './names.ts';
import { Timestamp } from './time.ts';

/** What is about to be done. */
export const CheckedChange = z.enum(['deploy', 'hotfix', 'rollback', 'security', 'flag']);
export type CheckedChange = z.infer<typeof CheckedChange>;

/** CI systems send variables that nobody has set: blank is not told, as where deployments are recorded. */
const Told = z
  .string()
  .max(NAME_MAX_CHARS)
  .nullish()
  .transform((text) => (text == null || text.trim() === '' ? null : text));

/** What a CD system asks about. Only service and environment are required; an empty text is as good as none. */
export const CheckRequest = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  /** What `POST /v1/deployments` takes as one. */
  version: z
    .union([Version, z.literal('')])
    .nullish()
    .transform((version) => version || null),
  commit: Told,
  /** The CD system's own name for this one deployment, the same in each retry. */
  deployment_id: Told,
  change: CheckedChange.nullish().transform((change) => change ?? ('deploy' as const)),
});
export type CheckRequest = z.infer<typeof CheckRequest>;

export const CheckReasonCode = z.enum([
  /** Nothing speaks against it. */
  'clear',
  'unknown_service',
  'unknown_environment',
  /** Asked under names that differ from the known ones in case or blanks alone: answered as those. */
  'taken_for',
  /** The budget is spent, or nearly. */
  'budget_spent',
  'budget_low',
  /** Too little of its window is known to claim a budget, and there is no more to be read. */
  'budget_partly_known',
  'burn_rate',
  /** A freeze of a budget or a burn rate whose cause is over, kept for its minimum duration. */
  'minimum_duration',
  'calendar',
  'incident',
  'pinned_version',
  'person',
  /** Something that this service depends on is frozen. */
  'dependency_frozen',
  /** What is known of the budget is too old, or could not be read. */
  'stale_data',
  /** Let through: by a recorded override; as a rollback to a version known good; as a kind that policy lets pass. */
  'override',
  'known_good_rollback',
  'exempt_kind',
  /** A rollback that is not to a version known good, or a kind that is not taken on the caller's word. */
  'not_exempt',
  /** At verification only: forged, expired, or for another deployment. */
  'invalid_token',
]);
export type CheckReasonCode = z.infer<typeof CheckReasonCode>;

export const CheckReason = z.object({ code: CheckReasonCode, text: z.string() });
export type CheckReason = z.infer<typeof CheckReason>;

/** What was decided, without what only the outside adds. */
export const Verdict = z.object({
  allowed: z.boolean(),
  verdict: z.enum(['allow', 'warn', 'freeze']),
  reasons: z.array(CheckReason).min(1),
  /** Age of the newest evaluation that the answer rests upon. Null: no objective has a say. */
  data_age_s: z.number().nullable(),
  stale: z.boolean(),
  /** When the answer can change by itself: the next beginning or end of a freeze, an expiry, a forecast. */
  next_transition_at: Timestamp.nullable(),
  /** In words, what has to happen for a refusal to end. Null: nothing is refused. */
  clears_when: z.string().nullable(),
  /** The override that lets it through, or that would at the time of the deployment. */
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
  /** ES256. Only where it is allowed and the deployment has an id. */
  token: z.string().nullable(),
  /** What a client keeps for the time in which Firebreak cannot be reached; ES256. Null: no key is configured. */
  signed_state: z.string().nullable(),
});
export type CheckAnswer = z.infer<typeof CheckAnswer>;
