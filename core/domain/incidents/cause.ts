import type { EarlierProblem, IncidentRecord, LastRequests, Suspect } from '../../../schemas/incidents/incident.ts';
import type { ClearedSuspect } from '../../../schemas/incidents/incident.ts';
import { unclearedSuspects, withCleared } from '../changes/cleared-suspects.ts';
import { suspectsToShow } from '../correlation/words.ts';
import { didNotHelp } from '../rollback/verdict.ts';
import { openProblem } from './new-onset.ts';

/**
 * The cause of a problem, as far as it is known. `change`: the most probable suspect that nothing excludes. `words`: what a person wrote
 * when resolving the incident.
 */
export type Cause =
  | { kind: 'change'; suspect: Suspect }
  | { kind: 'words'; by: string; text: string }
  | { kind: 'unknown' };

/** The fields of an incident that tell of the cause of its problems. */
export type WithCause = Parameters<typeof openProblem>[0] &
  Pick<IncidentRecord, 'status' | 'resolved_by' | 'last_requests' | 'cleared'>;

/**
 * Returns the cause of a problem: the change whose rollback ended it, else what a person wrote when resolving the incident, else the most
 * probable suspect. What was excluded (`activeClearings`) is never the cause.
 *
 * @param problem `until`: null, or absent: it is the newest one
 */
export function causeOf(
  incident: WithCause,
  problem: Pick<EarlierProblem, 'suspects'> & { until?: string | null } = openProblem(incident),
): Cause {
  const words = problem.until == null ? namedBy(incident) : undefined;
  if (words?.note !== undefined) return { kind: 'words', by: words.by, text: words.note };
  const [suspect] = suspectsToShow(unclearedSuspects(problem.suspects, incident.cleared));
  return suspect === undefined ? { kind: 'unknown' } : { kind: 'change', suspect };
}

/** Returns a cause in a person's words. Null: it is not known in words. @example 'as ada wrote, "the certificate had expired"' */
export const causeWords = (cause: Cause): string | null =>
  cause.kind === 'words' ? `as ${cause.by} wrote, "${cause.text}"` : null;

/** Returns the incident without suspects that were excluded, even if an older judgement lists them. */
export function withoutExcluded(incident: IncidentRecord): IncidentRecord {
  const { suspects, earlier_problems: earlier, cleared: stored } = incident;
  const cleared = excludedIn(incident);
  return {
    ...incident,
    suspects: unclearedSuspects(suspects, cleared),
    ...(cleared.length > 0 && { cleared }),
    ...(earlier !== undefined && {
      earlier_problems: earlier.map((one) => ({ ...one, suspects: unclearedSuspects(one.suspects, stored) })),
    }),
  };
}

/** Returns what was suspected and excluded, also by the cause that a person named. */
function excludedIn(incident: IncidentRecord): ClearedSuspect[] {
  const { suspects, cleared = [], service: own } = incident;
  const words = namedBy(incident);
  if (words?.note === undefined) return cleared;
  const { by, at, note } = words;
  return suspectsToShow(unclearedSuspects(suspects, cleared)).reduce(
    (all, { change_id, version, service = own }) =>
      withCleared(all, { change_id, service, version, by, at, because: 'resolved', note }),
    cleared,
  );
}

/** Returns the request of the person who named the cause of the newest problem. Undefined: nobody did, or a rollback has ended it. */
function namedBy(incident: WithCause): LastRequests['resolve'] {
  const { status, resolved_by: by, last_requests: requests } = incident;
  const isResolved = status === 'resolved' && by !== null && requests?.resolve?.by === by;
  return isResolved && !isUndone(openProblem(incident)) ? requests.resolve : undefined;
}

/** Returns whether undoing a change has ended a problem: a runbook can have done something else. */
const isUndone = (problem: EarlierProblem): boolean =>
  problem.mitigation !== undefined &&
  problem.mitigation.runbook === undefined &&
  !didNotHelp(problem) &&
  (problem.verification === 'passed' || problem.recovered_at !== undefined);
