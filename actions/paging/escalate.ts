import { type DueEscalation, ESCALATED, escalationDue, isUnacknowledged } from '../../domain/paging/escalation.ts';
import { pageKey } from '../../domain/paging/pages.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Escalation } from '../../schemas/incidents/response.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { wake } from '../../workflows/wake.ts';
import { Deadline, type Elapsed, pooled, rotated } from '../shared/concurrency.ts';
import { isAcknowledgedAtPager, type PollDeps } from './poll-pager.ts';
import { sendByFallbackPager } from './fallback-pager.ts';

type EscalateDeps = PollDeps & Pick<Deps, 'approvalLinks' | 'timeScale' | 'fallbackPager' | 'publicUrl'>;

/** How many incidents are processed in parallel. */
const AT_ONCE = 8;

/** The time limit of one round, in milliseconds. The next round starts within a minute, with other incidents. */
const ROUND_MS = 15_000;

/**
 * Milliseconds for all read requests to the pager in a round. After that, the state of a page counts as unknown, as if
 * the pager were down, so that a slow pager does not delay escalations.
 */
const PAGER_READS_MS = 4000;

/** The remaining time of a round. */
type Round = { deadline: Deadline; pagerReads: Deadline };

/** Escalates unacknowledged pages, as `response.yaml` defines, each minute. */
export async function escalate(
  deps: EscalateDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<{ escalated: number }> {
  const { escalation } = (await deps.config.current()).response;
  let escalated = 0;
  if (escalation === undefined) return { escalated };
  const round = { deadline: new Deadline(elapsed, ROUND_MS), pagerReads: new Deadline(elapsed, PAGER_READS_MS) };
  const unacknowledged = rotated(open.filter(isUnacknowledged), Math.floor(millisOf(deps.clock.now()) / 60_000));
  await pooled(unacknowledged, AT_ONCE, async ({ id }) => {
    if (round.deadline.left === 0) return;
    try {
      if (await escalateOne(deps, escalation, id, round)) escalated += 1;
    } catch (error) {
      deps.log.error('an unacknowledged page could not be escalated', {
        incident: id,
        error: String(error),
      });
    }
  });
  return { escalated };
}

async function escalateOne(
  deps: EscalateDeps,
  escalation: Escalation,
  id: IncidentRecord['id'],
  { pagerReads: deadline }: Round,
): Promise<boolean> {
  const incident = await deps.incidents.read(id); // the list is eventually consistent
  if (incident === undefined || !isUnacknowledged(incident)) return false;
  const page = await deps.effects.get(id, pageKey(id, incident.pages));
  const { clock, timeScale } = deps;
  const due = escalationDue(escalation, page, incident.escalated ?? [], {
    now: clock.now(),
    timeScale,
    acknowledgedAt: incident.handling?.acknowledged?.at,
    renotifiedAt: incident.handling?.unacknowledged?.at,
  });
  if (due === null || (await isAcknowledgedAtPager(deps, incident, deadline))) return false;
  return escalation.how === 'fallback'
    ? fallBack(deps, incident, escalation, due)
    : pageAgain(deps, incident, escalation, due, 'paging again');
}

function escalationText(
  { pages }: IncidentRecord,
  { afterMinutes, times }: Escalation,
  { nth }: DueEscalation,
): string {
  const minutes = `${afterMinutes} ${afterMinutes === 1 ? 'minute' : 'minutes'}`;
  return `Page ${pages} was not acknowledged within ${minutes} (escalation ${nth} of ${times})`;
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
  const result = await sendByFallbackPager(deps, incident, due.number);
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
