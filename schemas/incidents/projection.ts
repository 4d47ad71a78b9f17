import * as z from 'zod';
import { PROJECTION_TARGETS } from '../config/queues.ts';
import { ComponentStatus, PublicStatus } from '../messages/status-page.ts';
import { WebhookEvent } from './response.ts';
import { Timestamp } from '../time/time.ts';

export const Target = z.enum(PROJECTION_TARGETS);
export type Target = z.infer<typeof Target>;
export const TARGETS = Target.options;

/** What is shown: its kind and id. A component is shown with the incidents that affect it. */
export const SubjectKind = z.enum(['incident', 'change', 'notice', 'ticket', 'component']);
export type SubjectKind = z.infer<typeof SubjectKind>;
export const Subject = z.templateLiteral([SubjectKind, ':', z.string().min(1)]);
export type Subject = z.infer<typeof Subject>;

/** A message in a projector's queue; its reader looks up in the table what is due. */
export const Wake = z.object({ target: Target });
export type Wake = z.infer<typeof Wake>;

/** Remaining calls of each method, and blocked times. Milliseconds since the Unix epoch. */
export const Pace = z.object({
  buckets: z.record(z.string(), z.object({ left: z.number(), at: z.number() })).default({}),
  blocked: z.record(z.string(), z.object({ until: z.number(), failures: z.number() })).default({}),
});
export type Pace = z.infer<typeof Pace>;

/** A message that is, or may be, in a channel. `intended`: may have been sent. `free`: was certainly not sent. */
export const Sent = z.object({
  state: z.enum(['intended', 'done', 'free']),
  /** When it was intended. */
  at: Timestamp,
  channel: z.string().nullable(),
  id: z.string().nullable(),
});
export type Sent = z.infer<typeof Sent>;

/** A person who should be in an incident's channel. */
export const ChannelMember = z.object({
  /** Display name. */
  shown: z.string(),
  /** The Slack user id; null: not found yet, or not a user there. */
  slack: z.string().nullable(),
  /** Why they are invited. Null: they joined by an action of their own. */
  why: z.string().nullable(),
  /** `in`: they were added; they may leave. `out`: they cannot be added. */
  state: z.enum(['wanted', 'in', 'out']),
  /** They were, or may have been, sent a direct message instead. */
  written: z.boolean().default(false),
});
export type ChannelMember = z.infer<typeof ChannelMember>;

/** What Slack shows of an incident, as far as known. Texts are stored as sent, so that differences are detected. */
export const SlackState = z.object({
  /** The chosen channel name. */
  name: z.string().nullable().default(null),
  /** `chosen`: unknown whether a channel has the name. `taken`: one has. `foreign`: it belongs to someone else. */
  naming: z.enum(['chosen', 'taken', 'foreign']).default('chosen'),
  channel: z.string().nullable().default(null),
  purposeSet: z.boolean().default(false),
  topic: z.string().nullable().default(null),
  summary: z.string().nullable().default(null),
  pinned: z.boolean().default(false),
  bookmarks: z.string().nullable().default(null),
  /** By team channel: the line as shown. */
  lines: z.record(z.string(), z.string()).default({}),
  /** People who should be in the channel, by their name on timelines. */
  people: z.record(z.string(), ChannelMember).default({}),
  /** By team: the round of pages for which the on-call responder was looked up. */
  called: z.record(z.string(), z.number()).default({}),
  /** Position in the timeline up to which everything was sent. */
  postedUntil: z.string().nullable().default(null),
  archived: z.boolean().default(false),
  /** Calls without a response, with their times: they may still take effect and undo later ones. */
  unsure: z.record(z.string(), Timestamp).default({}),
  /** Slack's errors, by the action that failed. */
  problems: z.record(z.string(), z.string()).default({}),
});
export type SlackState = z.infer<typeof SlackState>;

export const StatuspageState = z.object({
  id: z.string().nullable().default(null),
  /** Since when a creation may be in progress. */
  creatingSince: Timestamp.nullable().default(null),
  status: PublicStatus.nullable().default(null),
  /** The update that may be in progress, and since when. */
  updating: z.object({ status: PublicStatus, since: Timestamp }).nullable().default(null),
  /** When to look again at the other incidents: their list is eventually consistent. */
  lookAgainAt: Timestamp.nullable().default(null),
  /** Ids of components by their names, as far as looked up. Empty: the page has no component of this name. */
  known: z.record(z.string(), z.string()).default({}),
  /** A person was asked whether it may be published. */
  approvalRequested: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
export type StatuspageState = z.infer<typeof StatuspageState>;

/** The last status sent for a component of the status page, for whichever incident. */
export const ComponentState = z.object({
  sent: ComponentStatus.nullable().default(null),
  /** When a status was last sent without a response: it may still take effect and undo later ones. */
  unsure: Timestamp.nullable().default(null),
});
export type ComponentState = z.infer<typeof ComponentState>;

export const GrafanaState = z.object({
  id: z.string().nullable().default(null),
  /** It was searched and not found. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  shown: z.string().nullable().default(null),
  /** When something was last sent without a response. */
  unsure: Timestamp.nullable().default(null),
  problem: z.string().nullable().default(null),
});
export type GrafanaState = z.infer<typeof GrafanaState>;

export const NoticeState = z.object({
  round: z.number().default(0),
  shown: z.string().nullable().default(null),
  /** When something was last sent without a response. */
  unsure: Timestamp.nullable().default(null),
});
export type NoticeState = z.infer<typeof NoticeState>;

export const TicketState = z.object({
  round: z.number().default(0),
  id: z.string().nullable().default(null),
  url: z.string().nullable().default(null),
  /** It was searched and not found. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  /** Since when the closing comment may be in progress. */
  closingSince: Timestamp.nullable().default(null),
  closed: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
export type TicketState = z.infer<typeof TicketState>;

/** What one webhook receiver was sent about an incident. */
export const ReceiverState = z.object({
  /** Number of messages written so far. */
  number: z.number().default(0),
  opened: z.boolean().default(false),
  over: z.boolean().default(false),
  /** The state that was sent last, as text. */
  shown: z.string().nullable().default(null),
  /** A stored message that was not accepted yet. */
  pending: z.object({ id: z.string(), event: WebhookEvent, body: z.string() }).nullable().default(null),
});
export type ReceiverState = z.infer<typeof ReceiverState>;

/** By receiver. */
export const WebhooksState = z.object({ receivers: z.record(z.string(), ReceiverState).default({}) });

/** Statuses of a change that were sent to PagerDuty. */
export const ChangeEventState = z.object({ sent: z.array(z.string()).default([]) });
