import type { Change } from '../../../../schemas/changes/change.ts';
import { secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { changeTitle } from '../../correlation/words.ts';
import type { VendorResponse } from '../../ports/vendor-response.ts';

/** A change in production, sent to PagerDuty for on-call responders. */
export type ChangeEvent = {
  summary: string;
  at: Timestamp;
  links: { href: string; text: string }[];
  details: Record<string, string>;
};

export type ChangeEvents = {
  /**
   * Sends an event in one attempt. PagerDuty does not deduplicate change events; a repeat creates a second one, which
   * is harmless.
   */
  send(event: ChangeEvent): Promise<VendorResponse<null>>;
};

/** Maximum age in seconds: responders look for recent changes, so a change recorded later than this is not sent. */
const CHANGE_AGE_MAX_SECONDS = 3600;

const WEB = /^https?:\/\//;

/** Builds the event to send for each status that a change reaches. Undefined: the change is too old. */
export function changeEvent(change: Change, now: Timestamp): ChangeEvent | undefined {
  const { id, kind, service, environment, version, status, commit, author, url, made_for, previous_version } = change;
  const at = status === 'started' ? change.started_at : (change.finished_at ?? change.started_at);
  if (secondsBetween(at, now) > CHANGE_AGE_MAX_SECONDS) return undefined;
  const details = { service, environment, version, status, kind, previous_version, commit, author, incident: made_for };
  return {
    summary: `${changeTitle(kind)}: ${service} ${environment} ${version}${status === 'succeeded' ? '' : ` ${status}`}`,
    at,
    links: url !== null && WEB.test(url) ? [{ href: url, text: 'Source of the change' }] : [],
    details: Object.fromEntries(
      Object.entries({ ...details, change: id }).filter((entry): entry is [string, never] => entry[1] !== null),
    ),
  };
}
