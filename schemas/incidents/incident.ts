import * as z from 'zod';
import { ChangeKind } from '../changes/change.ts';
import { ChangeId, EnvironmentName, IncidentId, ServiceName, Severity, Version } from '../config/names.ts';
import { Handling, Roles } from '../people/response-roles.ts';
import { Timestamp } from '../time/time.ts';
import { ReadReasonCode, Reason } from './reason.ts';
import { SimilarIncident } from './similar.ts';

export const IncidentStatus = z.enum(['open', 'mitigating', 'mitigated', 'resolved']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

/**
 * How an incident was closed. `verified`: the source reported that its alerts have ended, and what was done about it passed its
 * verification. `person`: a person resolved it. `unverified`: nothing has shown that the service recovered, or health was above its limit.
 */
export const ClosedAs = z.enum(['verified', 'person', 'unverified']);
export type ClosedAs = z.infer<typeof ClosedAs>;

/** Why an incident can't be reopened by a person, even if it is resolved. */
export const NotReopenable = z.enum(['group', 'unmatched']);
export type NotReopenable = z.infer<typeof NotReopenable>;

/** A change ranked as the probable cause. */
export const Suspect = z.object({
  change_id: ChangeId,
  version: Version,
  /** Service that was changed. Absent: the one of the incident, or an older version has recorded it. */
  service: ServiceName.optional(),
  /** 0 to 1. */
  confidence: z.number(),
  reasons: z.array(z.string()),
});
export type Suspect = z.infer<typeof Suspect>;

/** A change that was suspected, and is not the cause. It is not shown as a suspect of this incident until that is taken back. */
export const ClearedSuspect = z.object({
  change_id: ChangeId,
  service: ServiceName,
  version: Version,
  /** Absent: it was excluded without reading the change. */
  kind: ChangeKind.optional(),
  by: z.string(),
  at: Timestamp,
  /**
   * What excludes it: a person rejected its rollback, the problem went on after its rollback, or a person named another cause when
   * resolving the incident. Absent: a person cleared it, so that Firebreak does not judge it again.
   */
  because: z.enum(['rejected', 'did_not_help', 'resolved']).optional(),
  /** What the person wrote. Absent: nothing. */
  note: z.string().optional(),
  /** Who took it back, and when. Absent: still ruled out. */
  restored: z.object({ by: z.string(), at: Timestamp }).optional(),
});
export type ClearedSuspect = z.infer<typeof ClearedSuspect>;

/**
 * How an effect is completed if the process dies during it; see docs/explanation/effects.md. `keyed`: by a repeat with the
 * same key. `findable`: by a repeat, unless a search finds the effect. `convergent`: by setting the same state again.
 * `repeatable`: by a repeat that can take effect twice. `once-or-ask`: by a person.
 */
export const EffectClass = z.enum(['keyed', 'findable', 'convergent', 'repeatable', 'once-or-ask']);
export type EffectClass = z.infer<typeof EffectClass>;

/** `intended`: about to be done, or unclear whether it was. `accepted`: the target is working on it. */
export const EffectState = z.enum(['intended', 'accepted', 'succeeded', 'failed', 'withheld', 'superseded']);
export type EffectState = z.infer<typeof EffectState>;

/** One call that changes the outside world: intent before it, outcome after it. */
export const Effect = z.object({
  key: z.string(),
  kind: z.enum([
    'page',
    'page-fallback',
    'page-note',
    'page-update',
    'page-acknowledge',
    'page-resolve',
    'roll-back',
    'flag',
    'scale',
    'restart',
    'reroute',
    'look',
    'http',
    'ticket',
    'slack',
  ]),
  target: z.string(),
  class: EffectClass,
  state: EffectState,
  at: Timestamp,
  detail: z.string(),
  /** The effect goes to a stand-in of the sandbox: no person is notified, and no real system is changed. */
  stand_in: z.literal(true).optional(),
  /** A page that another system has sent: Firebreak follows its incident and opens none of its own. */
  followed: z.object({ id: z.string(), url: z.string().nullable(), assigned_to: z.array(z.string()) }).optional(),
  /** A page of a child that stands for this page of its parent: nothing was sent. */
  taken_over: z.object({ incident_id: IncidentId, number: z.int().positive() }).optional(),
  /** The incident whose workflow resolves a page that stands for a group, or whose decision the page of a group shows. */
  owner: IncidentId.optional(),
  /** The service and the resource that it changes; both are locked during the effect. */
  service_environment: z.object({ service: ServiceName, environment: EnvironmentName }).optional(),
  resource: z.string().optional(),
  /** The feature flag that it sets, and who requested that. Absent: it sets none. `by` absent: automation. */
  flag: z.object({ name: z.string(), on: z.boolean(), by: z.string().optional() }).optional(),
});
export type Effect = z.infer<typeof Effect>;

export const TimelineEntry = z.object({
  at: Timestamp,
  /** `firebreak`, or the caller: `person:ada`, `token:ci`. */
  actor: z.string(),
  kind: z.string(),
  text: z.string(),
  detail: z.unknown(),
});
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** Roll back now, request approval, look again in a minute, suggest an action, only record it (shadow), or nothing can be done. */
export const DecisionKind = z.enum(['roll_back', 'approve', 'wait', 'suggest', 'shadow', 'none']);
export type DecisionKind = z.infer<typeof DecisionKind>;

/** What a decision in shadow mode would have been without that mode. */
export const Would = z.object({
  kind: DecisionKind.extract(['roll_back', 'approve', 'suggest']),
  reasons: z.array(Reason),
});
export type Would = z.infer<typeof Would>;

/** State of a decision that requests approval. */
/** `withdrawn`: nobody needs to answer the question any more. */
export const DecisionState = z.enum(['final', 'waiting', 'approved', 'rejected', 'expired', 'withdrawn']);
export type DecisionState = z.infer<typeof DecisionState>;

/** `answered_by` of a request that was approved by time-out, since no one objected. */
export const NOBODY_OBJECTED = 'firebreak:nobody objected in time';

/** An act that a question offers. An approval names its digest. */
export const Offer = z.object({
  digest: z.string(),
  change_id: ChangeId,
  act: z.enum(['roll_back', 'turn_off_flag']),
  service: ServiceName,
  environment: EnvironmentName,
  /** Version to roll back, or the key of the flag. */
  from_version: Version,
  /** Null: for a flag. */
  to_version: Version.nullable(),
});
export type Offer = z.infer<typeof Offer>;

export const DecisionView = z.object({
  id: z.string(),
  kind: DecisionKind,
  /** The code of the first of `reasons`. */
  because: ReadReasonCode,
  at: Timestamp,
  /** Hash of the decision and all its inputs. An approval names the hash that it approves. */
  digest: z.string(),
  state: DecisionState,
  from_version: Version.nullable(),
  to_version: Version.nullable(),
  reasons: z.array(Reason),
  /** Who answered the question, or withdrew it. */
  answered_by: z.string().nullable(),
  /** Why and when a question was withdrawn, and whether what it asks for was done meanwhile. Absent: it was not withdrawn. */
  withdrawn: z.object({ because: z.string(), done: z.boolean(), at: Timestamp }).optional(),
  /** Why nothing was done although it was approved, such as because another version runs. Absent: something was, or will be. */
  not_done: z.string().optional(),
  /** Until when a question can be answered. Absent: it asks nothing, or an older version asked. */
  answer_until: Timestamp.optional(),
  /** What a runbook asks approval for, if it is not a rollback. */
  question: z.string().optional(),
  /** Only in shadow mode. Absent also in decisions of older versions. */
  would: Would.optional(),
  /** For a decision in shadow mode: a person marked it as wrong. Absent: not marked. */
  marked_wrong: z.object({ by: z.string(), at: Timestamp, note: z.string() }).optional(),
  /** What would be rolled back: usually the failing service. Absent in decisions of older versions. */
  target: z.object({ service: ServiceName, environment: EnvironmentName }).nullable().default(null),
  /**
   * Acts to choose from, if the question is not simply whether to roll back `from_version`. An approval names the digest
   * of one of them. Absent: there is no choice.
   */
  offers: z.array(Offer).optional(),
  /** The digest of the chosen act. Absent: none was chosen yet. */
  chosen: z.string().optional(),
  /** A person can have the two versions tested before answering. Absent: they can't be, or automation does it. */
  testable: z.literal(true).optional(),
  /** Number of required approvals, and who has approved. */
  approvals: z.object({ needed: z.number(), given: z.array(z.string()) }).default({ needed: 1, given: [] }),
  /** Seconds until the next decision, of a decision to wait. Of older versions, which waited for 60, it is absent. */
  wait_seconds: z.number().optional(),
});
export type DecisionView = z.infer<typeof DecisionView>;

/** A rollback by its number, a runbook, or the redeploy of an earlier version by a person, which is the change. */
const Mitigation = z.object({
  number: z.number(),
  runbook: z.number().optional(),
  change: ChangeId.optional(),
  at: Timestamp.optional(),
  /** A verification has failed: whatever ended the problem later is something else. */
  failed: z.literal(true).optional(),
});

/** Whether a mitigation has helped. */
const Verification = z.enum(['not_needed', 'pending', 'passed', 'failed', 'inconclusive']);

const RequestRecord = z.object({ by: z.string(), at: Timestamp });

/** The last requests of people. Absent: none yet. */
export const LastRequests = z.object({
  /** Who turned the automation of the incident off or on. */
  switched: RequestRecord.extend({ action: z.enum(['pause', 'resume', 'abort']) }).optional(),
  rollback: RequestRecord.extend({ from: Version.nullable(), to: Version.nullable() }).optional(),
  /** `note`: what the person wrote, as the cause. Absent: nothing. */
  resolve: RequestRecord.extend({ note: z.string().optional() }).optional(),
});
export type LastRequests = z.infer<typeof LastRequests>;

/**
 * A period of an incident in which the status page and the SLIs of the service contradicted each other. Describes the
 * newest period, and the total of earlier ones.
 */
export const PageContradiction = z.object({
  /** `shown_operational`: although the SLIs are bad. `shown_impaired`: although they are good. */
  kind: z.enum(['shown_operational', 'shown_impaired']),
  /** Names of the components of the status page. */
  components: z.array(z.string()),
  since: Timestamp,
  /** When it was last seen: checked each minute. */
  seen: Timestamp,
  /** A later check found that they agree. */
  over: z.boolean(),
  /** Total of earlier contradictions of this incident. */
  earlier_seconds: z.number(),
});
export type PageContradiction = z.infer<typeof PageContradiction>;

/**
 * A problem of an incident before the open one, as it was known when the next one began: an incident can have several, such as a
 * second bad deploy after the rollback of the first.
 */
export const EarlierProblem = z.object({
  /** When it began: the start of its first alert or, without an alert, of the bad samples or of the incident. */
  at: Timestamp,
  /** Title of the incident while it was open. Absent: an older version has recorded it. */
  title: z.string().optional(),
  /** Name of the change after which it began, while the problem before it went on. Absent: that one had ended, or it is the first. */
  after_change: z.string().optional(),
  /** From when on that change could be the cause. Absent: there is none, or an older version has recorded it. */
  after_change_at: Timestamp.optional(),
  /** Number of the newest judgement about it. */
  judged: z.number(),
  /** Those that its newest judgement named. */
  suspects: z.array(Suspect),
  /** The newest mitigation of it. Absent: nothing was mitigated. */
  mitigation: Mitigation.optional(),
  /** Whether that has helped. */
  verification: Verification,
  /** When it had ended. Absent: it went on when the next one began, or nothing has shown its end. */
  recovered_at: Timestamp.optional(),
});
export type EarlierProblem = z.infer<typeof EarlierProblem>;

/** The incident's own item; signals, timeline, effects, and decisions are items beside it. */
export const IncidentRecord = z.object({
  id: IncidentId,
  /** 1, 2, 3 …, with gaps; shown as `INC-42`. Absent: stored before numbers existed. */
  number: z.int().positive().optional(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The service name in unmatched alerts; null for a service in the catalogue. */
  unmatched: z.string().nullable(),
  /** Names the open problem: the one that the newest alerts began. */
  title: z.string(),
  severity: Severity,
  status: IncidentStatus,
  opened_at: Timestamp,
  /** Start of the first alert that opened it. Absent: no alert did, or an older version has recorded it. */
  began_at: Timestamp.optional(),
  resolved_at: Timestamp.nullable(),
  resolved_by: z.string().nullable(),
  /** Absent: open, or resolved before this was recorded. */
  closed_as: ClosedAs.optional(),
  /** When returning alerts last reopened it. Absent: never. */
  reopened_at: Timestamp.optional(),
  /** When its problem returned after a resolution, before anything was mitigated. Absent: never, or an older version has recorded it. */
  returned_at: Timestamp.optional(),
  /** The person who reopened it, and who therefore resolves it. Absent: no person did, last time. */
  reopened_by: z.string().optional(),
  signal_count: z.number(),
  /** Number of episodes that have not resolved or, of a resolved incident, had not when it was. */
  firing: z.number(),
  /** Number of alerts that are only last seen: neither repeated nor ended for a day. Absent: none. */
  last_seen_alerts: z.number().optional(),
  /** On a parent incident: a child closed without a proof of recovery. */
  unverified_children: z.literal(true).optional(),
  requests_rollback: z.boolean(),
  suspects: z.array(Suspect),
  /** Changes that were suspected and excluded, including those taken back. Absent: none. */
  cleared: z.array(ClearedSuspect).optional(),
  /** Sequence number of the newest inbox row; the workflow has read everything up to `consumed_seq`. */
  seq: z.number(),
  consumed_seq: z.number(),
  /** The workflow run in charge, and the last one that has started. */
  run: z.number(),
  started_run: z.number(),
  /**
   * Sequence number of the message for which `run` took over, since the previous run could not read it. Absent: none.
   */
  unreadable: z.number().optional(),
  /** How many runs in a row took over for an unreadable message, and after a failed run. Absent: none. */
  unreadable_runs: z.number().optional(),
  failed_runs: z.number().optional(),
  /** When the newest of these failed runs was replaced. */
  failed_at: Timestamp.optional(),
  /** Who asked that run to resolve the incident. Absent: no one. */
  resolve_by: z.string().optional(),
  /** The engine's id of that run; null until one has begun. */
  execution: z.string().nullable(),
  /** Callbacks to complete when a message arrives, by the waiter's name. */
  callbacks: z.record(z.string(), z.string()),
  /** Count of repeated notifications of known alerts. Shows whether the incident is quiet without an inbox row each. */
  renotified: z.number(),
  /** Number of the newest page, which the group or an external sender can have sent instead. */
  pages: z.number(),
  /** Count of pages that a pager accepted from Firebreak for this incident. Absent: none, or an older version has sent them. */
  paged: z.number().optional(),
  /** A caller has written a note. Absent: none has, or an older version has recorded it. */
  noted: z.literal(true).optional(),
  /** Number of the newest judgement, and of its decision. */
  mitigations: z.number(),
  verification: Verification,
  /**
   * Subject of the verification: the newest mitigation, a rollback by its number, a runbook, or the `change` by which a person
   * has put an earlier version live again. Absent: nothing was done yet.
   */
  verifying: Mitigation.optional(),
  /**
   * When the problem before the newest mitigation had ended: all alerts ended, or health was within its limit for two
   * minutes. Absent: nothing was mitigated, it has not ended, or another problem has begun.
   */
  recovered_at: Timestamp.optional(),
  /** The newest problem that began after the recovery from an earlier one, or after a newer change. Absent: there is only one. */
  new_onset: z
    .object({
      at: Timestamp,
      /** When the problem before it had ended, or from when on `after_change` could be the cause. */
      recovered_at: Timestamp,
      /**
       * The change after which it began, while alerts of the problem before it still fired. Absent: that one had ended.
       * `mitigated_at`: time of `after`.
       */
      after_change: z.object({ id: ChangeId, name: z.string(), mitigated_at: Timestamp.optional() }).optional(),
      /** Sequence number of its message. */
      seq: z.number(),
      /** Number of the newest judgement of the problems before it. */
      judged: z.number(),
      /** The newest mitigation before it. Absent: nothing was mitigated, so the problem before it goes on. */
      after: Mitigation.omit({ at: true }).optional(),
      /** Number of pages before it. Absent: it does not page. */
      pages: z.number().optional(),
    })
    .optional(),
  /** Its alerts have ended, but health was above its limit then: since when and until when it waits. Absent: it has not waited for that. */
  waits_for_health: z.object({ since: Timestamp, until: Timestamp }).optional(),
  /** The problems before the open one, oldest first. Absent: there is only one, or an older version has recorded them. */
  earlier_problems: z.array(EarlierProblem).optional(),
  automation_paused: z.boolean(),
  /** A person declared it, so it does not end when no alert fires. Absent: alerts opened it. */
  by_hand: z.literal(true).optional(),
  /** The person who opened it. Absent: opened by alerts, or before this was recorded. */
  opened_by: z.string().optional(),
  last_requests: LastRequests.optional(),
  /** When pages were sent again, because no one had acknowledged. */
  escalated: z.array(Timestamp).optional(),
  /** An event opened it, such as a failed deployment, which will not be reported as resolved. */
  by_event: z.literal(true).optional(),
  /** No alert of the open problem was measured yet. Absent: one was, or an older version has recorded it. */
  unmeasured: z.literal(true).optional(),
  /** Whether to page for it. Absent: depends on its severity. */
  page: z.boolean().optional(),
  /** When alerts joining the shared incident of unmatched alerts last caused another page. */
  paged_again_at: Timestamp.optional(),
  /** The parent incident, when many fail at once. */
  parent_id: IncidentId.optional(),
  /** Present on a parent incident: why its children belong together. */
  group_reason: z
    .object({ because: z.enum(['many', 'shared_dependency']), name: z.string(), text: z.string() })
    .optional(),
  /**
   * On a parent incident: the one child with an automatic rollback. `key`: of the effect; absent if the child was rolled
   * back before it joined, automatically or not. Absent: no child was rolled back.
   */
  group_rollback: z
    .object({ incident_id: IncidentId, number: z.number().optional(), key: z.string().optional() })
    .optional(),
  /** Name of its channel in the chat: `#incident-2611201`. */
  channel: z.string().optional(),
  /** The chat's id of the channel. */
  channel_id: z.string().optional(),
  /** When the channel was first known. Absent: it has none, or an older version has recorded it. */
  channel_opened_at: Timestamp.optional(),
  /** The channel is one of the sandbox's stand-in. */
  channel_stand_in: z.literal(true).optional(),
  /** Channels of teams that get a line, in addition to the service's own. */
  notified_channels: z.array(z.string()).optional(),
  /** Some of its alerts are silenced or in maintenance: by whom and how long. */
  muted: z.object({ text: z.string() }).nullable().optional(),
  /** Roles of people. Absent: none assigned. */
  roles: Roles.optional(),
  /** Absent: no acknowledgment, triage, or update yet. */
  handling: Handling.optional(),
  /** Counts changes of roles and acknowledgment. */
  amended: z.number().optional(),
  /** The person who approved the status page update. */
  published_by: z.string().optional(),
  /** Absent: none was found. */
  page_contradiction: PageContradiction.optional(),
  /** Earlier incidents that resemble it. Absent: none was found, or it was not compared yet. */
  similar: z.array(SimilarIncident).optional(),
  /** Trace id of the request that opened it. */
  trace: z.string(),
});
export type IncidentRecord = z.infer<typeof IncidentRecord>;

/** An incident as the API shows it. */
export const IncidentView = IncidentRecord.pick({
  id: true,
  service: true,
  environment: true,
  title: true,
  severity: true,
  status: true,
  opened_at: true,
  resolved_at: true,
  signal_count: true,
  suspects: true,
}).extend({
  /** Shown as `INC-42`. Null: stored before numbers existed. */
  number: z.int().positive().nullable().default(null),
  /** How it was closed. Null: it is open. */
  closed_as: ClosedAs.nullable().default(null),
  /** Why a person can't reopen it, even if it is resolved. Null: a person can. */
  not_reopenable: NotReopenable.nullable().default(null),
  /** Number of alerts that fire; on a parent, those of its open children. 0 also if an older version sent it. */
  firing: z.number().default(0),
  /** The status in words, such as `mitigated and verified`. Empty: sent by an older version. */
  status_text: z.string().default(''),
  parent_id: IncidentId.nullable(),
  /** For a parent: the number of child incidents, of those open, and of firing alerts in them. */
  children: z.object({ incidents: z.number(), open: z.number(), firing: z.number() }).optional(),
  channel: z.string().nullable(),
  roles: z.record(z.string(), z.string()),
  /** The cause that a person wrote when resolving it, unless a rollback has ended it. Null: none. */
  cause: z.string().nullable().default(null),
  /** Changes that were suspected and excluded. */
  cleared: z.array(ClearedSuspect).default([]),
  /** For how long the status page and the SLIs of the service contradicted each other, and when last. */
  page_contradiction: PageContradiction.omit({ earlier_seconds: true })
    .extend({ minutes: z.number() })
    .nullable()
    .default(null),
  /** The problems before the open one, oldest first. `suspects` are those of the open one. */
  earlier_problems: z.array(EarlierProblem).default([]),
  /** What keeps it open. Empty: it is resolved. Absent: in lists. */
  open_because: z.array(z.string()).optional(),
  decisions: z.array(DecisionView),
  effects: z.array(Effect),
});
export type IncidentView = z.infer<typeof IncidentView>;

/** The fields that decide how the state of an open incident is worded. */
export const STATUS_FIELDS = {
  status: true,
  verification: true,
  verifying: true,
  new_onset: true,
  recovered_at: true,
  reopened_at: true,
  reopened_by: true,
  returned_at: true,
} as const satisfies Partial<Record<keyof IncidentRecord, true>>;
