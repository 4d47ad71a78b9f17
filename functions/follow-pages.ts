import { hasEnded } from '../domain/alert-states.ts';
import type { ExternalIncident } from '../domain/outlets.ts';
import { pageKey } from '../domain/pages.ts';
import type { Deps } from '../domain/ports.ts';
import type { Effect, IncidentRecord } from '../schemas/incident.ts';
import { millisOf, secondsBetween } from '../schemas/time.ts';
import { wake } from '../workflows/wake.ts';

/** No reading is begun after so long, so that one round ends before the next one begins. */
const ROUND_SECONDS = 20;

/** Of a note's key; names are long in some places, and the table's keys are not. */
const NAMES_MAX_CHARS = 150;

type FollowDeps = Pick<
  Deps,
  'incidents' | 'effects' | 'decisions' | 'engine' | 'externalPager' | 'alerts' | 'clock' | 'log'
>;

/** The newest page of an incident that others have sent. `newest`: none of ours has been sent since. */
type Followed = { number: number; external: NonNullable<Effect['followed']>; newest: boolean };

/** Each minute: what has become of the incidents by which others page, told on the timelines of ours. */
export async function followPages(deps: FollowDeps, open: readonly IncidentRecord[]): Promise<{ read: number }> {
  const since = deps.clock.now();
  let read = 0;
  for (const incident of rotated(open, Math.floor(millisOf(since) / 60_000))) {
    if (secondsBetween(since, deps.clock.now()) >= ROUND_SECONDS) break;
    const how = await followOne(deps, incident);
    if (how === 'read') read += 1;
    if (how === 'unreachable') break; // the next one would hear the same
  }
  return { read };
}

/** One that fails must not keep the others from being followed. */
async function followOne(
  deps: FollowDeps,
  incident: IncidentRecord,
): Promise<'none' | 'read' | 'failed' | 'unreachable'> {
  try {
    const page = await followedPage(deps, incident);
    if (page === undefined) return 'none';
    const told = await deps.externalPager.read(page.external.id);
    if (told.kind === 'done') {
      await tell(deps, incident, page, told.value);
      return 'read';
    }
    deps.log.warn('an incident of others could not be read', { incident: incident.id, ...told });
    return told.kind === 'refused' ? 'failed' : 'unreachable';
  } catch (error) {
    deps.log.error('an incident of others could not be followed', { incident: incident.id, error: String(error) });
    return 'failed';
  }
}

/** Whoever comes too late in one round comes first in another. */
const rotated = <T>(all: readonly T[], by: number): T[] => {
  const from = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
};

async function followedPage({ effects }: FollowDeps, { id, pages }: IncidentRecord): Promise<Followed | undefined> {
  for (let number = pages; number >= 1; number -= 1) {
    const external = (await effects.get(id, pageKey(id, number)))?.followed;
    if (external !== undefined) return { number, external, newest: number === pages };
  }
  return undefined;
}

async function tell(
  deps: FollowDeps,
  incident: IncidentRecord,
  page: Followed,
  now: ExternalIncident | null,
): Promise<void> {
  if (now === null || now.status === 'resolved') return ended(deps, incident, page, now);
  const { number, external } = page;
  const acknowledged = now.status === 'acknowledged';
  if (acknowledged) {
    const by = now.acknowledgedBy.length > 0 ? ` by ${now.acknowledgedBy.join(', ')}` : '';
    await note(deps, incident, `page-${number}-acknowledged`, 'page.acknowledged', `Acknowledged at PagerDuty${by}`);
  }
  const assigned = now.assignedTo.toSorted().join(', ');
  // Whoever acknowledges it gets it.
  const taken = acknowledged && now.assignedTo.every((name) => now.acknowledgedBy.includes(name));
  if (assigned === '' || taken || assigned === external.assigned_to.toSorted().join(', ')) return;
  const key = `page-${number}-assigned-${assigned.slice(0, NAMES_MAX_CHARS)}`;
  await note(deps, incident, key, 'page.assigned', `Assigned at PagerDuty to ${assigned}`);
}

/** Nobody hears of it there any more. While its alerts fire, somebody has to: it is looked for again, or we page. */
async function ended(
  deps: FollowDeps,
  { id }: IncidentRecord,
  { number, external, newest }: Followed,
  now: ExternalIncident | null,
): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return;
  const what =
    now === null ? `PagerDuty ${external.id} is not there any more` : `Resolved at PagerDuty (${external.id})`;
  const fires = incident.firing > 0 && !(await allGone(deps, incident));
  if (!fires || !newest || incident.pages !== number)
    return note(deps, incident, `page-${number}-ended`, 'page.ended', what);
  const text = `${what} while alerts still fire: a page is due again`;
  const timeline = { actor: 'pagerduty', kind: 'page.ended', text, detail: { page: number, external: external.id } };
  await deps.incidents.post(id, { kind: 'page', by: 'pagerduty', note: text }, { timeline }, `page-${number}-ended`);
  await wake(deps, id);
}

/** All alerts have ended where they live, and we are yet to hear of it. Not to know is not that. */
async function allGone({ incidents, alerts }: FollowDeps, { id }: IncidentRecord): Promise<boolean> {
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
