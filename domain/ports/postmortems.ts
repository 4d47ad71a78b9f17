import type { IncidentId } from '../../schemas/config/names.ts';
import type { ActionItem, ActionItemId, PostmortemRecord } from '../../schemas/postmortems/postmortem.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { AuditEntry } from './freeze.ts';
import type { Page } from './common.ts';

/** An action item as the store lists it. `alert`: the name of the alert rule, or the title of the incident. */
export type StoredActionItem = ActionItem & {
  id: ActionItemId;
  incident_id: IncidentId;
  service: string;
  environment: string;
  alert: string;
  updated_at: Timestamp;
};

export type StoredPostmortem = { record: PostmortemRecord; markdown: string };

/** Post-mortems with all saved versions of their texts. */
export type Postmortems = {
  /** Reads strongly consistently. Undefined: none is stored. */
  read(id: IncidentId): Promise<StoredPostmortem | undefined>;
  /** Returns the text of a saved version. */
  text(id: IncidentId, revision: number): Promise<string | undefined>;
  /**
   * Saves a version with its action items and an entry of the audit log, in one transaction.
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
  /** Returns the action items of a service that are not done. Strongly consistent. */
  openItemsOf(service: string): Promise<StoredActionItem[]>;
};
