import { type DueEscalation, ESCALATED, isUnacknowledged, nextEscalation } from '../../domain/paging/escalation.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Escalation } from '../../../schemas/incidents/response.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { type IncidentActions, pageCourse } from '../../../workflows/steps/deadlines.ts';
import { wake } from '../../../workflows/wake.ts';
import { Deadline, type Elapsed } from '../../domain/concurrency.ts';
import { isAcknowledgedAtPager, type PollDeps } from './poll-pager.ts';
import { sendByFallbackPager } from './fallback-pager.ts';

type EscalateDeps = PollDeps & Pick<Deps, 'approvalLinks' | 'timeScale' | 'fallbackPager' | 'publicUrl'>;

/**
 * Milliseconds for all read requests to the pager. After that, the state of a page counts as unknown, as if the pager were
 * down, so that a slow pager does not delay the escalation.
 */
const PAGER_READS_MS = 4000;

/** Connects the workflow of incidents with what escalates a page. */
export const incidentActions = (deps: EscalateDeps): IncidentActions => ({ escalate: (id) => escalate(deps, id) });

/** Escalates the page of an incident if it is unacknowledged for longer than `response.yaml` allows, or refused. Returns whether it did. */
export async function escalate(
  deps: EscalateDeps,
  id: IncidentId,
  elapsed: Elapsed = () => performance.now(),
): Promise<boolean> {
  const { escalation } = (await deps.config.current()).response;
  if (escalation === undefined) return false;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || !isUnacknowledged(incident)) return false;
  const due = nextEscalation(escalation, await pageCourse(deps, incident), deps.timeScale);
  if (due === null || due.waits || due.at > deps.clock.now()) return false;
  if (await isAcknowledgedAtPager(deps, incident, new Deadline(elapsed, PAGER_READS_MS))) return false;
  return escalation.how === 'fallback'
    ? fallBack(deps, incident, escalation, due)
    : pageAgain(deps, incident, escalation, due, 'paging again');
}

function escalationText(
  { pages }: IncidentRecord,
  { afterMinutes, times }: Escalation,
  { nth, isTaken }: DueEscalation,
): string {
  const minutes = `${afterMinutes} ${afterMinutes === 1 ? 'minute' : 'minutes'}`;
  const why = isTaken ? `Page ${pages} was not acknowledged within ${minutes}` : `No pager has accepted page ${pages}`;
  return `${why} (escalation ${nth} of ${times})`;
}

/**
 * Sends a new page, which notifies the person who is on call now.
 *
 * @param how describes the action on the timeline
 */
async function pageAgain(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  due: DueEscalation,
  how: string,
): Promise<boolean> {
  const text = `${escalationText(incident, escalation, due)}: ${how}`;
  const timeline = { actor: 'firebreak', kind: ESCALATED, text, detail: { page: incident.pages } };
  const message = { kind: 'page', by: 'escalation', note: text } as const;
  const change = ({ escalated }: IncidentRecord) => ({ timeline, escalated: withNow(escalated, deps) });
  if (!(await deps.incidents.post(incident.id, message, change, escalationKey(due)))) return false;
  await wake(deps, incident.id);
  return true;
}

/** Sends the page by the fallback pager. Pages again instead if the fallback pager refuses it. */
async function fallBack(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  due: DueEscalation,
): Promise<boolean> {
  const result = await sendByFallbackPager(deps, incident, due);
  if (result.kind === 'waits') return false;
  if (result.kind === 'not_taken')
    return pageAgain(
      deps,
      incident,
      escalation,
      due,
      `paging again, because the fallback pager did not accept the page (${result.why})`,
    );
  const timeline = {
    actor: 'firebreak',
    kind: ESCALATED,
    text: `${escalationText(incident, escalation, due)}: sent by the fallback pager`,
    detail: { page: incident.pages },
  };
  await deps.incidents.amend(
    incident.id,
    ({ escalated }) => ({ timeline, escalated: withNow(escalated, deps) }),
    escalationKey(due),
  );
  return true;
}

/** Returns the key under which an escalation is counted once. */
const escalationKey = ({ number }: DueEscalation): string => `escalated-${number}`;

const withNow = (before: IncidentRecord['escalated'], { clock }: Pick<Deps, 'clock'>) => [
  ...(before ?? []),
  clock.now(),
];
