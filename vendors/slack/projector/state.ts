import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';

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
  /** A direct message was, or may have been, sent to them instead. */
  written: z.boolean().default(false),
});
export type ChannelMember = z.infer<typeof ChannelMember>;

/** What Slack shows of an incident, as far as known. Texts are stored as sent, so that differences are detected. */
export const SlackState = z.object({
  /** It got no channel, because its service is on trial. */
  quiet: z.boolean().default(false),
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
