import * as z from 'zod';
import { IncidentId } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';
import { visibleText } from '../parsing/free-text.ts';

export const Priority = z.enum(['P1', 'P2', 'P3']);
export type Priority = z.infer<typeof Priority>;

const CalendarDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'a date such as 2026-12-04')
  .refine((date) => {
    const millis = Date.parse(`${date}T00:00:00Z`);
    return !Number.isNaN(millis) && new Date(millis).toISOString().startsWith(date);
  }, 'no such date');

/** Name of a person or a team. Its characters are those that need no escape in a line of Markdown. */
const Owner = z
  .string()
  .min(1)
  .max(100)
  .regex(
    /^[^\s,;()[\]<>|`\\](?:[^,;()[\]<>|`\\\p{Cc}]*[^\s,;()[\]<>|`\\\p{Cc}])?$/u,
    'a name without , ; ( ) [ ] < > | ` \\',
  );

/** One line. */
export const Title = z
  .string()
  .min(1)
  .max(500)
  .refine(
    (title) => title === visibleText(title) && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(title),
    'one line without spaces around it',
  );

export const Tracker = z.enum(['github', 'jira']);
export type Tracker = z.infer<typeof Tracker>;

/** An action item as it is written in the text. */
export const ActionItem = z.strictObject({
  title: Title,
  done: z.boolean().default(false),
  owner: Owner.nullable().default(null),
  due: CalendarDate.nullable().default(null),
  priority: Priority.nullable().default(null),
});
export type ActionItem = z.infer<typeof ActionItem>;

/** Identifies an action item: its incident, and a hash of its title; or its experiment, and a number. */
export const ActionItemId = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}-[0-9a-f]{8}$/, 'the ID of an action item');
export type ActionItemId = z.infer<typeof ActionItemId>;

export const ActionItemStatus = z.enum(['open', 'overdue', 'done']);
export type ActionItemStatus = z.infer<typeof ActionItemStatus>;

/** The issue of an action item. */
export const ActionItemIssue = z.object({
  tracker: Tracker,
  /** As people write it: `acme/checkout#7`. Null: not created yet. */
  key: z.string().nullable(),
  url: z.string().nullable(),
  /** When the two were compared last. */
  compared_at: Timestamp.nullable(),
  /** Why the issue could not be created or updated. */
  problem: z.string().nullable(),
});
export type ActionItemIssue = z.infer<typeof ActionItemIssue>;

/** An action item with its incident or experiment, as the API shows it. */
export const ActionItemView = z.object({
  id: ActionItemId,
  /** Null: it is from an experiment. */
  incident_id: IncidentId.nullable(),
  experiment_id: z.string().nullable(),
  service: z.string(),
  environment: z.string(),
  title: z.string(),
  status: ActionItemStatus,
  owner: z.string().nullable(),
  due: z.string().nullable(),
  priority: Priority.nullable(),
  /** When the item was added or changed. */
  updated_at: Timestamp,
  issue: ActionItemIssue.nullable(),
});
export type ActionItemView = z.infer<typeof ActionItemView>;

/** The body of `PATCH /v1/action-items/{id}`. What is absent stays as it is. */
export const ActionItemPatch = z.strictObject({
  /** The ID of an item follows from its title, so another title gives another ID. */
  title: Title.optional(),
  status: z.enum(['open', 'done']).optional(),
  owner: Owner.nullable().optional(),
  due: CalendarDate.nullable().optional(),
  priority: Priority.nullable().optional(),
});
export type ActionItemPatch = z.infer<typeof ActionItemPatch>;
