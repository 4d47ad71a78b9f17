import * as z from 'zod';
import { ChangeKind } from './change.ts';
import { ChangeId, EnvironmentName, IncidentId, ServiceName, Severity, Version } from './names.ts';
import { Care, Roles } from './response-roles.ts';
import { Timestamp } from './time.ts';

export const IncidentStatus = z.enum(['open', 'mitigating', 'mitigated', 'resolved']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

/** A change ranked as the probable cause. */
export const Suspect = z.object({
  change_id: ChangeId,
  version: Version,
  /** 0 to 1. */
  confidence: z.number(),
  reasons: z.array(z.string()),
});
export type Suspect = z.infer<typeof Suspect>;

/** A change that a person has said not to be the cause. Until that is taken back it is no suspect of this incident. */
export const Cleared = z.object({
  change_id: ChangeId,
  service: ServiceName,
  version: Version,
  kind: ChangeKind,
  by: z.string(),
  at: Timestamp,
  /** It may be the cause after all, as somebody says. Absent: nobody does. */
  back: z.object({ by: z.string(), at: Timestamp }).optional(),
});
export type Cleared = z.infer<typeof Cleared>;

/** Why something is or is not done: a code that programs read, and words for people. */
export const Reason = z.object({ code: z.string(), text: z.string() });
export type Reason = z.infer<typeof Reason>;

/** The guarantee that an effect gives when the process dies around it; see docs/effects.md. */
export const EffectClass = z.enum(['keyed', 'findable', 'convergent', 'repeatable', 'once-or-ask']);
export type EffectClass = z.infer<typeof EffectClass>;

/** `intended`: about to be done, or unclear whether it was. `accepted`: the other side took it and is working on it. */
export const EffectState = z.enum(['intended', 'accepted', 'succeeded', 'failed', 'withheld', 'superseded']);
export type EffectState = z.infer<typeof EffectState>;

/** One call that changes the outside world: intent before it, outcome after it. */
export const Effect = z.object({
  key: z.string(),
  kind: z.enum([
    'page',
    'page-fallback',
    'page-note',
    'page-acknowledge',
    'page-resolve',
    'roll-back',
    'flag',
    'scale',
    'restart',
    'http',
    'ticket',
    'slack',
  ]),
  target: z.string(),
  class: EffectClass,
  state: EffectState,
  at: Timestamp,
  detail: z.string(),
  /** It goes to a stand-in of the sandbox: no person is notified by it, and no real system changed. */
  stand_in: z.literal(true).optional(),
  /** A page that others have sent: their incident is followed, and none of ours was opened. */
  followed: z.object({ id: z.string(), url: z.string().nullable(), assigned_to: z.array(z.string()) }).optional(),
  /** Whose service it changes, and what exactly: nothing else changes that meanwhile. */
  place: z.object({ service: ServiceName, environment: EnvironmentName }).optional(),
  resource: z.string().optional(),
});
export type Effect = z.infer<typeof Effect>;

export const TimelineEntry = z.object({
  at: Timestamp,
  /** `firebreak`, or who: `person:ada`, `token:ci`. */
  actor: z.string(),
  kind: z.string(),
  text: z.string(),
  detail: z.unknown(),
});
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** Roll back now, ask a person, say what a person could do, say nothing (shadow), or nothing can be done. */
export const DecisionKind = z.enum(['roll_back', 'approve', 'suggest', 'shadow', 'none']);
export type DecisionKind = z.infer<typeof DecisionKind>;

/** What a decision in shadow mode would have been without that mode. */
export const Would = z.object({
  kind: DecisionKind.extract(['roll_back', 'approve', 'suggest']),
  reasons: z.array(Reason),
});
export type Would = z.infer<typeof Would>;

/** Where a decision that asks stands. */
export const DecisionState = z.enum(['final', 'waiting', 'approved', 'rejected', 'expired']);
export type DecisionState = z.infer<typeof DecisionState>;

/** `answered_by` of a question that was taken for agreed, since nobody had objected in its time. */
export const NOBODY_OBJECTED = 'firebreak:nobody objected in time';

export const DecisionView = z.object({
  id: z.string(),
  kind: DecisionKind,
  /** The code of the first of `reasons`. */
  because: z.string(),
  at: Timestamp,
  /** Of the decision and all its inputs. An approval names the one it answers. */
  digest: z.string(),
  state: DecisionState,
  from_version: Version.nullable(),
  to_version: Version.nullable(),
  reasons: z.array(Reason),
  answered_by: z.string().nullable(),
  /** What a runbook wants to do; it is asked about this, and not about a rollback. */
  question: z.string().optional(),
  /** Only of a decision in shadow mode. Absent also in decisions of older versions. */
  would: Would.optional(),
  /** Of a decision in shadow mode: a person says that it was wrong. Absent: nobody does. */
  marked_wrong: z.object({ by: z.string(), at: Timestamp, note: z.string() }).optional(),
  /** What would be rolled back: most often the service that fails. Absent in decisions of older versions. */
  target: z.object({ service: ServiceName, environment: EnvironmentName }).nullable().default(null),
  /** How many people have to be for it, and who is. */
  approvals: z.object({ needed: z.number(), given: z.array(z.string()) }).default({ needed: 1, given: [] }),
});
export type DecisionView = z.infer<typeof DecisionView>;

const Asked = z.object({ by: z.string(), at: Timestamp });

/** What people asked for last. Absent: nothing yet. */
export const AskedLast = z.object({
  /** Who turned the automation of the incident off or on. */
  switched: Asked.extend({ action: z.enum(['pause', 'resume', 'abort']) }).optional(),
  rollback: Asked.extend({ from: Version.nullable(), to: Version.nullable() }).optional(),
  resolve: Asked.optional(),
});
export type AskedLast = z.infer<typeof AskedLast>;

/** The incident's own item; signals, timeline, effects and decisions are items beside it. */
export const IncidentRecord = z.object({
  id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  /** What unmatched alerts call their service; null for a service of the catalogue. */
  unmatched: z.string().nullable(),
  title: z.string(),
  severity: Severity,
  status: IncidentStatus,
  opened_at: Timestamp,
  resolved_at: Timestamp.nullable(),
  resolved_by: z.string().nullable(),
  signal_count: z.number(),
  /** Episodes that have not resolved. */
  firing: z.number(),
  asks_rollback: z.boolean(),
  suspects: z.array(Suspect),
  /** What people have said not to be the cause, taken back or not. Absent: nothing. */
  cleared: z.array(Cleared).optional(),
  /** Sequence of the newest inbox row; everything up to `drained` has been read by the workflow. */
  seq: z.number(),
  drained: z.number(),
  /** The run of the workflow that is in charge, and the last one that has really begun. */
  run: z.number(),
  started_run: z.number(),
  /** Sequence of the message for which `run` took over, since the run before could not read it. Absent: none. */
  unread: z.number().optional(),
  /** Who had asked that run to close it. Absent: nobody. */
  resolve_by: z.string().optional(),
  /** By which the engine knows that run; null until one has begun. */
  execution: z.string().nullable(),
  /** Callbacks to ring when something has arrived, by who waits on them. */
  bells: z.record(z.string(), z.string()),
  /** Known alerts heard of again. Tells quiet from lively without an inbox row each. */
  renotified: z.number(),
  pages: z.number(),
  mitigations: z.number(),
  verification: z.enum(['not_needed', 'pending', 'passed', 'failed', 'inconclusive']),
  /** What it is about: the newest mitigation, a rollback by its number or a runbook. Absent: nothing was done yet. */
  verifying: z.object({ number: z.number(), runbook: z.number().optional(), at: Timestamp.optional() }).optional(),
  automation_paused: z.boolean(),
  /** A person has declared it: that no alert fires does not mean that it is over. Absent: alerts opened it. */
  by_hand: z.literal(true).optional(),
  /** The person who opened it. Absent: nobody did, or it was opened before this was kept. */
  opened_by: z.string().optional(),
  asked: AskedLast.optional(),
  /** When somebody was called again, because nobody had acknowledged the page. */
  escalated: z.array(Timestamp).optional(),
  /** What opened it has happened and does not go on, as a failed deploy: nobody will say that it has ended. */
  by_event: z.literal(true).optional(),
  /** Somebody is to be woken for it. Absent: as its severity says. */
  page: z.boolean().optional(),
  /** When alerts that have joined the shared incident of unmatched alerts last made it page again. */
  paged_again_at: Timestamp.optional(),
  /** The incident that it is a part of, when many fail at once. */
  parent_id: IncidentId.optional(),
  /** It is the parent of others: why they belong together. */
  crowd: z.object({ because: z.enum(['many', 'shared_dependency']), name: z.string(), text: z.string() }).optional(),
  /** Its channel in the chat, as people call it: `#incident-2611201`. */
  channel: z.string().optional(),
  /** And as the chat does. */
  channel_id: z.string().optional(),
  /** Channels of teams that get a line, besides the service's own. */
  told_channels: z.array(z.string()).optional(),
  /** Some of its alerts are silenced, or in maintenance: by whom and how long. */
  muted: z.object({ text: z.string() }).nullable().optional(),
  /** Who does what. Absent: nobody has a role yet. */
  roles: Roles.optional(),
  /** Absent: nobody has said anything of it. */
  care: Care.optional(),
  /** How often either has been changed. */
  amended: z.number().optional(),
  /** A person has allowed its words on the status page. */
  published_by: z.string().optional(),
  /** Trace id of the request that opened it. */
  trace: z.string(),
});
export type IncidentRecord = z.infer<typeof IncidentRecord>;

/** What the API shows of an incident. */
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
  parent_id: IncidentId.nullable(),
  /** Of a parent: what is part of it, how many of these are open, and how many alerts fire in them. */
  parts: z.object({ incidents: z.number(), open: z.number(), firing: z.number() }).optional(),
  channel: z.string().nullable(),
  roles: z.record(z.string(), z.string()),
  /** What people have said not to be the cause: no suspects any more. */
  cleared: z.array(Cleared).default([]),
  decisions: z.array(DecisionView),
  effects: z.array(Effect),
});
export type IncidentView = z.infer<typeof IncidentView>;
