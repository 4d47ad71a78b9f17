import type { DecisionView, Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { isAcknowledged } from './acknowledgement.ts';

/** Part of a question's time after which it is about to expire. */
export const EXPIRING_AFTER = 2 / 3;

/** Seconds after a page, or an action, in which a person still looks at the incident, and sees a question. */
const LOOKS_SECONDS = 60;

/**
 * Returns whether a person has done anything about these incidents since then. An acknowledgement at the pager, in Slack,
 * or in the console counts, and so do an answer to a question, opening its page, and taking a role.
 */
const haveActed = (incidents: readonly IncidentRecord[], since: Timestamp): boolean =>
  incidents
    .flatMap(({ handling, roles }) => [
      handling?.acknowledged,
      handling?.acknowledged?.last_at_pager,
      handling?.acted,
      handling?.seen,
      handling?.triaged,
      handling?.stakeholder_update,
      ...Object.values(roles ?? {}),
    ])
    .some((action) => action !== undefined && action.at >= since);

/** Returns whether a person has seen a question. @param incidents its incident, and the parent */
export const isSeen = (question: DecisionView, incidents: readonly IncidentRecord[]): boolean =>
  (question.state !== 'waiting' && question.state !== 'expired') ||
  question.approvals.given.length > 0 ||
  haveActed(incidents, question.at);

/**
 * Returns whether a person looks at the incident now, and so sees a question without a page of its own: a person has just
 * acted, or is just being paged. That page shows the question, or is updated with it.
 *
 * @param page the newest page of `incident`, the one that pages
 */
export function isLookedAt(
  page: Effect | undefined,
  incident: IncidentRecord,
  { now, timeScale }: { now: Timestamp; timeScale: number },
): boolean {
  const since = plusSeconds(now, -LOOKS_SECONDS / timeScale);
  if (haveActed([incident], since)) return true;
  if (page === undefined || isAcknowledged(incident) || incident.handling?.dismissed?.page === incident.pages)
    return false;
  return page.state === 'intended' || (page.state === 'succeeded' && page.at >= since);
}
