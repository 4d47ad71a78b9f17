import * as z from 'zod';
import { ComponentStatus, PublicStatus } from './outlets.ts';
import { WebhookEvent } from './response.ts';
import { Timestamp } from './time.ts';

/** Where incidents, changes and bulletins are shown. Each has its own queue and its own pace. */
export const Target = z.enum(['slack', 'statuspage', 'grafana', 'tickets', 'webhooks']);
export type Target = z.infer<typeof Target>;
export const TARGETS = Target.options;

/** What is shown: its kind and its id. A component is shown with the incidents that are about it. */
export const Subject = z.templateLiteral([
  z.enum(['incident', 'change', 'notice', 'ticket', 'component']),
  ':',
  z.string().min(1),
]);
export type Subject = z.infer<typeof Subject>;

/** A message in a queue of projections: whoever reads it looks into the table for what is due. */
export const Wake = z.object({ target: Target });
export type Wake = z.infer<typeof Wake>;

/** What one method may still be called, and until when it may not. Milliseconds since the Unix epoch. */
export const Pace = z.object({
  buckets: z.record(z.string(), z.object({ left: z.number(), at: z.number() })).default({}),
  blocked: z.record(z.string(), z.object({ until: z.number(), failures: z.number() })).default({}),
});
export type Pace = z.infer<typeof Pace>;

/** A message that is, or may be, at an outlet. `intended`: it may have been sent. `free`: it certainly was not. */
export const Sent = z.object({
  state: z.enum(['intended', 'done', 'free']),
  /** When it was intended. */
  at: Timestamp,
  channel: z.string().nullable(),
  id: z.string().nullable(),
});
export type Sent = z.infer<typeof Sent>;

/** Somebody who is to be in an incident's channel. */
export const Guest = z.object({
  /** As others see them. */
  shown: z.string(),
  /** The id of the user in Slack; null: not found yet, or they are nobody there. */
  slack: z.string().nullable(),
  /** What they are asked to come for. Null: they have come by what they did. */
  why: z.string().nullable(),
  /** `in`: they were let in; whether they stay is theirs. `out`: they cannot be. */
  state: z.enum(['wanted', 'in', 'out']),
  /** They were, or may have been, written to instead. */
  written: z.boolean().default(false),
});
export type Guest = z.infer<typeof Guest>;

/** What Slack shows of an incident, as far as we know. Texts are kept as they were sent, so that a difference is seen. */
export const SlackState = z.object({
  /** The name that is ours, as soon as it has been chosen. */
  name: z.string().nullable().default(null),
  /** What we know of the name: nothing; that there is a channel of it; that it is not ours. */
  naming: z.enum(['chosen', 'taken', 'foreign']).default('chosen'),
  channel: z.string().nullable().default(null),
  purposeSet: z.boolean().default(false),
  topic: z.string().nullable().default(null),
  summary: z.string().nullable().default(null),
  pinned: z.boolean().default(false),
  bookmarks: z.string().nullable().default(null),
  /** By team channel: the line as it was shown. */
  lines: z.record(z.string(), z.string()).default({}),
  /** Who is to be in the channel, by the name under which they stand on timelines. */
  people: z.record(z.string(), Guest).default({}),
  /** By team: the round of pages for which it was asked who is on call. */
  called: z.record(z.string(), z.number()).default({}),
  /** Place in the timeline up to which everything has been told. */
  told: z.string().nullable().default(null),
  archived: z.boolean().default(false),
  /** What was last said without an answer, and when: that may still come, and undo what was said since. */
  unsure: z.record(z.string(), Timestamp).default({}),
  /** What stands in the way, by what was to be done: Slack's error. */
  problems: z.record(z.string(), z.string()).default({}),
});
export type SlackState = z.infer<typeof SlackState>;

export const StatuspageState = z.object({
  id: z.string().nullable().default(null),
  /** Since when a creation may be under way. */
  creatingSince: Timestamp.nullable().default(null),
  status: PublicStatus.nullable().default(null),
  /** The update that may be under way, and since when. */
  updating: z.object({ status: PublicStatus, since: Timestamp }).nullable().default(null),
  /** When to look once more at the other incidents: the list of them lags behind. */
  lookAgainAt: Timestamp.nullable().default(null),
  /** Ids of components by their names, as far as they were looked up. Empty: the page has none of this name. */
  known: z.record(z.string(), z.string()).default({}),
  /** A person has been asked whether it may be public. */
  asked: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
export type StatuspageState = z.infer<typeof StatuspageState>;

/** What was last said of a component of the status page, whichever incident it was for. */
export const ComponentState = z.object({
  said: ComponentStatus.nullable().default(null),
  /** When something was last said of it without an answer: that may still come, and undo what was said since. */
  unsure: Timestamp.nullable().default(null),
});
export type ComponentState = z.infer<typeof ComponentState>;

export const GrafanaState = z.object({
  id: z.string().nullable().default(null),
  /** It was looked for, and there is none. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  shown: z.string().nullable().default(null),
  /** When something was last said of it without an answer. */
  unsure: Timestamp.nullable().default(null),
  problem: z.string().nullable().default(null),
});
export type GrafanaState = z.infer<typeof GrafanaState>;

export const NoticeState = z.object({
  round: z.number().default(0),
  shown: z.string().nullable().default(null),
  /** When something was last said of it without an answer. */
  unsure: Timestamp.nullable().default(null),
});
export type NoticeState = z.infer<typeof NoticeState>;

export const TicketState = z.object({
  round: z.number().default(0),
  id: z.string().nullable().default(null),
  url: z.string().nullable().default(null),
  /** It was looked for, and there is none. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  /** Since when the comment of its end may be under way. */
  closingSince: Timestamp.nullable().default(null),
  closed: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
export type TicketState = z.infer<typeof TicketState>;

/** What one receiver of webhooks has been told of an incident. */
export const ReceiverState = z.object({
  /** Letters written so far. */
  number: z.number().default(0),
  opened: z.boolean().default(false),
  over: z.boolean().default(false),
  /** What it was told last, as text. */
  shown: z.string().nullable().default(null),
  /** Written down, and not taken yet. */
  letter: z.object({ id: z.string(), event: WebhookEvent, body: z.string() }).nullable().default(null),
});
export type ReceiverState = z.infer<typeof ReceiverState>;

/** By receiver. */
export const WebhooksState = z.object({ receivers: z.record(z.string(), ReceiverState).default({}) });

/** The statuses of a change that PagerDuty has been told. */
export const ChangeEventState = z.object({ told: z.array(z.string()).default([]) });
