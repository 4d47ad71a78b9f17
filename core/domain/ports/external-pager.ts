import type { Timestamp } from '../../../schemas/time/time.ts';
import type { PagerUser } from '../paging/pagerduty/users.ts';
import type { VendorResponse } from './vendor-response.ts';

/** An incident at the pager that another system opened. */
export type ExternalIncident = {
  id: string;
  /** URL of the incident for people. */
  url: string | null;
  title: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  /** Names of people. */
  acknowledgedBy: readonly string[];
  assignedTo: readonly string[];
  /** Latest acknowledgement; `by` null: not by a person. Null: not acknowledged. */
  acknowledged: { by: PagerUser | null; at: Timestamp } | null;
  /** Person who resolved it. Null: unresolved, or not resolved by a person. */
  resolvedBy: PagerUser | null;
  createdAt: Timestamp;
};

/** Properties of an incident for finding the external incident that pages for the same problem. */
export type ExternalQuery = {
  /** Group keys of the notifications, as sent. */
  groupKeys: readonly string[];
  /** Label sets of the firing alerts, as sent. */
  alerts: readonly (readonly (readonly [string, string])[])[];
  /** Service name in the alerts. */
  service: string;
  environment: string;
  /** Without a known key, only incidents opened since this time are searched. */
  since: Timestamp;
};

/** `by`: it has one of the group keys, contains one of the alerts, or is the only one that names the same service. */
export type ExternalFound =
  | { incident: ExternalIncident; by: 'group_key' | 'labels' | 'names' }
  | { incident: null; because: string };

/** Pager that other systems page through: finds, annotates, and follows their incidents. One attempt per call. */
export type ExternalPager = {
  /**
   * Finds the newest incident opened under one of Firebreak's keys, in any state; if it was merged, the incident that
   * it was merged into. Null: none (yet).
   */
  paged(key: string): Promise<VendorResponse<ExternalIncident | null>>;
  /**
   * Searches the open incidents. The vendor may show new ones with a delay. An incident found by its group key may be
   * much older than Firebreak's; once it is acknowledged, alerts that join it notify no responder.
   */
  find(query: ExternalQuery): Promise<VendorResponse<ExternalFound>>;
  /** Adds a note once per `key`. Refused with `not_found` if the incident no longer exists. */
  annotate(id: string, text: string, key: string): Promise<VendorResponse<null>>;
  /** Reads an incident; if it was merged, the one that it was merged into. Null: it no longer exists. */
  read(id: string): Promise<VendorResponse<ExternalIncident | null>>;
  /** Checks the credentials. */
  check(): Promise<VendorResponse<null>>;
};
