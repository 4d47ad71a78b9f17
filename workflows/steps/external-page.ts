import { serviceEntry } from '../../domain/catalogue.ts';
import type { ExternalIncident, Told } from '../../domain/outlets.ts';
import { pageNote } from '../../domain/page-note.ts';
import { type DuePage, isOurs, pageKey, pagerTarget, whyUnheard } from '../../domain/pages.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { plusSeconds } from '../../schemas/time.ts';
import type { Run } from '../run.ts';

/**
 * Pauses between looks, 90 s in all: what Alertmanager tells the pager may come after what it tells us, and the pager
 * shows what it was told a while later.
 */
const LOOK_PAUSES_SECONDS = [10, 10, 10, 15, 15, 15, 15] as const;
const LOOK_SECONDS = 90;

/** Where no key is known, incidents from so long before ours on are looked through. */
const OPENED_BEFORE_SECONDS = 600;

/** By then the first judgement has been made as a rule, and the note can tell of it. */
const NOTE_AFTER_SECONDS = 15;

/** Pauses between tries, longer than an attempt may take: what it has left behind shows by then. */
const NOTE_PAUSES_SECONDS = [15, 30, 60, 120, 300, 300] as const;
const NOTE_PAUSE_MAX_SECONDS = 600;

/** How the search ends. `alone`: nobody rings for it, or nobody knows; so we page. */
export type Outside = { kind: 'followed'; external: string } | { kind: 'closed' } | { kind: 'alone'; because: string };

/**
 * Whether others page for this incident, so that theirs is looked for before we do. What cannot be found out keeps no
 * page back.
 */
export async function pagedElsewhere(deps: Deps, incident: IncidentRecord, number: number): Promise<boolean> {
  // What is made of others has no alerts of its own by which to find anything, and pages for its parts.
  if (incident.crowd !== undefined || incident.parent_id !== undefined) return false;
  try {
    const { services, paging } = await deps.config.current();
    if ((serviceEntry(services, incident.service)?.paging ?? paging.mode) !== 'external') return false;
    const begun = await deps.effects.get(incident.id, pageKey(incident.id, number));
    // Whoever was paged by us hears of it again from us.
    const before = await deps.effects.get(incident.id, pageKey(incident.id, number - 1));
    return begun === undefined && (before === undefined || !isOurs(before));
  } catch (error) {
    deps.log.error('it could not be found out who pages, so we do', { incident: incident.id, error: String(error) });
    return false;
  }
}

/** Looks for the incident that others page by, for 90 s at most. Whenever in doubt, it is ours to page. */
export async function lookOutside(run: Run, page: DuePage, deps: Deps): Promise<Outside> {
  let left = LOOK_SECONDS;
  for (let look = 0; ; look += 1) {
    const seen = await run.step('find-page', () => lookOnce(deps, page));
    if (seen.kind !== 'again') return seen;
    const pause = Math.max(LOOK_PAUSES_SECONDS[look] ?? LOOK_SECONDS, seen.afterSeconds ?? 0);
    if (pause > left) return { kind: 'alone', because: seen.because };
    await run.wait('find-page-again', { seconds: pause });
    left -= pause;
  }
}

type Look = Outside | { kind: 'again'; because: string; afterSeconds: number | null };

async function lookOnce(deps: Deps, page: DuePage): Promise<Look> {
  const { incidentId: id, number } = page;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return { kind: 'closed' };
  if (incident.parent_id !== undefined) return { kind: 'alone', because: 'it has become a part of another incident' };
  const found = await find(deps, incident);
  if (found.kind !== 'found') return found;
  const { external, by } = found;
  const unheard = whyUnheard(external, page);
  if (unheard !== undefined) return { kind: 'alone', because: `PagerDuty ${external.id} was found, but ${unheard}` };
  const followed = { id: external.id, url: external.url, assigned_to: [...external.assignedTo] };
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', ...(await pagerTarget(deps)), class: 'findable', followed } as const;
  const kept = await deps.effects.intend(id, { ...effect, detail: `Page ${number}` }, { page: number });
  if (kept.followed === undefined) return { kind: 'alone', because: 'it has been begun already' };
  await deps.effects.conclude(id, key, 'succeeded', followedWords(external, by));
  return { kind: 'followed', external: kept.followed.id };
}

function followedWords({ id, assignedTo, url }: ExternalIncident, by: string): string {
  const assigned = assignedTo.length > 0 ? [`assigned to ${assignedTo.join(', ')}`] : [];
  return [`Followed: PagerDuty ${id} (by ${by})`, ...assigned, ...(url === null ? [] : [url])].join(', ');
}

type Found = { kind: 'found'; external: ExternalIncident; by: string } | Exclude<Look, { kind: 'followed' | 'closed' }>;

/** Never throws: a search that failed again and again would be silence. */
async function find(deps: Deps, incident: IncidentRecord): Promise<Found> {
  try {
    const firing = await deps.incidents.firingEpisodes(incident.id);
    if (firing.length === 0) return { kind: 'alone', because: 'there is no alert that others could page for' };
    const told = await deps.externalPager.find({
      groupKeys: [...new Set(firing.flatMap(({ groupKey }) => groupKey ?? []))],
      alerts: firing.map(({ labels }) => labels),
      service: incident.unmatched || incident.service,
      environment: incident.environment,
      since: plusSeconds(incident.opened_at, -OPENED_BEFORE_SECONDS),
    });
    if (told.kind === 'later' || told.kind === 'unclear')
      return { kind: 'again', because: told.detail, afterSeconds: told.kind === 'later' ? told.afterSeconds : null };
    if (told.kind !== 'done') return { kind: 'alone', because: told.detail };
    const { value } = told;
    if (value.incident === null) return { kind: 'again', because: value.because, afterSeconds: null };
    if (value.incident.status !== 'resolved') return { kind: 'found', external: value.incident, by: value.by };
    return { kind: 'again', because: `PagerDuty ${value.incident.id} is resolved`, afterSeconds: null };
  } catch (error) {
    deps.log.error('the search for an incident of others failed, so we page', {
      incident: incident.id,
      error: String(error),
    });
    return { kind: 'alone', because: `the search for it failed: ${String(error)}` };
  }
}

/** Writes on the incident that is followed what we know. It pages all the same when that is refused. */
export async function notePage(
  run: Run,
  { incidentId, number, external }: { incidentId: IncidentId; number: number; external: string },
  deps: Deps,
): Promise<void> {
  await run.wait('note-page-soon', { seconds: NOTE_AFTER_SECONDS });
  for (const pause of [...NOTE_PAUSES_SECONDS, null]) {
    const told = await run.step('note-page', () =>
      noteOnce(deps, { incidentId, number, external, last: pause === null }),
    );
    if (pause === null || (told.kind !== 'later' && told.kind !== 'unclear')) return;
    const asked = told.kind === 'later' ? (told.afterSeconds ?? 0) : 0;
    await run.wait('note-page-again', { seconds: Math.min(Math.max(pause, asked), NOTE_PAUSE_MAX_SECONDS) });
  }
}

type Note = { incidentId: IncidentId; number: number; external: string; last: boolean };

async function noteOnce(deps: Deps, { incidentId: id, number, external, last }: Note): Promise<Told<null>> {
  const story = await deps.incidents.story(id, null);
  if (story === undefined) return { kind: 'off', detail: 'the incident is not in the table' };
  const key = `${pageKey(id, number)}.note`;
  const effect = { key, kind: 'page-note', ...(await pagerTarget(deps)), class: 'findable' } as const;
  const kept = await deps.effects.intend(id, { ...effect, detail: `Note on PagerDuty ${external}` });
  if (kept.state !== 'intended') return { kind: 'done', value: null };
  const told = await deps.externalPager.annotate(external, pageNote(story), key);
  if (told.kind === 'done') await deps.effects.conclude(id, key, 'succeeded', `Noted on PagerDuty ${external}`);
  else if (last || told.kind === 'refused' || told.kind === 'off') {
    const state = told.kind === 'off' ? 'withheld' : 'failed';
    await deps.effects.conclude(id, key, state, `Not noted on PagerDuty ${external}: ${told.detail}`);
  }
  return told;
}
