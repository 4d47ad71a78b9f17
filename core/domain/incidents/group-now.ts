import { list } from '../correlation/words.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { type GroupNow, type GroupReason, outageWords } from './incident-group.ts';
import { waitsForHealth } from './closing.ts';
import { laterProblemEnd } from './new-onset.ts';

/**
 * A rollback can complete within a second, which does not prove that it helped. For this time in seconds, an incident
 * still counts as failing while its alerts fire.
 */
const MITIGATION_UNPROVEN_SECONDS = 30;

type Failure = Pick<IncidentRecord, 'status' | 'verification' | 'firing'> & Parameters<typeof laterProblemEnd>[0];

/** Returns whether an incident is neither resolved nor, as far as known, mitigated. */
export const stillFails = (incident: Failure, openForSeconds: number): boolean =>
  mayStillFail(incident) && (incident.status !== 'mitigated' || openForSeconds < MITIGATION_UNPROVEN_SECONDS);

/** Returns whether an incident is not resolved, its later problem not over, and no mitigation is known to have helped. */
export const mayStillFail = (incident: Failure): boolean => {
  const { status, verification, firing } = incident;
  if (status === 'mitigated') return verification !== 'passed' && firing > 0;
  return status !== 'resolved' && laterProblemEnd(incident) === undefined;
};

/** What shows whether the problem of an incident is over. */
type ProblemState = Pick<IncidentRecord, 'status' | 'verification' | 'firing' | 'signal_count'> &
  Partial<
    Pick<
      IncidentRecord,
      'verifying' | 'new_onset' | 'recovered_at' | 'last_seen_alerts' | 'by_hand' | 'by_event' | 'waits_for_health'
    >
  >;

/** Returns whether the problem of an open incident is known to be over: the incident only waits for its end. */
export function isProblemOver(incident: ProblemState): boolean {
  const { status, verification, recovered_at: recoveredAt, firing, signal_count: signals } = incident;
  const { last_seen_alerts: lastSeen = 0, by_hand: byHand, by_event: byEvent } = incident;
  if (waitsForHealth(incident)) return false;
  if (laterProblemEnd(incident) !== undefined || (status === 'mitigated' && verification === 'passed')) return true;
  if (recoveredAt !== undefined) return verification !== 'failed';
  const isByAlerts = signals > 0 && lastSeen === 0 && byHand !== true && byEvent !== true;
  return isByAlerts && firing <= 0 && verification === 'not_needed' && status === 'open';
}

/**
 * Describes a group now. Its reason is of the time at which it began: others join, and a dependency that is well does not explain why others
 * still fail.
 */
export function groupNow(
  { name, text }: GroupReason,
  members: readonly (ProblemState & Pick<IncidentRecord, 'service'>)[],
): GroupNow {
  const open = members.filter(({ status }) => status !== 'resolved');
  const services = [...new Set<string>(members.map(({ service }) => service))];
  const words = services.length > 1 ? outageWords(name, services) : text;
  if (open.length === 0 || open.some(({ service }) => service === name) || !services.includes(name))
    return { words, first: name, isOver: false, isWell: false };
  const servicesOf = (some: typeof open): string[] => [...new Set(some.map(({ service }) => service))].toSorted();
  const failing = servicesOf(open.filter((one) => !isProblemOver(one)));
  if (failing.length > 0) {
    const verb = failing.length === 1 ? 'fails' : 'fail';
    const still = `${list(failing)} still ${verb}, although the incident of ${name} is resolved`;
    return { words: still, first: list(failing), isOver: true, isWell: false };
  }
  const well = servicesOf(open);
  const problems = `the ${well.length === 1 ? 'problem' : 'problems'} of ${list(well)} ${well.length === 1 ? 'is' : 'are'} over`;
  return {
    words: `${problems}, and the incident of ${name} is resolved`,
    first: list(well),
    isOver: true,
    isWell: true,
  };
}
