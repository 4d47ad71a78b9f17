import { hasEnded } from '../../domain/alerts/alert-states.ts';
import type { ExternalIncident } from '../../domain/ports/external-pager.ts';
import { pageKey } from '../../domain/paging/pages.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import { rotated } from '../../domain/concurrency.ts';
import { recordPolledAcknowledgement } from './record-acknowledgement.ts';

/** The time limit for starting reads, so that a round ends before the next one starts. */
const ROUND_SECONDS = 20;

/** The maximum length of names in a note's key, because the length of table keys is limited. */
const NAMES_MAX_CHARS = 150;

export type FollowDeps = Pick<
  Deps,
  'incidents' | 'effects' | 'decisions' | 'engine' | 'externalPager' | 'alerts' | 'clock' | 'log' | 'config' | 'onCall'
>;

/**
 * Returns the key under which the acknowledgement of another tool's page is recorded once, by webhook or by polling.
 */
export const acknowledgedKey = (number: number): string => `page-${number}-acknowledged`;

/** Returns the key under which an assignment of another tool's page is recorded once. */
export const assignedKey = (number: number, names: string): string =>
  `page-${number}-assigned-${names.slice(0, NAMES_MAX_CHARS)}`;

/** The newest page that another tool sent for an incident. `newest`: Firebreak has not paged since. */
export type FollowedPage = { number: number; external: NonNullable<Effect['followed']>; newest: boolean };

/**
 * Follows the pages of other tools, each minute, if these may page: searching for their pages costs a read per page of each
 * open incident.
 */
export async function followExternalPages(deps: FollowDeps, open: readonly IncidentRecord[]): Promise<void> {
  const { services, paging } = await deps.config.current();
  const hasExternalPages =
    paging.mode === 'external' || Object.values(services).some((service) => service.paging === 'external');
  if (hasExternalPages) await followPages(deps, open);
}

/** Follows PagerDuty incidents that other tools opened, and adds their changes to our timelines. */
export async function followPages(deps: FollowDeps, open: readonly IncidentRecord[]): Promise<{ read: number }> {
  const since = deps.clock.now();
  let read = 0;
  for (const incident of rotated(open, Math.floor(millisOf(since) / 60_000))) {
    if (secondsBetween(since, deps.clock.now()) >= ROUND_SECONDS) break;
    const how = await followOne(deps, incident);
    if (how === 'read') read += 1;
    if (how === 'unreachable') break; // the next read would fail, too
  }
  return { read };
}

/** Follows one page. Errors are logged, so that the others are still followed. */
async function followOne(
  deps: FollowDeps,
  incident: IncidentRecord,
): Promise<'none' | 'read' | 'failed' | 'unreachable'> {
  try {
    const page = await followedPage(deps, incident);
    if (page === undefined) return 'none';
    const response = await deps.externalPager.read(page.external.id);
    if (response.kind === 'done') {
      await recordUpdate(deps, incident, page, response.value);
      return 'read';
    }
    deps.log.warn('a followed PagerDuty incident could not be read', { incident: incident.id, ...response });
    return response.kind === 'refused' ? 'failed' : 'unreachable';
  } catch (error) {
    deps.log.error('a PagerDuty incident could not be followed', { incident: incident.id, error: String(error) });
    return 'failed';
  }
}

async function followedPage({ effects }: FollowDeps, { id, pages }: IncidentRecord): Promise<FollowedPage | undefined> {
  for (let number = pages; number >= 1; number -= 1) {
    const external = (await effects.get(id, pageKey(id, number)))?.followed;
    if (external !== undefined) return { number, external, newest: number === pages };
  }
  return undefined;
}

async function recordUpdate(
  deps: FollowDeps,
  incident: IncidentRecord,
  page: FollowedPage,
  now: ExternalIncident | null,
): Promise<void> {
  if (now === null || now.status === 'resolved') return ended(deps, incident, page, now);
  const { number, external } = page;
  const acknowledged = now.status === 'acknowledged';
  if (acknowledged)
    await recordPolledAcknowledgement(deps, { incidentId: incident.id, number }, now, acknowledgedKey(number));
  const assigned = now.assignedTo.toSorted().join(', ');
  // PagerDuty assigns an incident to the person who acknowledges it, which is not worth another entry.
  const taken = acknowledged && now.assignedTo.every((name) => now.acknowledgedBy.includes(name));
  if (assigned === '' || taken || assigned === external.assigned_to.toSorted().join(', ')) return;
  await note(deps, incident, assignedKey(number, assigned), 'page.assigned', `Assigned at PagerDuty to ${assigned}`);
}

/** Handles a followed incident that has ended at PagerDuty. While alerts fire, a new page is due. */
async function ended(
  deps: FollowDeps,
  { id }: IncidentRecord,
  page: FollowedPage,
  now: ExternalIncident | null,
): Promise<void> {
  const { id: external } = page.external;
  const what = now === null ? `PagerDuty incident ${external} no longer exists` : `Resolved at PagerDuty (${external})`;
  return recordExternalEnd(deps, id, page, what);
}

/**
 * Records that a followed page has ended, by polling or earlier by webhook. Requests a new page if alerts still fire.
 *
 * @param what describes the event on the timeline
 */
export async function recordExternalEnd(
  deps: FollowDeps,
  id: IncidentId,
  { number, external, newest }: FollowedPage,
  what: string,
): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return;
  const fires = incident.firing > 0 && !(await haveAllEnded(deps, incident));
  if (!fires || !newest || incident.pages !== number)
    return note(deps, incident, `page-${number}-ended`, 'page.ended', what);
  const text = `${what}, but alerts still fire: a new page is due`;
  const timeline = { actor: 'pagerduty', kind: 'page.ended', text, detail: { page: number, external: external.id } };
  await deps.incidents.post(id, { kind: 'page', by: 'pagerduty', note: text }, { timeline }, `page-${number}-ended`);
  await wake(deps, id);
}

/** Returns whether all alerts have ended in Alertmanager although we still count them as firing. False if unknown. */
async function haveAllEnded({ incidents, alerts }: FollowDeps, { id }: IncidentRecord): Promise<boolean> {
  const firing = await incidents.firingEpisodes(id);
  if (firing.length === 0 || firing.some(({ source }) => source !== 'alertmanager')) return false;
  const states = await alerts.of(firing);
  return states !== null && firing.every((one, n) => hasEnded(states[n], one));
}

const note = (
  { incidents, clock }: FollowDeps,
  { id }: IncidentRecord,
  key: string,
  kind: string,
  text: string,
): Promise<void> => incidents.note(id, key, { at: clock.now(), actor: 'pagerduty', kind, text, detail: null });
