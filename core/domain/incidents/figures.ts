import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { UNMATCHED } from '../../../schemas/config/names.ts';
import { wasActedOn } from '../alerts/noisy-alerts.ts';
import { endedProblemsOf, openSeconds } from './problems.ts';

/**
 * Returns the time to restore in seconds: from the start of the first alert until the service recovered, of several problems without the
 * time between them. Null: it is open, or nothing has shown the recovery.
 */
export const restoreSeconds = (incident: Parameters<typeof endedProblemsOf>[0]): number | null =>
  openSeconds(endedProblemsOf(incident));

/**
 * Seconds below which an alert was over before its rule was evaluated again. Senders do not report the interval of a rule, so this is
 * the shortest usual one, that of Prometheus's example: a longer one could hide outages of services whose rules are evaluated often.
 */
export const FLAP_SECONDS = 15;

/** Returns whether an incident was a flap: it ended by itself within one evaluation of its rule. Nobody has to learn anything from it. */
export function isFlap(incident: IncidentRecord): boolean {
  const seconds = restoreSeconds(incident);
  return seconds !== null && seconds < FLAP_SECONDS && !wasActedOn(incident);
}

/** Returns whether an incident counts by itself. A group counts by its incidents. */
export const isSingle = ({ group_reason: group }: Pick<IncidentRecord, 'group_reason'>): boolean => group === undefined;

/** Returns whether an incident counts in the time to restore and in other figures of delivery: it is of a known service, and no flap. */
export const isRated = (incident: IncidentRecord): boolean =>
  isSingle(incident) && incident.service !== UNMATCHED && !isFlap(incident);
