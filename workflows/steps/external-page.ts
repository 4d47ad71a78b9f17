import { serviceEntry } from '../../core/domain/catalogue/catalogue.ts';
import type { ExternalFound, ExternalIncident } from '../../core/domain/ports/external-pager.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { approvalUrls } from '../../core/domain/incidents/approval-link.ts';
import { pageNote } from '../../core/domain/paging/page-note.ts';
import {
  type DuePage,
  isSentByFirebreak,
  pageKey,
  pagerTarget,
  whyPagedAnyway,
} from '../../core/domain/paging/pages.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Run } from '../run.ts';

/**
 * Pauses between searches, 90 s in total: Alertmanager may notify the pager after Firebreak, and the pager shows new
 * alerts with a delay.
 */
const SEARCH_PAUSES_SECONDS = [10, 10, 10, 15, 15, 15, 15] as const;
const SEARCH_SECONDS = 90;

/** Without a known key, the search covers incidents opened up to this long before ours. */
const OPENED_BEFORE_SECONDS = 600;

/** Delay of the note, so that it usually includes the first decision. */
const NOTE_AFTER_SECONDS = 15;

/** Pauses between attempts, longer than an attempt may take, so that the result of an earlier attempt is visible. */
const NOTE_PAUSES_SECONDS = [15, 30, 60, 120, 300, 300] as const;
const NOTE_PAUSE_MAX_SECONDS = 600;

/** Result of the search. `alone`: no external page was found, or the search failed, so Firebreak pages. */
export type ExternalPageResult =
  | { kind: 'followed'; external: string }
  | { kind: 'closed' }
  | { kind: 'alone'; because: string };

/**
 * Returns whether an external sender pages for this incident, so that its page is looked for first. Returns false if this
 * can't be determined, so that Firebreak pages.
 */
export async function usesExternalPager(deps: Deps, incident: IncidentRecord, number: number): Promise<boolean> {
  // A parent has no alerts to search by, and it pages for its children.
  if (incident.group_reason !== undefined || incident.parent_id !== undefined) return false;
  try {
    const { services, paging } = await deps.config.current();
    if ((serviceEntry(services, incident.service)?.paging ?? paging.mode) !== 'external') return false;
    const begun = await deps.effects.get(incident.id, pageKey(incident.id, number));
    // If Firebreak sent the previous page, it sends this one, too.
    const before = await deps.effects.get(incident.id, pageKey(incident.id, number - 1));
    return begun === undefined && (before === undefined || !isSentByFirebreak(before));
  } catch (error) {
    deps.log.error('The paging mode could not be read, so Firebreak pages', {
      incident: incident.id,
      error: String(error),
    });
    return false;
  }
}

/** Looks for the external incident for at most 90 s. In case of doubt, Firebreak pages. */
export async function findExternalPage(run: Run, page: DuePage, deps: Deps): Promise<ExternalPageResult> {
  let leftSeconds = SEARCH_SECONDS;
  for (let attempt = 0; ; attempt += 1) {
    const search = await run.step('find-page', () => searchOnce(deps, page));
    if (search.kind !== 'again') return search;
    const pause = Math.max(SEARCH_PAUSES_SECONDS[attempt] ?? SEARCH_SECONDS, search.afterSeconds ?? 0);
    if (pause > leftSeconds) return { kind: 'alone', because: search.because };
    await run.wait('find-page-again', { seconds: pause });
    leftSeconds -= pause;
  }
}

type SearchAttempt = ExternalPageResult | { kind: 'again'; because: string; afterSeconds: number | null };

async function searchOnce(deps: Deps, page: DuePage): Promise<SearchAttempt> {
  const { incidentId: id, number } = page;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return { kind: 'closed' };
  if (incident.parent_id !== undefined) return { kind: 'alone', because: 'it has become a child of another incident' };
  const found = await find(deps, incident);
  if (found.kind !== 'found') return found;
  const { external, by } = found;
  const whyNot = whyPagedAnyway(external, page);
  if (whyNot !== undefined)
    return { kind: 'alone', because: `PagerDuty incident ${external.id} was found, but ${whyNot}` };
  const followed = { id: external.id, url: external.url, assigned_to: [...external.assignedTo] };
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', ...(await pagerTarget(deps)), class: 'findable', followed } as const;
  const stored = await deps.effects.intend(id, { ...effect, detail: `Page ${number}` }, { page: number });
  if (stored.followed === undefined) return { kind: 'alone', because: 'a page by Firebreak has already started' };
  await deps.effects.conclude(id, key, 'succeeded', followedWords(external, by));
  return { kind: 'followed', external: stored.followed.id };
}

/** How an external incident was found. */
const FOUND_BY: Readonly<Record<FoundBy, string>> = {
  group_key: 'the key of its alert group',
  labels: 'the labels of its alerts',
  names: 'the names of its alert, service, and environment',
};

function followedWords({ id, assignedTo, url }: ExternalIncident, by: FoundBy): string {
  const assigned = assignedTo.length > 0 ? [`assigned to ${assignedTo.join(', ')}`] : [];
  return [
    `Following PagerDuty incident ${id} (found by ${FOUND_BY[by]})`,
    ...assigned,
    ...(url === null ? [] : [url]),
  ].join(', ');
}

type FoundBy = Extract<ExternalFound, { by: string }>['by'];

type Found =
  | { kind: 'found'; external: ExternalIncident; by: FoundBy }
  | Exclude<SearchAttempt, { kind: 'followed' | 'closed' }>;

/** Searches once. Never throws, because endless retries of a failing search would prevent the page. */
async function find(deps: Deps, incident: IncidentRecord): Promise<Found> {
  try {
    const firing = await deps.incidents.firingEpisodes(incident.id);
    if (firing.length === 0)
      return { kind: 'alone', because: 'no alert is firing that an external sender could page for' };
    const response = await deps.externalPager.find({
      groupKeys: [...new Set(firing.flatMap(({ groupKey }) => groupKey ?? []))],
      alerts: firing.map(({ labels }) => labels),
      service: incident.unmatched || incident.service,
      environment: incident.environment,
      since: plusSeconds(incident.opened_at, -OPENED_BEFORE_SECONDS),
    });
    if (response.kind === 'later' || response.kind === 'unclear')
      return {
        kind: 'again',
        because: response.detail,
        afterSeconds: response.kind === 'later' ? response.afterSeconds : null,
      };
    if (response.kind !== 'done') return { kind: 'alone', because: response.detail };
    const { value } = response;
    if (value.incident === null) return { kind: 'again', because: value.because, afterSeconds: null };
    if (value.incident.status !== 'resolved') return { kind: 'found', external: value.incident, by: value.by };
    return { kind: 'again', because: `PagerDuty incident ${value.incident.id} is resolved`, afterSeconds: null };
  } catch (error) {
    deps.log.error('The search for an external page failed, so Firebreak pages', {
      incident: incident.id,
      error: String(error),
    });
    return { kind: 'alone', because: `the search for an external page failed: ${String(error)}` };
  }
}

/** Adds a note with the current details to the external incident. That incident pages even if the note is refused. */
export async function notePage(
  run: Run,
  { incidentId, number, external }: { incidentId: IncidentId; number: number; external: string },
  deps: Deps,
): Promise<void> {
  await run.wait('note-page-soon', { seconds: NOTE_AFTER_SECONDS });
  for (const pause of [...NOTE_PAUSES_SECONDS, null]) {
    const response = await run.step('note-page', () =>
      noteOnce(deps, { incidentId, number, external, last: pause === null }),
    );
    if (pause === null || (response.kind !== 'later' && response.kind !== 'unclear')) return;
    const requested = response.kind === 'later' ? (response.afterSeconds ?? 0) : 0;
    await run.wait('note-page-again', { seconds: Math.min(Math.max(pause, requested), NOTE_PAUSE_MAX_SECONDS) });
  }
}

type Note = { incidentId: IncidentId; number: number; external: string; last: boolean };

async function noteOnce(deps: Deps, { incidentId: id, number, external, last }: Note): Promise<VendorResponse<null>> {
  const story = await deps.incidents.story(id, null);
  if (story === undefined) return { kind: 'off', detail: 'the incident does not exist' };
  const key = `${pageKey(id, number)}.note`;
  const effect = { key, kind: 'page-note', ...(await pagerTarget(deps)), class: 'findable' } as const;
  const stored = await deps.effects.intend(id, { ...effect, detail: `Note on PagerDuty incident ${external}` });
  if (stored.state !== 'intended') return { kind: 'done', value: null };
  const response = await deps.externalPager.annotate(external, pageNote(story, await approvalUrls(deps, story)), key);
  if (response.kind === 'done')
    await deps.effects.conclude(id, key, 'succeeded', `Note added to PagerDuty incident ${external}`);
  else if (last || response.kind === 'refused' || response.kind === 'off') {
    const state = response.kind === 'off' ? 'withheld' : 'failed';
    await deps.effects.conclude(id, key, state, `Note not added to PagerDuty incident ${external}: ${response.detail}`);
  }
  return response;
}
