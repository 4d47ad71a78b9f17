import { type DueEscalation, ESCALATED, escalationDue, isUnheard } from '../domain/escalation.ts';
import { pageKey } from '../domain/pages.ts';
import type { Deps } from '../domain/ports.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { Escalation } from '../schemas/response.ts';
import { pageRequest } from '../workflows/steps/page.ts';
import { wake } from '../workflows/wake.ts';
import { acknowledgedThere } from './pagerduty/acknowledged.ts';

/** Newest first. Were there more since the last escalation, the next one would be none: its key is taken. */
const TIMELINE_READ = 300;

type EscalateDeps = Pick<
  Deps,
  | 'incidents'
  | 'effects'
  | 'decisions'
  | 'engine'
  | 'config'
  | 'clock'
  | 'log'
  | 'timeScale'
  | 'externalPager'
  | 'fallbackPager'
>;

/** Each minute: calls somebody again for pages that nobody has acknowledged, as `response.yaml` says. */
export async function escalate(deps: EscalateDeps, open: readonly IncidentRecord[]): Promise<{ escalated: number }> {
  const { escalation } = (await deps.config.current()).response;
  let escalated = 0;
  if (escalation === undefined) return { escalated };
  for (const { id } of open.filter(isUnheard)) {
    try {
      if (await escalateOne(deps, escalation, id)) escalated += 1;
    } catch (error) {
      deps.log.error('a page that nobody has acknowledged could not be escalated', {
        incident: id,
        error: String(error),
      });
    }
  }
  return { escalated };
}

async function escalateOne(deps: EscalateDeps, escalation: Escalation, id: IncidentRecord['id']): Promise<boolean> {
  const incident = await deps.incidents.read(id); // the list may be a moment behind
  if (incident === undefined || !isUnheard(incident)) return false;
  const page = await deps.effects.get(id, pageKey(id, incident.pages));
  const { items } = await deps.incidents.timeline(id, { limit: TIMELINE_READ });
  const { clock, timeScale } = deps;
  const due = escalationDue(escalation, page, items, {
    now: clock.now(),
    timeScale,
    heardAt: incident.care?.acknowledged?.at,
  });
  if (due === null || (await isSeenThere(deps, incident))) return false;
  return escalation.how === 'fallback'
    ? bySecondRoute(deps, incident, escalation, due)
    : pageAgain(deps, incident, escalation, due);
}

/**
 * Whether somebody has acknowledged the page at the pager, or has resolved it there, and we have not heard of it, as
 * where no webhook is set up. Not to know is no reason to let everybody sleep.
 */
async function isSeenThere(deps: EscalateDeps, { id, pages }: IncidentRecord): Promise<boolean> {
  const told = await deps.externalPager.paged(pageKey(id, pages));
  if (told.kind !== 'done' || told.value === null || told.value.status === 'triggered') return false;
  const { status, acknowledgedBy } = told.value;
  const by = acknowledgedBy.length > 0 ? ` by ${acknowledgedBy.join(', ')}` : '';
  await acknowledgedThere(deps, id, {
    key: `page-${pages}-seen`,
    page: pages,
    by: `pagerduty:${acknowledgedBy[0] ?? 'somebody'}`,
    actor: 'pagerduty',
    text: status === 'resolved' ? 'Resolved at PagerDuty' : `Acknowledged at PagerDuty${by}`,
    at: deps.clock.now(),
  });
  return true;
}

const words = ({ pages }: IncidentRecord, { afterMinutes, times }: Escalation, nth: number): string =>
  `Nobody has acknowledged page ${pages} for ${afterMinutes} minutes (${nth} of ${times} times)`;

/** A new page rings for whoever is on call then. */
async function pageAgain(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  { number, nth }: DueEscalation,
): Promise<boolean> {
  const text = `${words(incident, escalation, nth)}: paging again`;
  const timeline = { actor: 'firebreak', kind: ESCALATED, text, detail: { page: incident.pages } };
  const message = { kind: 'page', by: 'escalation', note: text } as const;
  if (!(await deps.incidents.post(incident.id, message, { timeline }, `escalation-${number}`))) return false;
  await wake(deps, incident.id);
  return true;
}

/** Tried again each minute until the second route has taken it, or never will. */
async function bySecondRoute(
  deps: EscalateDeps,
  incident: IncidentRecord,
  escalation: Escalation,
  { number, nth }: DueEscalation,
): Promise<boolean> {
  const { id, pages } = incident;
  const key = `${pageKey(id, pages)}.escalated-${number}`;
  const about = `Page ${pages} by the second route, since nobody has acknowledged it`;
  const effect = { key, kind: 'page-fallback', target: 'webhook', class: 'repeatable', detail: about } as const;
  const kept = await deps.effects.intend(id, effect);
  if (kept.state === 'intended') {
    const answer = await deps.fallbackPager.send(pageRequest(incident, key, deps));
    if (answer.kind === 'later') return false;
    const state = answer.kind === 'taken' ? 'succeeded' : answer.kind === 'off' ? 'withheld' : 'failed';
    await deps.effects.conclude(id, key, state, answer.detail);
  }
  await deps.incidents.note(id, `escalation-${number}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: ESCALATED,
    text: `${words(incident, escalation, nth)}: told by the second route`,
    detail: { page: pages },
  });
  return true;
}
