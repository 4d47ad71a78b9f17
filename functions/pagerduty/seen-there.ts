import { setTimeout as sleep } from 'node:timers/promises';
import { isHeard, unheardPages } from '../../domain/heard.ts';
import type { ExternalIncident, Told } from '../../domain/outlets.ts';
import { isOurs, pageKey } from '../../domain/pages.ts';
import type { PageOf } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Deadline } from '../evaluation/pool.ts';
import type { FollowDeps } from '../follow-pages.ts';
import { isToldByUs } from './acknowledge-pages.ts';
import { seenAcknowledged } from './acknowledged.ts';
import { whoIs } from './agent.ts';
import { resolvedThere } from './resolved.ts';
import { seenTogether } from './together.ts';

export type SeenDeps = FollowDeps & Pick<Deps, 'config' | 'onCall' | 'crowds' | 'pager'>;

/** Pages of an incident that are asked about, the newest ones: each is a call. */
const PAGES_MAX = 10;

/**
 * Whether somebody sees to the incident by what they did at the pager, of which we have not heard, as where no webhook
 * is set up: to any of its pages that nobody has heard yet. It is taken over as if it had been told. Not to know is no
 * reason to let everybody sleep.
 *
 * @param asking what is left of the time for which the pager is asked
 */
export async function isSeenThere(deps: SeenDeps, incident: IncidentRecord, asking: Deadline): Promise<boolean> {
  const { id } = incident;
  for (const number of unheardPages(incident).slice(0, PAGES_MAX)) {
    const page = await deps.effects.get(id, pageKey(id, number));
    if (page === undefined || page.state !== 'succeeded' || !isOurs(page)) continue;
    const told = await inTime(asking, () => deps.externalPager.paged(pageKey(id, number)));
    if (told.kind === 'off') return false;
    if (told.kind !== 'done') {
      const { detail } = told;
      deps.log.warn('it is not known whether a page is acknowledged at PagerDuty', { incident: id, number, detail });
      return false;
    }
    if (told.value !== null && (await takenOver(deps, incident, number, told.value))) return true;
  }
  return incident.crowd !== undefined && (await isSeenAtParts(deps, incident, asking));
}

/** Its parts may have rung before they joined, and whoever has acknowledged one of these pages since sees to it. */
async function isSeenAtParts(deps: SeenDeps, { id }: IncidentRecord, asking: Deadline): Promise<boolean> {
  for (const { incident: part } of await deps.crowds.parts(id)) {
    if (part.status === 'resolved' || part.pages === 0 || !(await isSeenThere(deps, part, asking))) continue;
    await seenTogether(deps, part.id);
    const now = await deps.incidents.read(id);
    if (now === undefined || isHeard(now)) return true;
  }
  return false;
}

/** Gives whether somebody sees to it by that. */
async function takenOver(
  deps: SeenDeps,
  incident: IncidentRecord,
  number: number,
  there: ExternalIncident,
): Promise<boolean> {
  const page = { incidentId: incident.id, number };
  const byNobody = there.acknowledged?.by == null;
  if (there.status === 'acknowledged' && byNobody && (await isToldByUs(deps, incident, number))) return false;
  if (there.status === 'acknowledged')
    return seenAcknowledged(deps, page, there, `page-${page.number}-seen-${there.acknowledged?.at ?? ''}`);
  if (there.status === 'resolved' && there.resolvedBy !== null) return resolved(deps, page, there.resolvedBy);
  return false; // it rings, or is over there without anybody having done anything
}

/** Who has resolved it while it goes on here has not taken it on. */
async function resolved(
  deps: SeenDeps,
  page: PageOf,
  by: NonNullable<ExternalIncident['resolvedBy']>,
): Promise<boolean> {
  const { incidentId, number } = page;
  const key = `page-${number}-resolved-there`;
  const how = await resolvedThere(deps, page, { agent: await whoIs(deps, by), key, at: deps.clock.now() });
  if (how === 'over') return true;
  const now = await deps.incidents.read(incidentId);
  return now === undefined || isHeard(now);
}

/** What is not there in time goes on, and nobody waits for it. */
async function inTime<T>(asking: Deadline, ask: () => Promise<Told<T>>): Promise<Told<T>> {
  const late: Told<never> = { kind: 'later', detail: 'no answer in time', afterSeconds: null };
  if (asking.left === 0) return late;
  const over = new AbortController();
  try {
    return await Promise.race([ask(), sleep(asking.left, late, { signal: over.signal })]);
  } catch (error) {
    return { kind: 'later', detail: String(error), afterSeconds: null };
  } finally {
    over.abort();
  }
}
