import type { StoredActionItem } from '../../core/domain/ports/action-items.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { DraftFacts, IssueRecord, PostmortemRecord } from './schemas/postmortem.ts';
import type { ActionItemId, Tracker } from '../../schemas/action-items/action-item.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { AuditEntry } from '../../core/domain/ports/audit.ts';
import type { Page } from '../../core/domain/ports/common.ts';

export type StoredPostmortem = { record: PostmortemRecord; markdown: string };

/** The text of a saved version. `facts`: undefined: an older version of Firebreak has saved it, which kept only those of the newest one. */
export type RevisionText = { markdown: string; facts?: DraftFacts | undefined };

/** Post-mortems with all saved versions of their texts. */
export type Postmortems = {
  /** Reads strongly consistently. Undefined: none is stored. */
  read(id: IncidentId): Promise<StoredPostmortem | undefined>;
  /** Returns the text of a saved version. */
  text(id: IncidentId, revision: number): Promise<RevisionText | undefined>;
  /**
   * Saves a version with its action items and an entry of the audit log, in one transaction, and marks the incident for
   * a comparison of its items with their issues. Items that did not change keep the time of their last change. A
   * published version is marked for the projectors in the same transaction.
   *
   * @param postmortem its `revision` is the number of the new version
   * @returns false: another version has been saved since
   */
  save(postmortem: StoredPostmortem, items: readonly StoredActionItem[], entry: AuditEntry): Promise<boolean>;
  /** Returns resolved incidents whose post-mortem is not drafted yet, and since when. */
  due(): Promise<{ id: IncidentId; since: Timestamp }[]>;
  /** Records that nothing is left to draft for a resolved incident. */
  settle(id: IncidentId): Promise<void>;
  /** Returns those in the states `draft` and `in_review`. */
  unpublished(): Promise<PostmortemRecord[]>;
  /** Records a reminder, unless the post-mortem has changed since. Returns whether it was recorded. */
  remind(record: PostmortemRecord, reminded: NonNullable<PostmortemRecord['reminded']>): Promise<boolean>;
  /** Returns action items, newest incidents first. Eventually consistent. */
  actionItems(query: {
    limit: number;
    cursor?: string;
    keep: (item: StoredActionItem) => boolean;
  }): Promise<Page<StoredActionItem>>;
  /** Returns the action items of an incident or experiment, in any order. Strongly consistent. */
  itemsOf(service: string, id: IncidentId | string): Promise<StoredActionItem[]>;
  /** Stores action items of a feature, such as those of an experiment. Those that exist stay as they are. */
  addItems(items: readonly StoredActionItem[]): Promise<void>;
  /** Replaces an action item of a feature. `false`: changed since `before` was read. */
  replaceItem(item: StoredActionItem, before: StoredActionItem, entry: AuditEntry): Promise<boolean>;
  /** Returns the action items of a service that are not done. Strongly consistent. */
  openItemsOf(service: string): Promise<StoredActionItem[]>;
};

/** A mark that an incident's action items are to be compared with their issues from a time on. */
export type ComparisonMark = { id: IncidentId; at: Timestamp; mark: string };

/** The issues of action items, and when they are compared next. */
export type ActionItemIssues = {
  /** Reads strongly consistently. */
  read(id: IncidentId): Promise<IssueRecord | undefined>;
  /** Reads several, eventually consistent. */
  readAll(ids: readonly IncidentId[]): Promise<IssueRecord[]>;
  /**
   * Writes the record, and adds issues to the index.
   *
   * @param record its `rev` is that of the new version
   * @param found IDs of issues that the record names for the first time
   * @returns false: another version has been written since it was read
   */
  write(record: IssueRecord, found?: readonly { tracker: Tracker; id: string }[]): Promise<boolean>;
  /** Returns the incident whose action item has this issue. Also finds links that have ended. */
  incidentOf(tracker: Tracker, issueId: string): Promise<IncidentId | undefined>;
  /** Asks for an issue of an item, and marks its incident. */
  request(id: IncidentId, item: ActionItemId, by: string): Promise<void>;
  requested(id: IncidentId): Promise<{ item: ActionItemId; by: string }[]>;
  /** Forgets requests that are fulfilled. */
  fulfilled(id: IncidentId, items: readonly ActionItemId[]): Promise<void>;
  /** Marks an incident for a comparison now. Saving a post-mortem does the same. */
  mark(id: IncidentId): Promise<void>;
  /** Returns all marks, the oldest first. */
  marks(): Promise<ComparisonMark[]>;
  /** Moves a mark, or removes it. Does nothing if the incident was marked again since. */
  settle(mark: ComparisonMark, next: Timestamp | null): Promise<void>;
};

/** A request to a language model: the instructions, and the data. */
export type ModelPrompt = { instructions: string; data: string };

/** The language model that proposes wording for post-mortems. One attempt per call. */
export type LanguageModel = {
  /** Where data would be sent. Null: off. */
  endpoint(): Promise<{ host: string; model: string } | null>;
  /** Returns the text that the model answers. */
  complete(prompt: ModelPrompt): Promise<VendorResponse<string>>;
  /** Checks the address and the credentials. Sends no data. */
  check(): Promise<VendorResponse<null>>;
};
