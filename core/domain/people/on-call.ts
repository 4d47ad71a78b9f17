import type { PersonId } from '../../../schemas/people/people.ts';
import type { VendorResponse } from '../ports/vendor-response.ts';

/** A person who is on call now, by the pager's data and, if listed, people.yaml. */
export type OnCallPerson = {
  /** User ID at the pager. */
  pagerduty: string;
  name: string;
  email: string | null;
  /** Escalation level; 1 is notified first. */
  level: number;
  /** ID in people.yaml; null: not listed. */
  person: PersonId | null;
  /** Slack user ID from people.yaml. */
  slack: string | null;
};

/** Lookup of on-call responders at the pager. One attempt per call; results are at most a minute old. */
export type OnCall = {
  /**
   * Returns the on-call responders of a team, by escalation level. Empty: no responder is on call. Off:
   * people.yaml names no schedule for the team.
   */
  now(team: string): Promise<VendorResponse<OnCallPerson[]>>;
  /** Returns a user's email address. Null: no user with this ID. */
  email(user: string): Promise<VendorResponse<string | null>>;
};
