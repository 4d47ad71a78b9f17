import { type DueEscalation, ESCALATED, escalationDue, isUnheard } from '../domain/escalation.ts';
import { pageKey } from '../domain/pages.ts';
import type { Deps } from '../domain/ports.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { Escalation } from '../schemas/response.ts';
import { millisOf } from '../schemas/time.ts';
import { wake } from '../workflows/wake.ts';
import { Deadline, type Elapsed, pooled, rotated } from './evaluation/pool.ts';
import { isSeenThere, type SeenDeps } from './pagerduty/seen-there.ts';
import { bySecondRoute } from './second-route.ts';

type EscalateDeps = SeenDeps & Pick<Deps, 'timeScale' | 'fallbackPager'>;

/** Incidents that are looked after at once. */
const AT_ONCE = 8;

/** Milliseconds. Nothing is begun after so long: the next round comes within a minute, and begins with others. */
const ROUND_MS = 15_000;

/**
 * Milliseconds for all that the pager is asked in a round. What it has not answered by then is not known, as if it had
 * been down: whoever may sleep through an incident does not wait for that.
 */
const ASKING_MS = 4000;

/** What a round has left. */
type Round = { deadline: Deadline; asking: Deadline };

/** Each minute: calls somebody again for pages that nobody has acknowledged, as `response.yaml` says. */
export async function escalate(
  deps: EscalateDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<{ escalated: number }> {
  const { escalation } = (await deps.config.current()).response;
  let escalated = 0;
  if (escalation === undefined) return { escalated };
  const round = { deadline: new Deadline(elapsed, ROUND_MS), asking: new Deadline(elapsed, ASKING_MS) };
  const unheard = rotated(open.filter(isUnheard), Math.floor(millisOf(deps.clock.now()) / 60_000));
  await pooled(unheard, AT_ONCE, async ({ id }) => {
    if (round.deadline.left === 0) return;
    try {
      if (await escalateOne(deps, escalation, id, round)) escalated += 1;
    } catch (error) {
      deps.log.error('a page that nobody has acknowledged could not be escalated', {
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
  { asking }: Round,
): Promise<boolean> {
  const incident = await deps.incidents.read(id); // the list may be a moment behind
  if (incident === undefined || !isUnheard(incident)) return false;
  const page = await deps.effects.get(id, pageKey(id, incident.pages));
  const { clock, timeScale } = deps;
  const due = escalationDue(escalation, page, incident.escalated ?? [], {
    now: clock.now(),
    timeScale,
    heardAt: incident.care?.acknowledged?.at,
    ringsAt: incident.care?.rings?.at,
  });
  if (due === null || (await isSeenThere(deps, incident, asking))) return false;
  return escalation.how === 'fallback'
    ? fallBack(deps, incident, escalation, due)
    : pageAgain(deps, incident, escalation, due, 'paging again');
}

function words({ pages }: IncidentRecord, { afterMinutes, times }: Escalation, { nth }: DueEscalation): string {
  const minutes = `${afterMinutes} ${afterMinutes === 1 ? 'minute' : 'minutes'}`;
  return `Nobody has acknowledged page ${pages} for ${minutes} (${nth} of ${times} times)`;
}

/** A new page rings for whoever is on call then. @param how what is done, for people */
async function pageAgain(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  due: DueEscalation,
  how: string,
): Promise<boolean> {
  const text = `${words(incident, escalation, due)}: ${how}`;
  const timeline = { actor: 'firebreak', kind: ESCALATED, text, detail: { page: incident.pages } };
  const message = { kind: 'page', by: 'escalation', note: text } as const;
  const change = ({ escalated }: IncidentRecord) => ({ timeline, escalated: also(escalated, deps) });
  if (!(await deps.incidents.post(incident.id, message, change, escalationKey(due)))) return false;
  await wake(deps, incident.id);
  return true;
}

/** Nobody has been called by what the second route does not take: then it is paged again instead. */
async function fallBack(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  due: DueEscalation,
): Promise<boolean> {
  const told = await bySecondRoute(deps, incident, due.number);
  if (told.kind === 'waits') return false;
  if (told.kind === 'not_taken')
    return pageAgain(deps, incident, escalation, due, `paging again, since the second route does not (${told.why})`);
  const timeline = {
    actor: 'firebreak',
    kind: ESCALATED,
    text: `${words(incident, escalation, due)}: told by the second route`,
    detail: { page: incident.pages },
  };
  await deps.incidents.amend(
    incident.id,
    ({ escalated }) => ({ timeline, escalated: also(escalated, deps) }),
    escalationKey(due),
  );
  return true;
}

/** Under which an escalation is counted once. */
const escalationKey = ({ number }: DueEscalation): string => `escalated-${number}`;

const also = (before: IncidentRecord['escalated'], { clock }: Pick<Deps, 'clock'>) => [...(before ?? []), clock.now()];
