import type { Severity } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { PageDetails } from '../paging/page-details.ts';
import type { Attempt } from './common.ts';

export type PageRequest = {
  key: string;
  /** `update`: shows the current state on an open page, and notifies nobody. On a resolved page it would page again. */
  action: 'trigger' | 'update' | 'acknowledge' | 'resolve';
  summary: string;
  service: string;
  environment: string;
  severity: Severity;
  incident: string;
  at: Timestamp;
  links: { href: string; text: string }[];
  /** Images, https only. */
  images?: { src: string; alt: string }[];
  /** Current details of the incident. Absent: could not be read. */
  details?: PageDetails;
};

export type Pager = {
  /** Sends a page in one attempt. A repeat with the same key does not page again. */
  send(request: PageRequest): Promise<Attempt>;
  /** Whether it is a stand-in, which notifies no responder. Absent: no. */
  standIn?(): Promise<boolean>;
};
