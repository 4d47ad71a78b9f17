import type { ActionItem, ActionItemId } from '../../../schemas/action-items/action-item.ts';
import type { EnvironmentName, IncidentId, ServiceName, Severity } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** An action item as the store lists it, of a post-mortem or of an experiment. `alert`: the name of the alert rule, or the title of the incident. */
export type StoredActionItem = ActionItem & {
  id: ActionItemId;
  /** Null: it is from an experiment. */
  incident_id: IncidentId | null;
  experiment_id: string | null;
  service: string;
  environment: string;
  alert: string;
  updated_at: Timestamp;
};

/** The list of action items, for features that add to it, and for what shows a part of it. */
export type ActionItemList = {
  /** Returns the days after which an item is due, by the severity of what led to it. */
  dueDays(): Promise<Readonly<Record<Severity, number>>>;
  /** Adds items of a feature, such as those of an experiment. Those that exist stay as they are. */
  add(items: readonly StoredActionItem[]): Promise<void>;
  /** Returns the items of a service that are not done. Strongly consistent. */
  openOf(service: string): Promise<StoredActionItem[]>;
  /** Returns the items past their date, of those for which `isVisible` returns true. Eventually consistent. */
  overdue(isVisible: (item: StoredActionItem) => boolean): Promise<StoredActionItem[]>;
};

/** Where the items come from that a feature adds to the list. */
export type ActionItemOrigins = {
  /** Returns the origin of an item. Undefined: it is not of this feature. */
  originOf(id: ActionItemId): Promise<ActionItemOrigin | undefined>;
};

/** `text`: what it is, for the audit log, such as `the experiment Lose a zone`. */
export type ActionItemOrigin = { id: string; service: ServiceName; environment: EnvironmentName; text: string };
