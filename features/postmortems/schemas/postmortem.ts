import * as z from 'zod';
import { IncidentId, ServiceName, Severity } from '../../../schemas/config/names.ts';
import {
  ActionItem,
  ActionItemId,
  ActionItemStatus,
  Title,
  Tracker,
} from '../../../schemas/action-items/action-item.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { PostmortemFile } from './publishing.ts';

/** The longest Markdown text, in characters. A DynamoDB item has at most 400 KB, and a character at most three bytes. */
export const MARKDOWN_MAX_CHARS = 80_000;

/** State of a stored post-mortem. */
export const PostmortemState = z.enum(['draft', 'in_review', 'published', 'skipped']);
export type PostmortemState = z.infer<typeof PostmortemState>;

/** Whether an incident needs a post-mortem: it is drafted at once, drafted when someone asks for it, or not needed. */
export const PostmortemNeed = z.enum(['required', 'offered', 'skipped']);
export type PostmortemNeed = z.infer<typeof PostmortemNeed>;

/** The usual name of a severity. */
export const SEV = { critical: 'SEV1', warning: 'SEV2', info: 'SEV3' } as const satisfies Record<Severity, string>;
export const Sev = z.enum(['SEV1', 'SEV2', 'SEV3']);
export type Sev = z.infer<typeof Sev>;

/** A section of the text: a heading of the second level, and everything up to the next one. */
export const Section = z.strictObject({ heading: Title, text: z.string().max(MARKDOWN_MAX_CHARS) });
export type Section = z.infer<typeof Section>;

/** Something that a draft's sentence can point to: an entry of the timeline, a change, a decision, an objective. */
export const Citation = z.object({
  /** As in the text: `E3`. */
  ref: z.string(),
  /** Position of the timeline entry; for other records their kind and ID, such as `change:01…`. */
  id: z.string(),
  at: Timestamp.nullable(),
});
export type Citation = z.infer<typeof Citation>;

/**
 * Times of the response, and the seconds that each phase took. Of an incident with several problems, detection and mitigation are those of the
 * first, and the restoration adds up all. Null: it did not happen yet, or it is not known. `duration_seconds` of an open incident: until now.
 */
export const ResponseTimes = z.object({
  started_at: Timestamp,
  alerted_at: Timestamp,
  acknowledged_at: Timestamp.nullable(),
  mitigated_at: Timestamp.nullable(),
  restored_at: Timestamp.nullable(),
  resolved_at: Timestamp.nullable(),
  duration_seconds: z.number(),
  to_detect_seconds: z.number().nullable(),
  to_acknowledge_seconds: z.number().nullable(),
  to_mitigate_seconds: z.number().nullable(),
  to_restore_seconds: z.number().nullable(),
});
export type ResponseTimes = z.infer<typeof ResponseTimes>;

/** What a draft knows beyond its text. */
export const DraftFacts = z.object({
  citations: z.array(Citation),
  times: ResponseTimes,
  /** How many fields of the draft are filled from the record. The others are questions to people. */
  filled: z.object({ by_rule: z.number(), of: z.number() }),
});
export type DraftFacts = z.infer<typeof DraftFacts>;

/** A remark of the lint. `line`: in the Markdown text, from 1. */
export const Finding = z.object({
  line: z.number(),
  code: z.enum(['blame', 'name', 'open_question', 'no_owner', 'no_due_date', 'unknown_citation']),
  text: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** A post-mortem as stored, without its text. */
export const PostmortemRecord = z.object({
  incident_id: IncidentId,
  service: ServiceName,
  environment: z.string(),
  severity: Severity,
  state: PostmortemState,
  /** Number of saved versions. */
  revision: z.number(),
  drafted_at: Timestamp,
  updated_at: Timestamp,
  updated_by: z.string(),
  published_at: Timestamp.nullable(),
  published_by: z.string().nullable(),
  facts: DraftFacts,
  /** Reminders sent in the present state, and when the last one was. */
  reminded: z.object({ times: z.number(), at: Timestamp }).nullable(),
});
export type PostmortemRecord = z.infer<typeof PostmortemRecord>;

/** A post-mortem as the API shows it. */
export const PostmortemView = z.object({
  incident_id: IncidentId,
  need: PostmortemNeed,
  /** `none`: nothing is stored; the text is what a draft would be now. */
  state: z.enum(['none', ...PostmortemState.options]),
  revision: z.number(),
  drafted_at: Timestamp.nullable(),
  updated_at: Timestamp.nullable(),
  updated_by: z.string().nullable(),
  published_at: Timestamp.nullable(),
  published_by: z.string().nullable(),
  title: z.string(),
  severity: Sev,
  service: z.string(),
  environment: z.string(),
  times: ResponseTimes,
  filled: z.object({ by_rule: z.number(), of: z.number(), share: z.number() }),
  /** The text between the title and the first section. */
  introduction: z.string(),
  sections: z.array(Section),
  action_items: z.array(ActionItem.extend({ id: ActionItemId, status: ActionItemStatus })),
  citations: z.array(Citation),
  findings: z.array(Finding),
  /** The file in a repository. Null: none is configured for the service. */
  file: PostmortemFile.nullable().default(null),
  markdown: z.string(),
});
export type PostmortemView = z.infer<typeof PostmortemView>;

/**
 * An action item in a body. `id` and `status` are as they were read: the ID follows from the title, and `status` must
 * not contradict `done`.
 */
const ActionItemInput = ActionItem.extend({ id: z.string().max(64).optional(), status: ActionItemStatus.optional() })
  .refine(({ done, status }) => status === undefined || (status === 'done') === done, {
    path: ['status'],
    message: 'contradicts done; change done, or omit status',
  })
  .transform(({ id: _id, status: _status, ...item }): ActionItem => item);

/** The body of `PUT /v1/incidents/{id}/postmortem`. What is absent stays as it is. */
export const PostmortemInput = z
  .strictObject({
    /** The revision on which the change is based. Absent: the current one, whatever it is. */
    revision: z.number().int().min(0).optional(),
    state: PostmortemState.optional(),
    markdown: z.string().min(1).max(MARKDOWN_MAX_CHARS).optional(),
    title: Title.optional(),
    introduction: z.string().max(MARKDOWN_MAX_CHARS).optional(),
    sections: z.array(Section).max(100).optional(),
    /** Replaces the section "Action items". */
    action_items: z.array(ActionItemInput).max(45).optional(),
  })
  .refine(
    ({ markdown, title, introduction, sections, action_items }) =>
      markdown === undefined || [title, introduction, sections, action_items].every((part) => part === undefined),
    { path: ['markdown'], message: 'markdown is the whole text; omit title, introduction, sections, and action_items' },
  );
export type PostmortemInput = z.infer<typeof PostmortemInput>;

/** What an action item and its issue have in common. */
export const SharedFields = z.object({ title: z.string(), done: z.boolean() });
export type SharedFields = z.infer<typeof SharedFields>;

/** The link between an action item and its issue, as stored. */
export const IssueLink = z.object({
  item_id: ActionItemId,
  /** Identifies the issue at the tracker: the first ID of the item. */
  key: z.string(),
  tracker: Tracker,
  /** Where its issues are: `acme/checkout`. */
  place: z.string(),
  /** Place in the list of items, by which an item is recognized whose title was edited. */
  position: z.number(),
  issue: z.object({ id: z.string(), key: z.string(), url: z.string() }).nullable(),
  /** Since when its creation may be in progress. */
  creating_since: Timestamp.nullable(),
  /** What both sides said when they were compared last. */
  base: SharedFields,
  /** A change of the issue whose outcome is not known, and since when. */
  pending: SharedFields.extend({ since: Timestamp }).nullable(),
  /** The details that the issue shows: owner, date, priority. */
  details: z.string(),
  compared_at: Timestamp.nullable(),
  problem: z.string().nullable(),
  /** Not tried again before this time. */
  retry_at: Timestamp.nullable(),
});
export type IssueLink = z.infer<typeof IssueLink>;

/** The issues of the action items of one incident. */
export const IssueRecord = z.object({
  incident_id: IncidentId,
  rev: z.number(),
  /** Until when one process works on it. */
  busy_until: Timestamp.nullable(),
  links: z.array(IssueLink),
});
export type IssueRecord = z.infer<typeof IssueRecord>;
